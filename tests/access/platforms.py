"""Platforms drawn at random: every scoping, every way to prove oneself, periods that meet, addresses that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from control_plane.catalog.model import Api, Auth, CallerKind, Catalog, Default, Grant, Period, TokenIssuer, Version
from tests.building import (
    KEY,
    NOON,
    SERVICE,
    TOKEN,
    USER,
    Part,
    a_grant,
    a_platform,
    a_version,
    with_api,
    with_role,
    with_scope,
    with_service,
    with_tenant,
)
from tests.kong.world import public_pem

T = TypeVar("T")
BOUNDARIES = tuple(NOON + timedelta(hours=hours) for hours in (-30, -7, -1, 2, 9, 40))
SCOPES = ("road", "river", "rainfall", "dam")
FOLDERS = {"road": ("/road", "/bridge/2026"), "river": ("/river",), "rainfall": ("/rain/fall",), "dam": ("/river/dam",)}
FIWARE = {
    "road": ("tochigi", "/road/#"),
    "river": ("tochigi", "/river/#", "/gauge"),
    "rainfall": ("weather", "/#"),
    "dam": ("tochigi", "/river/dam"),
}
NETWORKS = ("203.0.113.0/24", "203.0.113.7", "198.51.100.0/28", "2001:db8::/64", "192.0.2.1")
LEVELS: tuple[dict[str, tuple[str, ...]], ...] = (
    {"read": ("GET", "HEAD"), "update": ("DELETE", "PATCH", "POST", "PUT")},
    {"read": ("GET",), "update": ("POST", "PUT"), "admin": ("DELETE",)},
    {"read": ("GET", "HEAD", "OPTIONS")},
)
QUERIES: tuple[dict[str, tuple[str, ...]], ...] = ({"read": ("GET", "HEAD")}, {"read": ("GET",), "drop": ("DELETE",)})
VALUES = {"road": ("road-2026",), "river": ("river", "gauge"), "rainfall": ("rain.fall",), "dam": ("dam",)}
PATHS: tuple[dict[str, tuple[str, ...]], ...] = (  # of levels, by their names: those that lie in each other, and *
    {"admin": ("/admin", "/entities/*"), "read": (), "update": ("/entities", "/road")},
    {"admin": ("/entities/*/history", "/a"), "read": (), "update": ("/a/*", "/road/*", "/river")},
    {"read": ("/road", "/a", "/entities", "/rain"), "update": ("/a/*/b", "/Road/x"), "admin": ()},
)
SHARED = {"read": ("GET", "HEAD"), "update": ("GET", "POST", "PUT"), "admin": ("DELETE", "GET", "POST")}
AUTHS: tuple[tuple[Auth, ...], ...] = ((KEY,), (TOKEN,), (KEY, TOKEN), (KEY, TOKEN), ())
CALLERS: dict[tuple[Auth, ...], tuple[tuple[CallerKind, ...], ...]] = {
    (KEY,): ((SERVICE,),),
    (TOKEN,): ((SERVICE,), (USER,), (SERVICE, USER), (SERVICE, USER)),
    (KEY, TOKEN): ((SERVICE,), (SERVICE, USER), (SERVICE, USER)),
    (): ((SERVICE,),),
}
ROLES = ("data-user", "data-provider", "auditor", "operator")
INCLUDES = {"data-provider": ("data-user",), "operator": ("auditor", "data-provider")}
LIVE = ("published", "deprecated")
ISSUERS = ("https://id.city.example.jp/realms/platform", "https://elsewhere.example.jp:8443/realms/link")
LEVELS_AND_PATHS: tuple[dict[str, Any], ...] = (
    *({"levels": levels} for levels in LEVELS),
    *({"levels": SHARED, "level_paths": paths} for paths in PATHS),
)


def some(draw: Random, of: Sequence[T], most: int, least: int = 0) -> tuple[T, ...]:
    return tuple(draw.sample(of, draw.randint(least, min(most, len(of)))))


def a_period(draw: Random) -> Period:
    """Half of them hold always; the others begin or end at a boundary that others share."""
    if draw.random() < 0.5:
        return Period()
    start, end = sorted(draw.sample(BOUNDARIES, 2))
    return Period(draw.choice((None, start)), draw.choice((None, end)))


def drawn(draw: Random, again: Random | None = None) -> Catalog:
    """A platform; with `again` its data scopes and APIs are those of `draw`, its services and roles are others."""
    scopes = [
        with_scope(
            name,
            disclosure=draw.choice(("open", "limited", "open")),
            fiware=FIWARE[name],
            paths=FOLDERS[name],
            values=VALUES[name],
            period=a_period(draw),
            consent="お住まいの地区" if draw.random() < 0.3 else None,
        )
        for name in SCOPES
    ]
    apis = [
        an_api(draw, f"api-{number}", scoping)
        for number, scoping in enumerate(("none", "fiware-headers", "path") * 3 + ("query", "query"))
    ]
    tenants = [with_tenant("mibu", in_realm_of="tochigi"), with_tenant("nasushiobara")]
    bare = a_platform(*scopes, *apis, *tenants)
    draw = again or draw
    services = (a_service(draw, bare, number) for number in range(12))
    return a_platform(*scopes, *apis, *tenants, *services, *some_roles(draw, bare))


def an_api(draw: Random, name: str, scoping: str) -> Part:
    versions: list[Version] = [
        a_drawn_version(draw, "v1", f"/{name}/v1", draw.choice((*LIVE, "retired"))),
        a_drawn_version(
            draw,
            "v2",
            draw.choice((f"/{name}/v2", f"/{name}/v2.1", f"/{name}x")),
            upstream_path=draw.choice(("/", "/v2")),
        ),
    ]
    if draw.random() < 0.3:
        versions.append(a_version("v3", f"/{name}/v3", "draft"))
    by_query = scoping == "query"
    live = [version.name for version in versions if version.state.value in LIVE]
    auth = draw.choice(AUTHS)
    return with_api(
        name,
        *versions,
        default=Default(draw.choice(live), f"/{name}") if draw.random() < 0.4 else None,
        auth=auth,
        callers=draw.choice(CALLERS[auth]),
        scoping=scoping,
        **({"levels": draw.choice(QUERIES), "query_field": "data_set"} if by_query else draw.choice(LEVELS_AND_PATHS)),
        allowed_ips=some(draw, NETWORKS, 3) if draw.random() < 0.3 else (),
    )


def some_roles(draw: Random, bare: Catalog) -> Iterator[Part]:
    """Roles with grants on what users may call, one with none, and one that includes others."""
    for_users = [api for api in bare.apis.values() if USER in api.callers]
    for name in ROLES:
        grants = (a_drawn_grant(draw, draw.choice(for_users)) for _ in range(draw.randint(1, 4))) if for_users else ()
        yield with_role(name, *(() if name == "auditor" else grants), includes=INCLUDES.get(name, ()))


def a_drawn_version(draw: Random, name: str, path: str, state: str = "published", **more: str) -> Version:
    """Some begin to answer at a boundary, some that are deprecated have a last day."""
    start = draw.choice((None, BOUNDARIES[0])) if state in LIVE else None
    sunset = draw.choice((None, "2026-10-04", "2026-10-05")) if state == "deprecated" else None
    return a_version(name, path, state, start=start, sunset=sunset, **more)


def a_service(draw: Random, bare: Catalog, number: int) -> Part:
    closed = [api for api in bare.apis.values() if api.auth]
    auth = draw.choice(((KEY,), (TOKEN,), (KEY, TOKEN), (KEY, TOKEN)))
    theirs = an_issuer(draw, number) if TOKEN in auth and draw.random() < 0.25 else None
    return with_service(
        f"service-{number}",
        *(
            grant
            for api in some(draw, closed, 5)
            for grant in (a_drawn_grant(draw, api) for _ in range(draw.randint(1, 3)))
        ),
        tenant=draw.choice(("nasushiobara", "mibu", "tochigi")),
        auth=auth,
        allowed_ips=some(draw, NETWORKS, 3) if draw.random() < 0.3 else (),
        period=a_period(draw) if draw.random() < 0.4 else Period(),
        redirect_uris=("https://portal.example.jp/callback",) if not theirs and draw.random() < 0.7 else (),
        token_issuer=theirs,
    )


def an_issuer(draw: Random, number: int) -> TokenIssuer:
    """Another platform; two services may have clients of the same one."""
    issuer = draw.choice(ISSUERS)
    audience = draw.choice(("tochigi", "https://api.tochigi.example.jp"))
    return TokenIssuer(issuer, f"link-{number}", audience, public_pem(issuer))


def a_drawn_grant(draw: Random, api: Api) -> Grant:
    live = [version.name for version in api.versions if version.state.value in LIVE]
    return a_grant(
        api.name,
        *some(draw, [level.name for level in api.levels], 3, 1),
        scopes=() if api.scoping.value == "none" else some(draw, SCOPES, 3, 1),
        versions=some(draw, live, 2, 1),
        period=a_period(draw),
    )


def boundaries(catalog: Catalog) -> list[datetime]:
    """Every instant at which a period of the catalog begins or ends."""
    periods = [
        *(service.period for service in catalog.services()),
        *(grant.period for grant in catalog.grants()),
        *(grant.period for _, grant in catalog.role_grants()),
        *(scope.period for scope in catalog.scopes.values()),
        *(one.period(catalog.platform.zone) for api in catalog.apis.values() for one in api.versions),
    ]
    return sorted({instant for period in periods for instant in (period.start, period.end) if instant})
