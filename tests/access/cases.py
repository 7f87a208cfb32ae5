"""Requests drawn at random, near to what is granted: right in all but a few things."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

import jwt

from control_plane.access import ApiKey, Credentials, Request, Token
from control_plane.catalog.model import Api, Catalog, Grant, Service, Version
from tests.access.platforms import ISSUERS, boundaries
from tests.kong.world import realm_key

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE")
ADDRESSES = (
    "203.0.113.7",
    "203.0.113.8",
    "198.51.100.15",
    "198.51.100.16",
    "2001:db8::1",
    "2001:db8:0:1::1",
    "192.0.2.1",
)
TAILS = ("", "/", "/entities", "/entities/urn:ngsi-ld:Road:1", "/a/b/", "/100%25", "/%E9%81%93")
SERVICE_PATHS = (
    *(
        "/road/north",
        "/road",
        "/road/",
        "/road/#",
        "/road#",
        "/roadX",
        "/road/north/#",
        "/road/../river",
        "/road,/river",
    ),
    *(
        "/road//x",
        "/Road",
        "road",
        "/road/a b",
        "/road/#/#",
        "/road/" + "x" * 260,
        "/river/dam",
        "/river/dam/#",
        "/gauge",
    ),
    *("/gauge/x", "/", "/#", "#", "", "//", "/道路"),
)
INSERTED = (
    *(
        "%2F",
        "%2f",
        "//",
        "\\",
        "%5C",
        "%5c",
        "/./",
        "/%2e/",
        "/../",
        "/%2E%2e/",
        "/x/../",
        "/;",
        ";/",
        "/%3B",
        "/;a=1/",
    ),
    *("/..;/", "%00/", "%zz/", "%/", "/%252e%252e/", "/%252F", "/.../", "/-/", "%20/"),
)
APPENDED = ("X", ".", "..", "/..", "/.", ";", "%2F", "%2e%2e", "~")
SECONDS = (-86400, -1, -0.001, 0, 0.001, 1, 86400)
BORDER = (-3600, -1, 0, 1, 60)
AROUND = (-3600, -120, 120, 3600)  # where the gateway's clock goes on between question and answer


def a_case(draw: Random, catalog: Catalog, at: datetime, *, real: bool = False) -> Request:
    """A request at that instant; of a `real` gateway neither clock nor its client's address can be set."""
    service = draw.choice(list(catalog.services()))
    grant = draw.choice(service.grants) if service.grants and draw.random() < 0.75 else None
    api = catalog.apis[grant.api] if grant else draw.choice(list(catalog.apis.values()))
    version = api.version(draw.choice(grant.versions)) if grant else draw.choice(api.versions)
    return Request(
        credentials=some_credentials(draw, catalog, service, at, AROUND if real else BORDER),
        method=a_method(draw, api, grant),
        path=a_path(draw, catalog, api, version, grant),
        at=at,
        address=None if real else draw.choice((*ADDRESSES, *near(service, api))),
        scope=a_scope(draw, catalog, grant),
        service_path=draw.choice(SERVICE_PATHS) if draw.random() < 0.4 else None,
    )


def near(service: Service, api: Api) -> tuple[str, ...]:
    """First addresses of what is allowed, so that most calls come from a right one."""
    return tuple(one.partition("/")[0].replace("::", "::1") for one in (*service.allowed_ips, *api.allowed_ips)) * 3


