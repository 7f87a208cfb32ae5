"""Identity providers: a login elsewhere through which people come into a realm of ours.

What Keycloak gets is whole: every setting of its protocol is wanted (`protocols`), and one that we do not know is a
difference (`more`), for some of them switch a check off. People pass two flows of ours (`doorways`); a PUT that does
not carry them takes them away.

The mark stands in `config`, where Keycloak keeps what it does not know. It shows no secret: so the digest of the one
that was written last stands there too, and one that a hand has put in its place is not seen.

A provider is made closed, gets all that it must have, and is opened last. It is closed before it is deleted, for with
it go its links, by which those are found who are signed in through it; then Keycloak's cache must forget the people, or
they come in through another provider of the same name. Another issuer is another provider, and its links go: the same
number may be somebody else there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Catalog, IdentityProvider, Realm, Sync
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Delete, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields, Secret, Unseen
from control_plane.keycloak import doorways, links, protocols, providermappers, sessions
from control_plane.keycloak.answers import Conflict, Json, Missing, text
from control_plane.keycloak.marks import MANAGED, PLATFORM, TENANT, marks
from control_plane.keycloak.protocols import SECRET
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import PAGE, path

NAME = "keycloak.provider"
SYNC = "syncMode"
DIGEST = "renkei.secret"  # of the secret that was written last
FIRST, AFTER = "firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias"
FLOWS = (FIRST, AFTER)
SWITCHES = (
    "hideOnLogin",
    "trustEmail",
    "linkOnly",
    "storeToken",
    "addReadTokenRoleOnCreate",
    "authenticateByDefault",
)
PLAIN = ("providerId", "enabled", "displayName", *SWITCHES, *FLOWS)
BESIDE = frozenset({PLATFORM, TENANT, DIGEST, SECRET, SYNC, "guiOrder"})  # settings: compared elsewhere, or harmless
MORE, MAPPERS = "more", "mappers"
ANOTHER = frozenset({"providerId", protocols.ISSUER, protocols.ENTITY})  # with these it is another one's word on people
WORDS = frozenset({"displayName", "hideOnLogin", "tenant", MANAGED})  # a change of these opens nothing


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for one in catalog.identity_providers(realm.name):
            key = Key(NAME, realm.name, one.name)
            yield Resource(key, _fields(realm, one), one.origin, frozenset({one.tenant}))


def _fields(realm: Realm, one: IdentityProvider) -> Fields:
    return {
        "providerId": protocols.sort(one.protocol),
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
        **protocols.wanted(one.protocol),
        SYNC: "FORCE" if one.sync is Sync.FORCE else "IMPORT",
        MORE: frozenset[str](),
        MAPPERS: providermappers.wanted(one),
    }


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    claims: dict[str, frozenset[str]] = {}
    for one in seen(server, realm):
        alias, tenant = text(one, "alias", where(realm)), config(one).get(TENANT)
        key = Key(NAME, realm, alias)
        if is_ours(server, one):
            fields = _found(server, realm, one)
            claims[alias] = providermappers.given(_lines(fields))
            yield Resource(key, fields, None, frozenset({tenant} if tenant else ()))
        else:  # `brokers` looks after those that are open
            free = is_nobodys(one)
            fields = _found(server, realm, one) if free and server.adopting else {}
            yield Resource(key, fields, owned=False, adoptable=free)
    server.claims[realm] = claims


def seen(server: Keycloak, realm: str) -> list[Json]:
    """All providers of a realm, as this reading sees them."""
    return server.shared(realm, NAME, lambda: every(server, realm))


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


def is_nobodys(one: Json) -> bool:
    return PLATFORM not in config(one)


def aliases(catalog: Catalog) -> frozenset[tuple[str, str]]:
    """Every one that Git names, by realm and name."""
    return frozenset((realm, one.name) for realm in catalog.realms for one in catalog.identity_providers(realm))


def _found(server: Keycloak, realm: str, one: Json) -> Fields:
    said, sort = config(one), str(one.get("providerId"))
    return {
        **{name: one.get(name) for name in PLAIN},
        **{name: one.get(name) is True for name in SWITCHES},  # one that nobody has ever set is in no answer
        **protocols.found(sort, said),
        "tenant": said.get(TENANT),
        SYNC: said.get(SYNC),
        SECRET: Unseen(said.get(DIGEST) or None) if said.get(SECRET) else None,
        MORE: protocols.more(sort, {name: value for name, value in said.items() if name not in BESIDE}),
        MAPPERS: frozenset(map(providermappers.line, _mappers(server, realm, text(one, "alias", where(realm))))),
    }


def _mappers(server: Keycloak, realm: str, alias: str) -> list[Json]:
    return server.session.list(where(realm, alias, "mappers"))


def _lines(fields: Fields) -> frozenset[str]:
    lines = fields[MAPPERS]
    assert isinstance(lines, frozenset)
    return frozenset(map(str, lines))


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
    server.session.post(path(realm, "clear-user-cache"), {})  # an earlier run may have been killed before it did so
    _put(server, want)


def update(server: Keycloak, change: Update) -> None:
    """Who may have come in by another way than Git says signs in anew: the door is closed until that is done."""
    realm, alias = change.key.within, change.key.name
    if change.changed & ANOTHER:
        delete(server, change.have)
        create(server, change.want)
        return
    if was_open(change):
        close(server, realm, server.session.get(where(realm, alias)))
        links.take_back(server, realm, alias, _given(change.have) - _given(change.want))
    _put(server, change.want, change.changed)


def _put(server: Keycloak, want: Resource, changed: frozenset[str] | None = None) -> None:
    realm, alias = want.key.within, want.key.name
    found = server.session.get(where(realm, alias))
    if changed is None or MAPPERS in changed:
        _set_mappers(server, want)
    server.session.put(where(realm, alias), {**found, **_body(server, want, found, changed)})


def _set_mappers(server: Keycloak, want: Resource) -> None:
    realm, alias, wanted = want.key.within, want.key.name, _lines(want.fields)
    there = {providermappers.line(one): one for one in _mappers(server, realm, alias)}
    for line in sorted(there.keys() - wanted):
        server.session.delete(where(realm, alias, "mappers", text(there[line], "id", "mappers")))
    for line in sorted(wanted - there.keys()):
        server.session.post(where(realm, alias, "mappers"), providermappers.body(alias, line))


def _body(server: Keycloak, want: Resource, found: Json, changed: frozenset[str] | None = None) -> Json:
    """The provider as Keycloak takes it, with its settings whole. A secret that does not change goes back masked."""
    tenant = want.fields["tenant"]
    names = {*protocols.KNOWN[str(want.fields["providerId"])], SYNC}
    settings = {name: str(want.fields[name]) for name in sorted(names) if want.fields[name] is not None}
    settings |= marks(server.platform, str(tenant))
    reference = want.fields.get(SECRET)
    if isinstance(reference, Secret):
        if changed is None or SECRET in changed:
            settings[SECRET] = server.reveal(reference)
            settings[DIGEST] = server.seal(settings[SECRET]).version or ""
        else:
            settings |= {name: value for name, value in config(found).items() if name in (SECRET, DIGEST)}
    return {**{name: want.fields[name] for name in PLAIN}, "config": settings}


def _given(one: Resource) -> frozenset[str]:
    return providermappers.given(_lines(one.fields))


def delete(server: Keycloak, have: Resource) -> None:
    realm, alias = have.key.within, have.key.name
    try:
        close(server, realm, server.session.get(where(realm, alias)))
    except Missing:
        return
    links.take_back(server, realm, alias, _given(have))
    server.session.delete(where(realm, alias))
    server.session.post(path(realm, "clear-user-cache"), {})


def close(server: Keycloak, realm: str, found: Json) -> None:
    """Switch it off, and end the sessions of everybody who has a link to it."""
    alias = text(found, "alias", where(realm))
    with sessions.ended(server, realm, links.linked(server, realm, alias)):
        server.session.put(where(realm, alias), {**found, "enabled": False})


# ---------------------------------------------------------------- what it means


def costs(change: Change, have: State) -> str | None:
    if isinstance(change, Delete) or (isinstance(change, Update) and change.changed & ANOTHER):
        return "the links of people to it end: whoever comes again proves anew which account is his"
    return None


def was_open(change: Update) -> bool:
    """Whether people may have come in by other steps, or been taken for others, than Git says."""
    more = _lines(change.have.fields) - _lines(change.want.fields)
    return bool(more or change.changed - WORDS - {"enabled", SECRET, SYNC, MAPPERS})


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
    masked=(SECRET,),
    adoptable=True,
    mark=MANAGED,
    costs=costs,
    danger=danger,
)
