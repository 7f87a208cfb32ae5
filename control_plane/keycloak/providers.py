"""Identity providers: a login elsewhere through which people come into a realm of ours.

What Keycloak gets is whole: every setting that it takes for an OIDC provider is wanted, and one that we do not know is
a difference (`more`), for some of them switch a check off. Signatures are checked, the code of a login is bound to the
browser (PKCE), and people pass two flows of ours (`doorways`); a PUT that does not carry them takes them away.

The mark stands in `config`, where Keycloak keeps what it does not know. It shows no secret: so the digest of the one
that was written last stands there too, and one that a hand has put in its place is not seen.

A provider is made closed, gets all that it must have, and is opened last. It is closed before it is deleted, for with
it go its links, by which those are found who are signed in through it; then Keycloak's cache must forget the people, or
they come in through another provider of the same name. Another issuer is another provider, and its links go: the same
number may be somebody else there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Catalog, IdentityProvider, Oidc, Realm, Sync
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Delete, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields, Secret, Value
from control_plane.keycloak import doorways, sessions
from control_plane.keycloak.answers import Conflict, Json, text
from control_plane.keycloak.marks import PLATFORM, TENANT, marks
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import PAGE, path

NAME = "keycloak.provider"
DIGEST = "renkei.secret"  # of the secret that was written last
FIRST, AFTER = "firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias"
FLOWS = (FIRST, AFTER)
PLAIN = (
    "providerId",
    "enabled",
    "displayName",
    "hideOnLogin",
    "trustEmail",
    "linkOnly",
    "storeToken",
    "addReadTokenRoleOnCreate",
    "authenticateByDefault",
    *FLOWS,
)
SECRET = "clientSecret"  # noqa: S105  a setting of the provider
OIDC = (
    "issuer",
    "authorizationUrl",
    "tokenUrl",
    "jwksUrl",
    "useJwksUrl",
    "validateSignature",
    "userInfoUrl",
    "disableUserInfo",
    "logoutUrl",
    "clientId",
    "clientAuthMethod",
    "clientAssertionSigningAlg",
    "defaultScope",
    "pkceEnabled",
    "pkceMethod",
    "syncMode",
)
NOT_OURS = frozenset({PLATFORM, TENANT, DIGEST, SECRET, "guiOrder"})  # of the settings: compared elsewhere, or harmless
MORE, MAPPERS = "more", "mappers"
ON, OFF = "true", "false"
ANOTHER = frozenset({"providerId", "issuer"})  # a change of these is a change of who people are
WORDS = frozenset({"displayName", "hideOnLogin", "tenant"})  # a change of these opens nothing


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for one in catalog.identity_providers(realm.name):
            key = Key(NAME, realm.name, one.name)
            yield Resource(key, _fields(realm, one), one.origin, frozenset({one.tenant}))


def _fields(realm: Realm, one: IdentityProvider) -> Fields:
    return {
        "providerId": "oidc",
        "enabled": True,
        "displayName": one.title,
        "hideOnLogin": one.hidden,
        "trustEmail": False,  # what the provider says of an address is not proven here
        "linkOnly": False,
        "storeToken": False,
        "addReadTokenRoleOnCreate": False,
        "authenticateByDefault": False,
        FIRST: doorways.first_login(realm, one.first_login).alias,
        AFTER: doorways.after_provider(realm).alias,
        "tenant": one.tenant,
        **_oidc(one.protocol),
        "syncMode": "FORCE" if one.sync is Sync.FORCE else "IMPORT",
        MORE: frozenset[str](),
        MAPPERS: frozenset[str](),
    }


def _oidc(one: Oidc) -> Fields:
    secret = one.client_secret
    return {
        "issuer": one.issuer,
        "authorizationUrl": one.authorization_url,
        "tokenUrl": one.token_url,
        "jwksUrl": one.keys_url,
        "useJwksUrl": ON,
        "validateSignature": ON,
        "userInfoUrl": one.userinfo_url,
        "disableUserInfo": None if one.userinfo_url else ON,
        "logoutUrl": one.logout_url,
        "clientId": one.client_id,
        "clientAuthMethod": "client_secret_post" if secret else "private_key_jwt",
        "clientAssertionSigningAlg": None if secret else "RS256",
        "defaultScope": " ".join(one.scopes),
        "pkceEnabled": ON,
        "pkceMethod": "S256",
        SECRET: Secret(str(secret)) if secret else None,
    }


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    for one in every(server, realm):
        key, tenant = Key(NAME, realm, text(one, "alias", where(realm))), config(one).get(TENANT)
        if is_ours(server, one):
            yield Resource(key, _found(server, realm, one), None, frozenset({tenant} if tenant else ()))
        else:  # `brokers` looks after those that are open
            yield Resource(key, owned=False)


def every(server: Keycloak, realm: str) -> Iterator[Json]:
    """All providers of a realm, page by page: without a limit Keycloak 26.7 gives 100 of them and says nothing."""
    first = 0
    while True:
        page = server.session.list(where(realm), first=first, max=PAGE, briefRepresentation="false")
        yield from page
        if len(page) < PAGE:
            return
        first += PAGE


def where(realm: str, *more: str) -> str:
    return path(realm, "identity-provider", "instances", *more)


def config(one: Json) -> Mapping[str, str]:
    found = one.get("config")
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def is_ours(server: Keycloak, one: Json) -> bool:
    return config(one).get(PLATFORM) == server.platform


def _found(server: Keycloak, realm: str, one: Json) -> Fields:
    said = config(one)
    more = {name: value for name, value in said.items() if name not in NOT_OURS and name not in OIDC}
    digest = said.get(DIGEST)
    fields: dict[str, Value] = {name: one.get(name) for name in PLAIN}
    fields |= {name: said.get(name) or None for name in OIDC}
    fields["disableUserInfo"] = ON if said.get("disableUserInfo") == ON else None
    return {
        **fields,
        "tenant": said.get(TENANT),
        SECRET: Secret("", digest) if said.get(SECRET) and digest else None,
        MORE: frozenset(f"{name}={value}" for name, value in more.items() if value not in ("", OFF)),
        MAPPERS: frozenset(str(mapper.get("name")) for mapper in _mappers(server, realm, one)),
    }


def _mappers(server: Keycloak, realm: str, one: Json) -> list[Json]:
    return server.session.list(where(realm, text(one, "alias", where(realm)), "mappers"))


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    """Closed first, opened when it has all that it must have."""
    realm, alias = want.key.within, want.key.name
    body = {"alias": alias, **_body(server, want, {}), "enabled": False}
    try:
        server.session.post(where(realm), body)
    except Conflict:
        if not is_ours(server, server.session.get(where(realm, alias))):
            raise
    _put(server, want)


def update(server: Keycloak, change: Update) -> None:
    """Who may have come in by another way than Git says signs in anew, once the door is as it should be."""
    realm, alias = change.key.within, change.key.name
    if change.changed & ANOTHER:
        delete(server, change.have)
        create(server, change.want)
        return
    _put(server, change.want, change.changed)
    if was_open(change):
        end_sessions(server, realm, alias)


def _put(server: Keycloak, want: Resource, changed: frozenset[str] | None = None) -> None:
    realm, alias = want.key.within, want.key.name
    found = server.session.get(where(realm, alias))
    if changed is None or MAPPERS in changed:
        for mapper in _mappers(server, realm, found):
            server.session.delete(where(realm, alias, "mappers", text(mapper, "id", "mappers")))
    server.session.put(where(realm, alias), {**found, **_body(server, want, found, changed)})


def _body(server: Keycloak, want: Resource, found: Json, changed: frozenset[str] | None = None) -> Json:
    """The provider as Keycloak takes it, with its settings whole. A secret that does not change goes back masked."""
    tenant = want.fields["tenant"]
    settings = {name: str(want.fields[name]) for name in OIDC if want.fields.get(name) is not None}
    settings |= marks(server.platform, str(tenant))
    reference = want.fields.get(SECRET)
    if isinstance(reference, Secret):
        if changed is None or SECRET in changed:
            settings[SECRET] = server.reveal(reference)
            settings[DIGEST] = server.seal(settings[SECRET]).version or ""
        else:
            settings |= {name: value for name, value in config(found).items() if name in (SECRET, DIGEST)}
    return {**{name: want.fields[name] for name in PLAIN}, "config": settings}


def delete(server: Keycloak, have: Resource) -> None:
    realm, alias = have.key.within, have.key.name
    close(server, realm, server.session.get(where(realm, alias)))
    server.session.delete(where(realm, alias))
    server.session.post(path(realm, "clear-user-cache"), {})


def close(server: Keycloak, realm: str, found: Json) -> None:
    """Switch it off, and end the sessions of everybody who has a link to it."""
    alias = text(found, "alias", where(realm))
    server.session.put(where(realm, alias), {**found, "enabled": False})
    end_sessions(server, realm, alias)


def end_sessions(server: Keycloak, realm: str, alias: str) -> None:
    linked = server.session.pages(path(realm, "users"), idpAlias=alias, briefRepresentation="true")
    sessions.end_all(server, realm, [text(person, "id", "users") for person in linked])


# ---------------------------------------------------------------- danger


def was_open(change: Update) -> bool:
    """Whether people may have come in by other steps, or been taken for others, than Git says."""
    return bool(change.changed - WORDS - {"enabled", SECRET, "syncMode"})


def danger(change: Change, have: State) -> str | None:
    match change:
        case Delete():
            return "people come in through it, and Git no longer knows it"
        case Update(changes=changes):
            names = {one.path[0] for one in changes}
            if AFTER in names:
                return "people come in through it without the second factor that Git asks for"
            if FIRST in names:
                return "who comes through it for the first time is taken for somebody by other steps than Git says"
            if MAPPERS in names or MORE in names:
                return "it gives people, or believes of them, what Git does not say"
            if names - WORDS - {"enabled", SECRET}:
                return "it believes somebody else than Git says"
    return None


PROVIDER = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.profile", "keycloak.group", "keycloak.binding"),
    revokes=True,
    danger=danger,
)
