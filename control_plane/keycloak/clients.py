"""Clients: one for each service that uses tokens or signs people in, with a service account unless it is public.

Its name is the service's, `nikko.portal`. Its tokens carry no more than they must: `clientscopes` says what. How it
proves who it is: `proofs`. A person signs in through it only when it has redirect addresses, and never by sending us a
password (direct grant).

Keycloak shows the secret in clear in every list: it is sealed where it is read. A PUT without
`authorizationServicesEnabled` would delete the client's authorization data. A flow override on a client goes around the
realm's login flow, a mapper can forge who a token is for: both are compared, and empty but for the mapper that makes
ids of its own (`pairwise`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

from control_plane.catalog.model import Catalog, Service
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value, texts
from control_plane.keycloak import (
    builtin,
    clientscopes,
    danger,
    mappers,
    pairwise,
    proofs,
    sessions,
    strangers,
    turning,
)
from control_plane.keycloak.answers import Conflict, Json, text
from control_plane.keycloak.marks import MANAGED, belongs, is_nobodys, is_ours, marks
from control_plane.keycloak.scopes import is_client
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.client"
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
CONSENT = "consentRequired"
ASSURANCE = "minimum.acr.value"  # an attribute: the least level of a login through it
OVERRIDES = strangers.OVERRIDES
AROUND = {OVERRIDES, strangers.DIRECT}  # once they are as Git says, nobody gets around the realm's login flow
MAPPERS = "protocolMappers"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for service in catalog.services():
        if is_client(service):
            tenant = catalog.tenants[service.tenant]
            key = Key(NAME, tenant.realm, service.name)
            before = Key(NAME, tenant.realm, service.previously) if service.previously else None
            fields, whose = _fields(catalog, service), frozenset({tenant.name})
            yield Resource(key, fields, service.origin, whose, previously=before)


def _fields(catalog: Catalog, service: Service) -> Fields:
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
        CONSENT: bool(clientscopes.consents(catalog, service)),
        "redirectUris": frozenset(service.redirect_uris),
        "webOrigins": frozenset(service.web_origins or (["+"] if service.redirect_uris else [])),  # +: of the logins
        **clientscopes.wanted(catalog, service),
        turning.ROTATED: None,
        ASSURANCE: str(service.assurance) if service.assurance > 1 else None,
        OVERRIDES: frozenset(),
        MAPPERS: frozenset({pairwise.NAME} if service.pairwise else ()),
        **pairwise.wanted(service),
    }


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "clients")
    found = [_sealed(server, one) for one in server.session.list(where)]
    server.remember(NAME, realm, {text(one, "clientId", where): text(one, "id", where) for one in found})
    told = clientscopes.roles_found(server, realm, [one for one in found if server.takes(one)])
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


def _sealed(server: Keycloak, found: Json) -> Json:
    """The representation with digests instead of the secret and of what ids of people are made with."""
    said = [pairwise.sealed(server, mapper) for mapper in found.pop(MAPPERS, None) or ()]
    return {**turning.sealed(server, found), MAPPERS: said}


def _found(one: Json) -> Fields:
    fields: dict[str, Value] = {name: one.get(name) for name in (*PLAIN, "secret", turning.ROTATED)}
    fields |= {name: frozenset(map(str, one.get(name) or ())) for name in (*SETS, *clientscopes.SCOPES)}
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
    body |= {field: sorted(texts(want.fields, field)) for field in clientscopes.SCOPES}
    try:
        id = server.session.post(where, body)
    except Conflict:
        found = next((one for one in server.session.list(where, clientId=name) if one.get("clientId") == name), {})
        if not is_ours(found, server.platform):
            raise
        id = text(found, "id", where)
        _put(server, want, id, frozenset(want.fields))
    server.learn(NAME, realm, name, id)
    if want.fields[clientscopes.ROLES]:
        clientscopes.set_roles(server, want, id)
    clientscopes.set_scopes(server, want, id)  # Keycloak adds scopes of its own to a client with a service account …
    _take_mappers(server, want, id)  # … and 26.0 mappers


def _take_mappers(server: Keycloak, want: Resource, id: str) -> None:
    """No mapper but those that are wanted."""
    models = path(want.key.within, "clients", id, "protocol-mappers", "models")
    for one in server.session.list(models):
        if one.get("name") not in texts(want.fields, MAPPERS):
            server.session.delete(f"{models}/{text(one, 'id', models)}")


def update(server: Keycloak, change: Update) -> None:
    """A renamed client stays the same one: its secret, its service account and what that account was given."""
    id = server.id(NAME, change.key.within, change.have.key.name)
    if change.have.fields.get(CONSENT) and not change.want.fields[CONSENT]:
        clientscopes.set_scopes(server, change.want, id)  # before nobody is asked any more
    if change.changed - clientscopes.SCOPES.keys() - {clientscopes.ROLES, clientscopes.CLIENT_ROLES} or change.moves:
        ends = {turning.ROTATED} if change.moves else set()  # the index knows a second secret by the client's name
        _put(server, change.want, id, change.changed | ends)
    if change.changed & {clientscopes.ROLES, clientscopes.CLIENT_ROLES}:
        clientscopes.set_roles(server, change.want, id)
    server.learn(NAME, change.key.within, change.key.name, id)
    clientscopes.set_scopes(server, change.want, id)


def _put(server: Keycloak, want: Resource, id: str, names: frozenset[str]) -> None:
    where = path(want.key.within, "clients", id)
    found = server.session.get(where)
    body = _body(server, want, names)
    if OVERRIDES in names:
        body[OVERRIDES] = dict.fromkeys(found.get(OVERRIDES) or {}, "")
    named = {"id": id, "clientId": want.key.name, **strangers.kept(found)}
    if without := proofs.without_address(names):  # there is none until the keys of the former one are forgotten
        server.session.put(where, {**named, "attributes": without})
        proofs.forget(server, want.key.within)
    # whoever came in past the realm's login flow, or with less than the service asks for, signs in anew (`sessions`)
    around = bool(names & AROUND or (ASSURANCE in names and want.fields[ASSURANCE]))
    with sessions.client_ended(server, want.key.within, id) if around else nullcontext():
        server.session.put(where, {**named, **body})


def _body(server: Keycloak, want: Resource, names: frozenset[str]) -> Json:
    """The named fields as Keycloak takes them."""
    body: Json = {name: want.fields[name] for name in PLAIN if name in names}
    body |= {name: sorted(texts(want.fields, name)) for name in SETS if name in names}
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


def delete(server: Keycloak, have: Resource) -> None:
    server.session.delete(path(have.key.within, "clients", server.id(NAME, have.key.within, have.key.name)))


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