def instants(catalog: Catalog) -> list[datetime]:
    """Around every boundary, a third of all now, in their order: what has ended at the gateway does not come back."""
    around = {one + timedelta(seconds=seconds) for one in boundaries(catalog) for seconds in SECONDS}
    return sorted([*around, *[catalog.as_of] * (len(around) // 2 + 1)])


def a_method(draw: Random, api: Api, grant: Grant | None) -> str:
    if draw.random() < 0.15:
        return draw.choice(METHODS)
    levels = [api.level(name) for name in grant.levels] if grant and draw.random() < 0.85 else api.levels
    return draw.choice(draw.choice(levels).methods)


def a_scope(draw: Random, catalog: Catalog, grant: Grant | None) -> str | None:
    chance = draw.random()
    if grant and grant.scopes and chance < 0.5:
        return draw.choice(grant.scopes)
    if chance < 0.85:
        return None
    return draw.choice((*catalog.scopes, "", "nobody", "ROAD"))


def a_path(draw: Random, catalog: Catalog, api: Api, version: Version, grant: Grant | None) -> str:
    names = list(grant.scopes) if grant and draw.random() < 0.8 else list(catalog.scopes)
    folders = [folder for name in names for folder in catalog.scopes[name].paths]
    folder = draw.choice(folders) if folders and draw.random() < 0.8 else ""
    taken = [path.replace("*", draw.choice(("x", "a", "history", ""))) for level in api.levels for path in level.paths]
    if taken and draw.random() < 0.6:
        folder = draw.choice(taken)
    path = version.path + folder + draw.choice(TAILS)
    if api.default and draw.random() < 0.3:
        path = api.default.path + folder + draw.choice(TAILS)
    for _ in range(draw.choice((0, 0, 0, 0, 1, 1, 2))):
        path = mutated(draw, path)
    if api.query_field and draw.random() < 0.9:
        return path + "?" + a_query(draw, catalog, api.query_field, names)
    return path if draw.random() < 0.9 else f"{path}?type=Road&q=a/../b;c"


def a_query(draw: Random, catalog: Catalog, field: str, names: list[str]) -> str:
    """Mostly the field once, plainly; else one of the spellings that an upstream might take for it."""
    values = [value for name in names for value in catalog.scopes[name].values]
    once = f"{field}={draw.choice(values)}"
    other = f"{draw.choice(spellings(field))}={draw.choice((*values, '', 'nobody'))}"
    shapes = (once, once, once, f"a=1&{once}", "", "a=1", other, f"{once}&{other}", f"{once};{other}", f"a;{once}&b")
    return draw.choice((*shapes, f"%zz=1&{once}", f"{once}%20", f"{once}#", field, f"{once}&{once}", f"&{once}&&a=%zz"))


def spellings(field: str) -> tuple[str, ...]:
    first = field[0]
    return (
        *(
            field,
            field.upper(),
            field + "[]",
            field + "[0]",
            f"%{ord(first):02x}{field[1:]}",
            " ".join(("", field)).strip(),
        ),
        *(f"%25{ord(first):02x}{field[1:]}", field + "%00x", field + "%5B%5D", "+" + field, field.replace("_", ".")),
        *(field.replace("_", "%20"), field.replace("_", ""), field + "x", "x" + field, "?" + field, field + "%"),
    )


def mutated(draw: Random, path: str) -> str:
    """A path that looks like the other one."""
    slash = draw.choice([place for place, letter in enumerate(path) if letter == "/"] or [0])
    letter = draw.randrange(len(path)) if path else 0
    before, after = path[:slash], path[slash + 1 :]
    others = (
        path[:letter] + path[letter : letter + 1].swapcase() + path[letter + 1 :],
        path[:letter] + f"%{ord(path[letter]):02X}" + path[letter + 1 :] if path and path[letter].isascii() else path,
        path[:letter] + path[letter + 1 :] if letter else path,
        path + draw.choice(APPENDED),
        "/" + path,
        "/other/.." + path,
        path + "/../../v1/entities",
    )
    return draw.choice((before + draw.choice(INSERTED) + after, draw.choice(others))) or "/"


# ---------------------------------------------------------------- credentials


def some_credentials(
    draw: Random, catalog: Catalog, service: Service, at: datetime, seconds: tuple[int, ...]
) -> Credentials:
    own_key, own_token = ApiKey(service.name), a_token(catalog, service, at)
    if draw.random() < (0.6 if service.redirect_uris else 0.1):
        own_token = of_a_person(draw, catalog, own_token)
    other = draw.choice(list(catalog.services()))
    return draw.choices(
        (
            Credentials(key=own_key),
            Credentials(token=own_token),
            Credentials(own_key, own_token),
            Credentials(),
            Credentials(key=ApiKey(None)),
            Credentials(key=ApiKey(other.name), token=own_token),
            Credentials(key=own_key, token=spoiled(draw, catalog, own_token, at, seconds)),
            Credentials(key=ApiKey(None), token=own_token),
            Credentials(token=spoiled(draw, catalog, own_token, at, seconds)),
        ),
        (30, 25, 10, 4, 3, 6, 8, 3, 11),
    )[0]


def a_token(catalog: Catalog, service: Service, at: datetime) -> Token:
    realm = catalog.tenants[service.tenant].realm
    expires, platform = whole(at) + timedelta(minutes=5), catalog.platform.name
    if theirs := service.token_issuer:
        own = Token(theirs.client, None, theirs.issuer, expires, audience=theirs.audience, issuer=theirs.issuer)
        return replace(own, service=theirs.client) if at.second % 2 else replace(own, client_id=theirs.client)
    return Token(service.name, realm, realm, expires, audience=platform, service=service.name)


def of_a_person(draw: Random, catalog: Catalog, token: Token) -> Token:
    """Some roles, with those that they include, as Keycloak writes them; sometimes others, or none."""
    given = draw.sample(list(catalog.roles), draw.randint(0, min(2, len(catalog.roles))))
    held = {name for role in given for name in catalog.roles_with(role)}
    roles = (*sorted(held), *draw.choice(((), (), ("nobody", "*", "offline_access"))))
    consents = tuple(name for name in catalog.scopes if draw.random() < 0.6)
    return replace(token, service=None, session="5c0c7d1a", roles=roles, consents=consents)


def whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def spoiled(draw: Random, catalog: Catalog, token: Token, at: datetime, seconds: tuple[int, ...]) -> Token:
    """A token with one thing wrong, or nearly wrong; `seconds` from now it begins or ends."""
    realms = list(catalog.realms)
    others: tuple[dict[str, object], ...] = (
        {"expires": whole(at) + timedelta(seconds=draw.choice(seconds))},
        {"expires": None},
        {"not_before": whole(at) + timedelta(seconds=draw.choice(seconds))},
        {"kind": draw.choice(("ID", "Refresh", "bearer", None))},
        {"realm": draw.choice((*realms, None))},
        {"signed_by": draw.choice((*realms, "a stranger"))},
        {"audience": an_audience(draw, catalog)},
        {"session": draw.choice((None, "5c0c7d1a"))},
        {"service": draw.choice(("nasushiobara.nobody", None, *(one.name for one in catalog.services())))},
        {"issuer": draw.choice((*ISSUERS, None)), "realm": None},
        {"issuer": draw.choice(ISSUERS), "realm": None, "signed_by": draw.choice(ISSUERS)},
        {"signed_by": draw.choice(ISSUERS)},
        {"client_id": draw.choice(("link-1", None))},
        {"service": None, "client_id": draw.choice(("link-1", None, token.client))},
        {"client": draw.choice([f"link-{number}" for number in range(12)])},
        {"client": draw.choice(("nasushiobara.nobody", None, *(one.name for one in catalog.services())))},
    )
    return replace(token, **draw.choice(others))


def an_audience(draw: Random, catalog: Catalog) -> str | tuple[str, ...] | None:
    own = catalog.platform.name
    return draw.choice((None, (), "account", own.upper(), (own,), ("account", own), ("account", f"{own}-2"), f"{own} "))


@lru_cache(maxsize=50_000)
def written(token: Token, issuer: str) -> str:
    """The token as text, signed with a key that stands for the realm's."""
    claims = {
        "typ": token.kind,
        "azp": token.client,
        "aud": token.audience,
        "service": token.service,
        "sid": token.session,
        "data": dict.fromkeys(token.consents, True) if token.consents else None,
        "realm_access": {"roles": token.roles} if token.roles else None,
        "client_id": token.client_id,
        "iss": issuer + token.realm if token.realm else token.issuer or "https://elsewhere.test/realms/nasushiobara",
        "exp": int(token.expires.timestamp()) if token.expires else None,
        "nbf": int(token.not_before.timestamp()) if token.not_before else None,
    }
    held = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(held, realm_key(token.signed_by or "a stranger"), "RS256")
