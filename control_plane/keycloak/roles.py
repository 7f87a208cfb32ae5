"""Realm roles: the platform's roles, the same in every realm of ours, and two of our own.

The role that demands MFA in a realm where only some need it is ours alone (`renkei-mfa`): it is part of every role that
demands MFA, and the login flow asks for it by name. The other one (`renkei-delegate`) includes what administrators and
auditors of a tenant need to list anything. A PUT without the description would empty it; composites are not
part of a PUT and are a kind of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak import builtin, danger, sessions
from control_plane.keycloak.answers import Conflict, Json, text
from control_plane.keycloak.marks import MANAGED, TITLE, attribute, is_nobodys, is_ours, lists, marks
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.role"
MFA = "renkei-mfa"  # whoever has it, directly or through another role, must show a second factor
DELEGATE = "renkei-delegate"  # whoever has it may list the people whom permissions show; shows nobody by itself


def desired(catalog: Catalog) -> Iterator[Resource]:
    for tenant in {tenant.realm: tenant for tenant in catalog.delegating()}.values():
        fields = {"title": "Delegation", "description": "Lists people and groups as far as permissions show them"}
        yield Resource(Key(NAME, tenant.realm, DELEGATE), fields, tenant.delegation)
    for realm in catalog.realms.values():
        for role in catalog.roles.values():
            fields = {"title": role.title, "description": role.description or role.title}
            yield Resource(Key(NAME, realm.name, role.name), fields, role.origin)
        if realm.baseline.mfa is MfaMode.BY_ROLE:
            fields = {"title": "MFA", "description": "Demands a second factor at every login; part of other roles"}
            yield Resource(Key(NAME, realm.name, MFA), fields, realm.origin)


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "roles")
    found = every(server, realm)
    server.remember(NAME, realm, {text(one, "name", where): text(one, "id", where) for one in found})
    for one in found:
        if not builtin.is_role(realm, one["name"]):
            fields = {"title": attribute(one, TITLE), "description": one.get("description")}
            ours, free = is_ours(one, server.platform), is_nobodys(one)
            yield Resource(Key(NAME, realm, one["name"]), fields, owned=ours, adoptable=free)


def every(server: Keycloak, realm: str) -> list[Json]:
    """All roles of the realm, as this reading sees them."""
    return server.shared(realm, NAME, lambda: server.session.list(path(realm, "roles"), briefRepresentation="false"))


def create(server: Keycloak, want: Resource) -> None:
    realm, name = want.key.within, want.key.name
    body = {
        "name": name,
        "description": want.fields["description"],
        "attributes": lists(marks(server.platform, title=str(want.fields["title"]))),
    }
    try:
        server.session.post(path(realm, "roles"), body)
    except Conflict:
        if not is_ours(server.session.get(path(realm, "roles", name)), server.platform):
            raise
        server.session.put(path(realm, "roles", name), body)
    server.learn(NAME, realm, name, text(server.session.get(path(realm, "roles", name)), "id", "roles"))


def update(server: Keycloak, change: Update) -> None:
    where = path(change.key.within, "roles", change.key.name)
    found = server.session.get(where)
    mark = lists(marks(server.platform, title=str(change.want.fields["title"])))
    attributes = {**(found.get("attributes") or {}), **mark}
    body: Json = {"name": change.key.name, "description": change.want.fields["description"], "attributes": attributes}
    server.session.put(where, body)


def delete(server: Keycloak, have: Resource) -> None:
    """Whoever still has it, a person whom we do not know among them, signs in anew."""
    with sessions.ended(server, have.key.within, sessions.holders(server, have.key.within, have.key.name)):
        server.session.delete(path(have.key.within, "roles", have.key.name))


def named(server: Keycloak, realm: str, names: frozenset[str]) -> list[Json]:
    """Roles as the mapping endpoints take them: id and name."""
    return [{"id": server.id(NAME, realm, name), "name": name} for name in sorted(names)]


ROLE = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.realm",),
    danger=danger.of_role,
    adoptable=True,
    mark=MANAGED,
)
