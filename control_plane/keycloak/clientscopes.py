"""What the tokens of a client may name: data scopes, and of a person her roles.

The default scopes are reduced to `basic`, `renkei-gateway` and the data scopes that are granted now. Those that need
people's consent are optional where people sign in: the service asks for them, and Keycloak then asks the person. Of her
roles a token names those that have grants on the APIs that people may call through this client, and no other (scope
mappings); roles of clients never.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, Service
from control_plane.engine.resource import Resource
from control_plane.engine.values import Fields, texts
from control_plane.keycloak import roles, strangers
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.scopes import GATEWAY, scope_name
from control_plane.keycloak.server import Keycloak, not_there
from control_plane.keycloak.session import path

SCOPES = {"defaultClientScopes": "default-client-scopes", "optionalClientScopes": "optional-client-scopes"}
ROLES, CLIENT_ROLES = "roles", "client_roles"  # scope mappings: of the realm, and of clients (never wanted)


def wanted(catalog: Catalog, service: Service) -> Fields:
    given, asked = granted(catalog, service), consents(catalog, service)
    return {
        "defaultClientScopes": frozenset({strangers.BASIC, GATEWAY, *map(scope_name, given - asked)}),
        "optionalClientScopes": frozenset(map(scope_name, asked)),
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


# ---------------------------------------------------------------- found, and written


def roles_found(server: Keycloak, realm: str, found: list[Json]) -> dict[str, Fields]:
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


def set_scopes(server: Keycloak, want: Resource, id: str) -> None:
    """Exactly the scopes that are wanted. First those go that are not: while a scope is a default it cannot be made an
    optional one, nor the other way round. Keycloak answers 204 and does nothing."""
    realm = want.key.within
    missing: list[tuple[str, str]] = []
    for field, kind in SCOPES.items():
        where = path(realm, "clients", id, kind)
        wanted = texts(want.fields, field)
        there = {text(one, "name", where): text(one, "id", where) for one in server.session.list(where)}
        for name in sorted(there.keys() - wanted):
            server.session.delete(f"{where}/{there[name]}")
        missing += [(where, name) for name in sorted(wanted - there.keys())]
    known = _scope_ids(server, realm) if missing else {}
    for where, name in missing:
        if name not in known:
            raise not_there(f"keycloak.scope {realm} {name}")
        server.session.put(f"{where}/{known[name]}")


def set_roles(server: Keycloak, want: Resource, id: str) -> None:
    """Exactly the roles of the realm that are wanted, and none of a client."""
    realm, wanted = want.key.within, texts(want.fields, ROLES)
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
