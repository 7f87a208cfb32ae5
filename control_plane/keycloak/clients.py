"""Clients: one for each service that uses tokens or signs people in, with a service account unless it is public.

Its name is the service's, `nikko.portal`. Its tokens carry no more than they must: no full scope, the default scopes
reduced to `basic`, `renkei-gateway` and the data scopes that are granted now. Those that need people's consent are
optional where people sign in: the service asks for them, and Keycloak then asks the person. How it proves who it is:
`proofs`. A
person signs in through it only when it has redirect addresses, and never by sending us a password (direct grant). Then
the tokens name those of his roles that have grants on the APIs that people may call through this client, and no other
(scope mappings).

Keycloak shows the secret in clear in every list: it is sealed where it is read. A PUT without
`authorizationServicesEnabled` would delete the client's authorization data. A flow override on a client goes around the
realm's login flow, a mapper can forge who a token is for: both are compared, and empty but for the mapper that makes
ids of its own (`pairwise`).
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, Service
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value
from control_plane.keycloak import builtin, danger, mappers, pairwise, proofs, roles, sessions, strangers, turning
from control_plane.keycloak.answers import Conflict, Json, text
from control_plane.keycloak.marks import MANAGED, belongs, is_nobodys, is_ours, marks
from control_plane.keycloak.scopes import GATEWAY, is_client, scope_name
from control_plane.keycloak.server import Keycloak, not_there
from control_plane.keycloak.session import path

NAME = "keycloak.client"
BASIC = strangers.BASIC
PLAIN = (
    "name",
    "enabled",
    "publicClient",
    "bearerOnly",
    "clientAuthenticatorType",
    "serviceAccountsEnabled",
    "standardFlowEnabled",
    "implicitFlowEnabled",
    "directAccessGrantsEnabled",
    "fullScopeAllowed",
    "consentRequired",
)
SETS = ("redirectUris", "webOrigins")
SCOPES = {"defaultClientScopes": "default-client-scopes", "optionalClientScopes": "optional-client-scopes"}
CONSENT = "consentRequired"
ASSURANCE = "minimum.acr.value"  # an attribute: the least level of a login through it
OVERRIDES = strangers.OVERRIDES
AROUND = {OVERRIDES, strangers.DIRECT}  # once they are as Git says, nobody gets around the realm's login flow
MAPPERS = "protocolMappers"
ROLES, CLIENT_ROLES = "roles", "client_roles"  # scope mappings: of the realm, and of clients (never wanted)


def desired(catalog: Catalog) -> Iterator[Resource]:
    for service in catalog.services():
        if is_client(service):
            tenant = catalog.tenants[service.tenant]
            key = Key(NAME, tenant.realm, service.name)
            before = Key(NAME, tenant.realm, service.previously) if service.previously else None
            fields, whose = _fields(catalog, service), frozenset({tenant.name})
            yield Resource(key, fields, service.origin, whose, previously=before)


def _fields(catalog: Catalog, service: Service) -> Fields:
    given, asked = granted(catalog, service), consents(catalog, service)
    return {
        "name": service.title,
        "tenant": service.tenant,
        "enabled": service.period.holds(catalog.as_of),
        **proofs.wanted(service),
        "bearerOnly": False,
        "standardFlowEnabled": bool(service.redirect_uris),
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "fullScopeAllowed": False,
        CONSENT: bool(asked),
        "redirectUris": frozenset(service.redirect_uris),
        "webOrigins": frozenset(service.web_origins or (["+"] if service.redirect_uris else [])),  # +: of the logins
        "defaultClientScopes": frozenset({BASIC, GATEWAY, *map(scope_name, given - asked)}),
        "optionalClientScopes": frozenset(map(scope_name, asked)),
        turning.ROTATED: None,
        ASSURANCE: str(service.assurance) if service.assurance > 1 else None,
        OVERRIDES: frozenset(),
        MAPPERS: frozenset({pairwise.NAME} if service.pairwise else ()),
        **pairwise.wanted(service),
        ROLES: frozenset(roles_told(catalog, service)),
        CLIENT_ROLES: frozenset(),
    }


def roles_told(catalog: Catalog, service: Service) -> Iterator[str]:
    """The roles that decide what a person may do through the service."""
    apis = catalog.for_users(service)
    return (role.name for role, grant in catalog.role_grants() if grant.api in apis)


def granted(catalog: Catalog, service: Service) -> frozenset[str]:
    """The data scopes that the service may have now: of grants and scopes whose period holds."""
    return frozenset(
        name
        for grant in service.grants
        for name in grant.scopes
        if grant.period.within(catalog.scopes[name].period).holds(catalog.as_of)
    )


def consents(catalog: Catalog, service: Service) -> frozenset[str]:
    """Those of them for which a person is asked who signs in through the service."""
    names = granted(catalog, service) if service.redirect_uris else frozenset()
    return frozenset(name for name in names if catalog.scopes[name].consent is not None)


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "clients")
    found = [_sealed(server, one) for one in server.session.list(where)]
    server.remember(NAME, realm, {text(one, "clientId", where): text(one, "id", where) for one in found})
    told = _scope_mappings(server, realm, [one for one in found if server.takes(one)])
    for one in found:
        ours = is_ours(one, server.platform)
        why, remove = (None if ours else strangers.client(realm, one, server.platform)) or (None, None)
        if why or one["clientId"] not in builtin.CLIENTS:
            own = realm == server.settings.realm and one["clientId"] == server.settings.client_id
            yield Resource(
                Key(NAME, realm, one["clientId"]),
                {**_found(one), **told[one["clientId"]]} if one["clientId"] in told else {},
                None,
                belongs(one),
                ours,
                adoptable=is_nobodys(one),
                protected="renkei itself signs in with it" if own else None,
                danger=why,
                remove=remove,
            )


def _scope_mappings(server: Keycloak, realm: str, found: list[Json]) -> dict[str, Fields]:
    """By client. Asked for one by one, and only where people can sign in: without that no token has their roles."""

    def read(one: Json) -> Fields:
        people = one.get("standardFlowEnabled") or one.get("redirectUris")
        said = server.session.get(path(realm, "clients", str(one["id"]), "scope-mappings")) if people else {}
        clients: Json = said.get("clientMappings") or {}
        return {
            ROLES: frozenset(str(role.get("name")) for role in said.get("realmMappings") or ()),
            CLIENT_ROLES: frozenset(
                f"{name} {role.get('name')}" for name, of in clients.items() for role in of.get("mappings") or ()
            ),
        }

    return {str(one["clientId"]): fields for one, fields in zip(found, server.side_by_side(read, found), strict=True)}


def _sealed(server: Keycloak, found: Json) -> Json:
    """The representation with digests instead of the secret and of what ids of people are made with."""
    said = [pairwise.sealed(server, mapper) for mapper in found.pop(MAPPERS, None) or ()]
    return {**turning.sealed(server, found), MAPPERS: said}


def _found(one: Json) -> Fields:
    fields: dict[str, Value] = {name: one.get(name) for name in (*PLAIN, "secret", turning.ROTATED)}
    fields |= {name: frozenset(map(str, one.get(name) or ())) for name in (*SETS, *SCOPES)}
    overrides = one.get(OVERRIDES) or {}
    fields[OVERRIDES] = frozenset(f"{name}={flow}" for name, flow in overrides.items() if flow)
    fields[MAPPERS] = frozenset(str(one.get("name")) for one in one.get(MAPPERS) or () if not mappers.of_itself(one))
    fields |= {**proofs.found(one), **pairwise.found(one)}
    fields[ASSURANCE] = (one.get("attributes") or {}).get(ASSURANCE) or None
    fields["tenant"] = next(iter(belongs(one)), None)
    return fields


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    realm, name = want.key.within, want.key.name
    where = path(realm, "clients")
    body = {"clientId": name, "protocol": "openid-connect", **_body(server, want, frozenset(want.fields))}
    body |= {field: sorted(_names(want, field)) for field in SCOPES}
    try:
        id = server.session.post(where, body)
    except Conflict:
        found = next((one for one in server.session.list(where, clientId=name) if one.get("clientId") == name), {})
        if not is_ours(found, server.platform):
            raise
        id = text(found, "id", where)
        _put(server, want, id, frozenset(want.fields))
    server.learn(NAME, realm, name, id)
    if want.fields[ROLES]:
        _set_roles(server, want, id)
    _set_scopes(server, want, id)  # Keycloak adds scopes of its own to a client with a service account …
    _take_mappers(server, want, id)  # … and 26.0 mappers


def _take_mappers(server: Keycloak, want: Resource, id: str) -> None:
    """No mapper but those that are wanted."""
    models = path(want.key.within, "clients", id, "protocol-mappers", "models")
    for one in server.session.list(models):
        if one.get("name") not in _names(want, MAPPERS):
            server.session.delete(f"{models}/{text(one, 'id', models)}")


def update(server: Keycloak, change: Update) -> None:
    """A renamed client stays the same one: its secret, its service account and what that account was given."""
    id = server.id(NAME, change.key.within, change.have.key.name)
    if change.have.fields.get(CONSENT) and not change.want.fields[CONSENT]:
        _set_scopes(server, change.want, id)  # before nobody is asked any more
    if change.changed - SCOPES.keys() - {ROLES, CLIENT_ROLES} or change.moves:
        ends = {turning.ROTATED} if change.moves else set()  # the index knows a second secret by the client's name
        _put(server, change.want, id, change.changed | ends)
    if change.changed & {ROLES, CLIENT_ROLES}:
        _set_roles(server, change.want, id)
    server.learn(NAME, change.key.within, change.key.name, id)
    _set_scopes(server, change.want, id)


def _put(server: Keycloak, want: Resource, id: str, names: frozenset[str]) -> None:
    where = path(want.key.within, "clients", id)
    found = server.session.get(where)
    body = _body(server, want, names)
    if OVERRIDES in names:
        body[OVERRIDES] = dict.fromkeys(found.get(OVERRIDES) or {}, "")
    kept = {name: found[name] for name in ("authorizationServicesEnabled",) if name in found}
    named = {"id": id, "clientId": want.key.name, **kept}
    if without := proofs.without_address(names):  # there is none until the keys of the former one are forgotten
        server.session.put(where, {**named, "attributes": without})
        proofs.forget(server, want.key.within)
    # whoever came in past the realm's login flow, or with less than the service asks for, signs in anew (`sessions`)
    around = bool(names & AROUND or (ASSURANCE in names and want.fields[ASSURANCE]))
    if around:
        sessions.end_of_client(server, want.key.within, id)
    server.session.put(where, {**named, **body})
    if around:
        sessions.end_of_client(server, want.key.within, id)


def _body(server: Keycloak, want: Resource, names: frozenset[str]) -> Json:
    """The named fields as Keycloak takes them."""
    body: Json = {name: want.fields[name] for name in PLAIN if name in names}
    body |= {name: sorted(_names(want, name)) for name in SETS if name in names}
    if names & {MAPPERS, pairwise.FIELD}:
        body[MAPPERS] = pairwise.mappers(server, want.fields)
    attributes = proofs.attributes(want.fields, names)
    if names & {"tenant", MANAGED}:
        attributes |= marks(server.platform, str(want.fields["tenant"]))
    if ASSURANCE in names:
        attributes[ASSURANCE] = str(want.fields[ASSURANCE] or "")
    if names & {turning.ROTATED, "publicClient", proofs.KIND}:
        attributes |= turning.GONE
    if attributes:
        body["attributes"] = attributes
    return body | proofs.secret(server, want.fields, names)


def _set_scopes(server: Keycloak, want: Resource, id: str) -> None:
    """Exactly the scopes that are wanted. First those go that are not: while a scope is a default it cannot be made an
    optional one, nor the other way round. Keycloak answers 204 and does nothing."""
    realm = want.key.within
    missing: list[tuple[str, str]] = []
    for field, kind in SCOPES.items():
        where = path(realm, "clients", id, kind)
        wanted = _names(want, field)
        there = {text(one, "name", where): text(one, "id", where) for one in server.session.list(where)}
        for name in sorted(there.keys() - wanted):
            server.session.delete(f"{where}/{there[name]}")
        missing += [(where, name) for name in sorted(wanted - there.keys())]
    known = _scope_ids(server, realm) if missing else {}
    for where, name in missing:
        if name not in known:
            raise not_there(f"keycloak.scope {realm} {name}")
        server.session.put(f"{where}/{known[name]}")


def _set_roles(server: Keycloak, want: Resource, id: str) -> None:
    """Exactly the roles of the realm that are wanted, and none of a client."""
    realm, wanted = want.key.within, _names(want, ROLES)
    where = path(realm, "clients", id, "scope-mappings")
    found = server.session.get(where)
    there = {str(role.get("name")): role for role in found.get("realmMappings") or ()}
    if unwanted := [there[name] for name in sorted(there.keys() - wanted)]:
        server.session.delete(f"{where}/realm", unwanted)
    for of in (found.get("clientMappings") or {}).values():
        server.session.delete(f"{where}/clients/{text(of, 'id', where)}", of.get("mappings"))
    if missing := wanted - there.keys():
        server.session.post(f"{where}/realm", roles.named(server, realm, missing))


def _scope_ids(server: Keycloak, realm: str) -> dict[str, str]:
    where = path(realm, "client-scopes")
    return {text(one, "name", where): text(one, "id", where) for one in server.session.list(where)}


def delete(server: Keycloak, have: Resource) -> None:
    server.session.delete(path(have.key.within, "clients", server.id(NAME, have.key.within, have.key.name)))


def _names(resource: Resource, field: str) -> frozenset[str]:
    value = resource.fields[field]
    assert isinstance(value, frozenset)
    return frozenset(map(str, value))


CLIENT = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.scope", "keycloak.binding", "keycloak.role"),
    revokes=True,
    moves="its client id changes: the caller must ask for tokens under the new one, with the same secret",
    danger=danger.of_client,
    costs=pairwise.costs,
    adoptable=True,
    mark=MANAGED,
)
