"""Client scopes: what tokens say of a caller. One for all clients of a realm, and one for each data scope.

`renkei-gateway` says for whom a token is and who is calling: what the gateway looks at. `data.road` puts a data scope
into tokens. Its claim is nested (`data: {road: true}`), one claim per scope: of two scopes with one claim name Keycloak
would keep only one. A mapper that somebody adds can forge who a token is for, so the set of mappers is compared too.

People are asked for a data scope with `consent: required`. One that is not on the page is given without a word and
stands in no record, so whether and in what words it is there is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Auth, Catalog, Service
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value
from control_plane.keycloak import builtin, danger, mappers, strangers
from control_plane.keycloak.answers import Conflict, Json, a_list, text
from control_plane.keycloak.marks import MANAGED, PREFIX, belongs, is_nobodys, is_ours, marks
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.scope"
GATEWAY = f"{PREFIX}gateway"  # of every client of ours
DATA = "data."
ON_PAGE, WORDS, PLACE = "display.on.consent.screen", "consent.screen.text", "gui.order"  # of the page that asks
NOT_ASKED: Mapping[str, Value] = {ON_PAGE: "false", WORDS: None, PLACE: None}
CONSENT = frozenset(NOT_ASKED)


def scope_name(data_scope: str) -> str:
    """The name of the client scope, and the path of the claim, that carry a data scope."""
    return f"{DATA}{data_scope}"


def is_client(service: Service) -> bool:
    """Whether the service has a client at all: one that only uses an API key needs no second credential, and one with
    tokens of another platform has its client there."""
    return (Auth.TOKEN in service.auth and service.token_issuer is None) or bool(service.redirect_uris)


def desired(catalog: Catalog) -> Iterator[Resource]:
    clients = [(catalog.tenants[one.tenant].realm, one) for one in catalog.services() if is_client(one)]
    for realm in sorted({realm for realm, _ in clients}):
        says = _gateway(catalog.platform.name)
        fields = {**_fields("For whom a token is, and who is calling", None, "false", says), **NOT_ASKED}
        yield Resource(Key(NAME, realm, GATEWAY), fields, catalog.realms[realm].origin)
    used = {(realm, scope) for realm, one in clients for grant in one.grants for scope in grant.scopes}
    asked = [name for name, scope in catalog.scopes.items() if scope.consent is not None]
    for realm, name in sorted(used):
        scope = catalog.scopes[name]
        said = _fields(scope.title, scope.owner, "true", {mappers.CLAIM: mappers.claim(scope_name(name))})
        page = NOT_ASKED if scope.consent is None else _page(scope.consent, asked.index(name))
        yield Resource(Key(NAME, realm, scope_name(name)), {**said, **page}, scope.origin, frozenset({scope.owner}))


def _gateway(platform: str) -> dict[str, Value]:
    return {
        mappers.AUDIENCE: mappers.audience(platform),
        mappers.SERVICE: mappers.service(),
        mappers.ROLES: mappers.roles(),
    }


def _fields(title: str, owner: str | None, in_scope: str, says: Mapping[str, Value]) -> Fields:
    """`in_scope`: whether the token's `scope` names it."""
    return {
        "description": title,
        "owner": owner,
        "include.in.token.scope": in_scope,
        "mappers": frozenset(says),
        **says,
    }


def _page(text: str, place: int) -> Fields:
    """What stands on the page that asks, and where: Keycloak compares the places as texts."""
    return {ON_PAGE: "true", WORDS: text, PLACE: f"{place:04}"}


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "client-scopes")
    found = server.session.list(where)
    server.remember(NAME, realm, {text(one, "name", where): text(one, "id", where) for one in found})
    for one in found:
        ours = is_ours(one, server.platform)
        judged = _without_our_own(server, one) if ours else one
        why, remove = strangers.scope(realm, judged, server.platform) or (None, None)
        if why or one["name"] not in builtin.SCOPES:
            fields = _found(one) if server.takes(one) else {}
            key, free = Key(NAME, realm, one["name"]), is_nobodys(one)
            yield Resource(key, fields, None, belongs(one), ours, adoptable=free, danger=why, remove=remove)


def _without_our_own(server: Keycloak, one: Json) -> Json:
    """The scope without those mappers that a scope of ours of this name may have."""
    says = {mappers.CLAIM: mappers.claim(str(one["name"])), **_gateway(server.platform)}
    there = a_list(one.get("protocolMappers") or [], "client-scopes")
    strange = [it for it in there if it.get("name") not in says or not mappers.as_wanted(says[it["name"]], it)]
    return {**one, "protocolMappers": strange}


def _found(one: Json) -> Fields:
    attributes = one.get("attributes") or {}
    there = a_list(one.get("protocolMappers") or [], "client-scopes")
    return {
        "description": one.get("description"),
        "owner": next(iter(belongs(one)), None),
        "include.in.token.scope": attributes.get("include.in.token.scope"),
        ON_PAGE: attributes.get(ON_PAGE) or "true",  # what Keycloak takes when nothing is said
        **{name: attributes.get(name) or None for name in (WORDS, PLACE)},
        "mappers": frozenset(str(mapper.get("name")) for mapper in there),
        **{str(mapper["name"]): mappers.found(mapper) for mapper in there if mapper.get("name") in mappers.NAMES},
    }


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    realm, name = want.key.within, want.key.name
    where = path(realm, "client-scopes")
    body = {**_body(server, want), "protocolMappers": [mappers.body(mapper, fields) for mapper, fields in _says(want)]}
    try:
        id = server.session.post(where, body)
    except Conflict:
        there = [one for one in server.session.list(where) if one.get("name") == name and is_ours(one, server.platform)]
        if not there:
            raise
        id = text(there[0], "id", where)
        _write(server, want, id)
    server.learn(NAME, realm, name, id)


def update(server: Keycloak, change: Update) -> None:
    _write(server, change.want, server.id(NAME, change.key.within, change.key.name))


def _write(server: Keycloak, want: Resource, id: str) -> None:
    """All of it: the attributes are merged by Keycloak, the mappers are made anew where they differ."""
    where = path(want.key.within, "client-scopes", id)
    server.session.put(where, {"id": id, **_body(server, want)})
    models = f"{where}/protocol-mappers/models"
    wrong = dict(_says(want))
    for found in server.session.list(models):
        name = str(found.get("name"))
        if name in wrong and mappers.as_wanted(wrong[name], found):
            del wrong[name]
        else:
            server.session.delete(f"{models}/{text(found, 'id', models)}")
    for name, fields in wrong.items():
        server.session.post(models, mappers.body(name, fields))


def _says(want: Resource) -> list[tuple[str, Value]]:
    """The mappers that are wanted, by name."""
    names = want.fields["mappers"]
    assert isinstance(names, frozenset)
    return [(name, want.fields[name]) for name in sorted(map(str, names))]


def _body(server: Keycloak, want: Resource) -> Json:
    owner = want.fields["owner"]
    attributes = {
        **marks(server.platform, str(owner) if owner else None),
        "include.in.token.scope": want.fields["include.in.token.scope"],
        **{name: want.fields[name] or "" for name in CONSENT},  # an empty text takes one away
    }
    return {
        "name": want.key.name,
        "description": want.fields["description"],
        "protocol": "openid-connect",
        "attributes": attributes,
    }


def delete(server: Keycloak, have: Resource) -> None:
    server.session.delete(path(have.key.within, "client-scopes", server.id(NAME, have.key.within, have.key.name)))


SCOPE = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.realm",),
    danger=danger.of_scope,
    adoptable=True,
    mark=MANAGED,
)
