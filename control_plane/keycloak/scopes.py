"""Client scopes: one per data scope that a service of the realm has, `data.road`. It puts the data scope into tokens.

The claim is nested (`data: {road: true}`), one claim per scope: of two scopes with one claim name Keycloak would keep
only one. The audience is the platform, so that a token for it is not one for everybody. A mapper that somebody adds can
forge who a token is for, so the set of mappers is compared too.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Auth, Catalog, Service
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value
from control_plane.keycloak import builtin
from control_plane.keycloak.answers import Conflict, Json, a_list, text
from control_plane.keycloak.marks import belongs, is_ours, marks
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.scope"
CLAIM = "claim"
AUDIENCE = "audience"
TYPES = {CLAIM: "oidc-hardcoded-claim-mapper", AUDIENCE: "oidc-audience-mapper"}


def scope_name(data_scope: str) -> str:
    """The name of the client scope, and the path of the claim, that carry a data scope."""
    return f"data.{data_scope}"


def is_client(service: Service) -> bool:
    """Whether the service has a client at all: one that only uses an API key needs no second credential."""
    return Auth.TOKEN in service.auth or bool(service.redirect_uris)


def desired(catalog: Catalog) -> Iterator[Resource]:
    used = {
        (catalog.tenants[service.tenant].realm, scope)
        for service in catalog.services()
        if is_client(service)
        for grant in service.grants
        for scope in grant.scopes
    }
    for realm, name in sorted(used):
        scope = catalog.scopes[name]
        fields: Fields = {
            "description": scope.title,
            "owner": scope.owner,
            "include.in.token.scope": "true",
            "mappers": frozenset(TYPES),
            **_mappers(scope_name(name), catalog.platform.name),
        }
        yield Resource(Key(NAME, realm, scope_name(name)), fields, scope.origin, frozenset({scope.owner}))


def _mappers(claim: str, audience: str) -> dict[str, Value]:
    return {
        CLAIM: {
            "type": TYPES[CLAIM],
            "claim.name": claim,
            "claim.value": "true",
            "jsonType.label": "boolean",
            "access.token.claim": "true",
            "id.token.claim": "false",
            "userinfo.token.claim": "false",
        },
        AUDIENCE: {
            "type": TYPES[AUDIENCE],
            "included.custom.audience": audience,
            "access.token.claim": "true",
            "id.token.claim": "false",
        },
    }


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "client-scopes")
    found = server.session.list(where)
    server.remember(NAME, realm, {text(one, "name", where): text(one, "id", where) for one in found})
    for one in found:
        if one["name"] not in builtin.SCOPES:
            ours = is_ours(one, server.platform)
            yield Resource(Key(NAME, realm, one["name"]), _found(one) if ours else {}, None, belongs(one), ours)


def _found(one: Json) -> Fields:
    attributes = one.get("attributes") or {}
    mappers = a_list(one.get("protocolMappers") or [], "client-scopes")
    return {
        "description": one.get("description"),
        "owner": next(iter(belongs(one)), None),
        "include.in.token.scope": attributes.get("include.in.token.scope"),
        "mappers": frozenset(str(mapper.get("name")) for mapper in mappers),
        **{
            str(mapper.get("name")): {"type": mapper.get("protocolMapper"), **(mapper.get("config") or {})}
            for mapper in mappers
            if mapper.get("name") in TYPES
        },
    }


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    realm, name = want.key.within, want.key.name
    where = path(realm, "client-scopes")
    body = {**_body(server, want), "protocolMappers": [_mapper(want, mapper) for mapper in sorted(TYPES)]}
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
    right = set()
    for found in server.session.list(models):
        name = str(found.get("name"))
        if name in TYPES and _as_wanted(want, name, found):
            right.add(name)
        else:
            server.session.delete(f"{models}/{text(found, 'id', models)}")
    for name in sorted(TYPES.keys() - right):
        server.session.post(models, _mapper(want, name))


def _body(server: Keycloak, want: Resource) -> Json:
    attributes = {
        **marks(server.platform, str(want.fields["owner"])),
        "include.in.token.scope": want.fields["include.in.token.scope"],
        "display.on.consent.screen": "false",
    }
    return {
        "name": want.key.name,
        "description": want.fields["description"],
        "protocol": "openid-connect",
        "attributes": attributes,
    }


def _mapper(want: Resource, name: str) -> Json:
    fields = want.fields[name]
    assert isinstance(fields, dict)
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": fields["type"],
        "config": {key: value for key, value in fields.items() if key != "type"},
    }


def _as_wanted(want: Resource, name: str, found: Json) -> bool:
    mapper = _mapper(want, name)
    config = found.get("config") or {}
    same = all(config.get(key) == value for key, value in mapper["config"].items())
    return same and found.get("protocolMapper") == mapper["protocolMapper"]


def delete(server: Keycloak, have: Resource) -> None:
    server.session.delete(path(have.key.within, "client-scopes", server.id(NAME, have.key.within, have.key.name)))


SCOPE = Kind(NAME, desired, read, create, update, delete, after=("keycloak.realm",))
