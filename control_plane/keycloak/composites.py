"""What a role includes: other roles of ours, and `renkei-mfa` in each role that demands MFA by role.

A kind of its own, because a role can only include roles that are there, and because a role taken out of a composite is
how the demand for a second factor is lost without a change in the login flow. Client roles in a composite are never
ours, for who holds the role would administer the realm, but for two in `renkei-delegate` that only let lists be asked
for. A role of others that includes one is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import texts
from control_plane.keycloak import builtin, danger, power, roles, sessions, switch
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.marks import is_nobodys, is_ours
from control_plane.keycloak.server import Keycloak, not_there
from control_plane.keycloak.session import path

NAME = "keycloak.composite"
QUERIES = frozenset({f"{power.CLIENT} query-groups", f"{power.CLIENT} query-users"})


def desired(catalog: Catalog) -> Iterator[Resource]:
    delegated = {tenant.realm: tenant.delegation for tenant in catalog.delegating()}
    for realm in catalog.realms.values():
        by_role = realm.baseline.mfa is MfaMode.BY_ROLE
        for role in catalog.roles.values():
            mfa = {roles.MFA} if by_role and catalog.demands_mfa(role.name) else set()
            fields = {"roles": frozenset({*role.includes, *mfa}), "client_roles": frozenset[str]()}
            yield Resource(Key(NAME, realm.name, role.name), fields, role.origin)
        if realm.name in delegated:
            fields = {"roles": frozenset({roles.MFA} if by_role else ()), "client_roles": QUERIES}
            yield Resource(Key(NAME, realm.name, roles.DELEGATE), fields, delegated[realm.name])
        if by_role:
            fields = {"roles": frozenset[str](), "client_roles": frozenset[str]()}
            yield Resource(Key(NAME, realm.name, roles.MFA), fields, realm.origin)


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "roles")
    found = roles.every(server, realm)
    custom = [one for one in found if not builtin.is_role(realm, str(one.get("name")))]
    parts = server.side_by_side(partial(_included, server, realm), custom)
    ours = [one for one in custom if server.takes(one) and one.get("name") == roles.DELEGATE]
    client = power.id_of_client(server, realm) if ours else None
    for one, included in zip(custom, parts, strict=True):
        fields = {
            "roles": frozenset(str(part.get("name")) for part in included if not part.get("clientRole")),
            "client_roles": frozenset(_client_role(part, client) for part in included if part.get("clientRole")),
        }
        key = Key(NAME, realm, text(one, "name", where))
        if is_ours(one, server.platform):
            yield Resource(key, fields)
        else:
            why, remove = _strange(server, realm, one, included)
            free = is_nobodys(one)
            yield Resource(key, fields, owned=False, adoptable=free, danger=why, remove=remove)


def _strange(server: Keycloak, realm: str, role: Json, included: list[Json]) -> tuple[str | None, str | None]:
    """A role without our mark is told of here only when whoever gets it administers the realm."""
    looks = [part for part in included if part.get("clientRole") and part.get("name") not in power.HARMLESS]
    client = power.id_of_client(server, realm) if looks else None
    given = frozenset(str(part.get("name")) for part in looks if part.get("containerId") == client)
    why = power.why("whoever has the role", given)
    if not why:
        return None, None
    where = path(realm, "roles-by-id", text(role, "id", NAME), "composites")
    body = json.dumps([{"id": part["id"], "name": part["name"]} for part in looks if part.get("containerId") == client])
    return why, f"DELETE /{where} {body}"


def _included(server: Keycloak, realm: str, role: Json) -> list[Json]:
    if not role.get("composite"):
        return []
    return server.session.list(path(realm, "roles-by-id", str(role.get("id")), "composites"))


def _client_role(role: Json, client: str | None) -> str:
    """A client's role by the client's id on the server, but for the client that some are wanted of: a name would cost
    a request."""
    of = role.get("containerId")
    return f"{power.CLIENT if client and of == client else of} {role.get('name')}"


def create(server: Keycloak, want: Resource) -> None:
    realm = want.key.within
    where = path(realm, "roles-by-id", server.id(roles.NAME, realm, want.key.name), "composites")
    if included := texts(want.fields, "roles"):
        server.session.post(where, roles.named(server, realm, included))
    if of_client := texts(want.fields, "client_roles"):
        with switch.off(server, realm):
            server.session.post(where, [_queried(server, realm, name) for name in sorted(of_client)])


def _queried(server: Keycloak, realm: str, name: str) -> Json:
    client = power.id_of_client(server, realm)
    if client is None:
        raise not_there(f"client {power.CLIENT} of realm {realm}")
    found = server.session.get(path(realm, "clients", client, "roles", name.partition(" ")[2]))
    return {"id": found["id"], "name": found["name"]}


def update(server: Keycloak, change: Update) -> None:
    """Who loses something signs in anew, and who has signed in with the password alone while the demand was missing."""
    realm, want = change.key.within, change.want
    missing = {name: texts(want.fields, name) - texts(change.have.fields, name) for name in ("roles", "client_roles")}
    if roles.MFA in missing["roles"] or any(
        texts(change.have.fields, name) - texts(want.fields, name) for name in missing
    ):
        with sessions.ended(server, realm, sessions.holders(server, realm, change.key.name)):
            _change(server, want, missing)
    else:
        _change(server, want, missing)


def _change(server: Keycloak, want: Resource, missing: Mapping[str, frozenset[str]]) -> None:
    """What is missing first, so that nothing is lost in between."""
    realm = want.key.within
    where = path(realm, "roles-by-id", server.id(roles.NAME, realm, want.key.name), "composites")
    create(server, replace(want, fields={**want.fields, **missing}))
    client = power.id_of_client(server, realm) if texts(want.fields, "client_roles") else None
    wanted = {*texts(want.fields, "roles"), *texts(want.fields, "client_roles")}
    there = server.session.list(where)
    named = {_client_role(one, client) if one.get("clientRole") else str(one.get("name")): one for one in there}
    unwanted = [one for name, one in sorted(named.items()) if name not in wanted]
    if any(one.get("clientRole") for one in unwanted):
        with switch.off(server, realm):
            server.session.delete(where, unwanted)
    elif unwanted:
        server.session.delete(where, unwanted)


COMPOSITE = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    after=("keycloak.role",),
    aspect=True,
    danger=danger.of_holder,
    adoptable=True,
)
