"""What every account of a realm has by itself: roles through Keycloak's default role, and default groups.

Keycloak gives four roles; a template may take its two realm roles away. None of the platform's is ever given so: the
lists of people and `can` would not know of it. More than that, by a hand, gives something to everybody at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Value
from control_plane.keycloak import clients
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.default"
OF_REALM = frozenset({"offline_access", "uma_authorization"})
OF_ACCOUNT = frozenset({"account manage-account", "account view-profile"})


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        fields: dict[str, Value] = {"beyond": frozenset[str](), "groups": frozenset[str]()}
        if realm.baseline.default_roles is not None:
            fields["roles"] = frozenset(realm.baseline.default_roles)
        yield Resource(Key(NAME, realm.name, "everybody"), fields, realm.origin, frozenset({realm.owner}))


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    names = {_named(server, realm, one) for one in server.session.list(_composites(server, realm))}
    fields = {
        "roles": names & OF_REALM,
        "beyond": names - OF_REALM - OF_ACCOUNT,
        "groups": frozenset(map(str, server.found[realm].get("defaultGroups") or ())),
    }
    yield Resource(Key(NAME, realm, "everybody"), {name: frozenset(found) for name, found in fields.items()})


def _composites(server: Keycloak, realm: str) -> str:
    """Where the parts of the default role are. A realm that this run has made was not there when it read."""
    found = server.found.get(realm) or server.session.get(path(realm))
    return path(realm, "roles-by-id", text(found.get("defaultRole") or {}, "id", path(realm)), "composites")


def _named(server: Keycloak, realm: str, role: Json) -> str:
    """A role of the realm by its name, one of a client as `client name`."""
    if not role.get("clientRole"):
        return str(role.get("name"))
    ids = {id: name for name, id in server.ids(clients.NAME, realm).items()}
    return f"{ids.get(str(role.get('containerId')), role.get('containerId'))} {role.get('name')}"


def create(server: Keycloak, want: Resource) -> None:
    """Every realm has its default role: take away what is too much, add what is missing."""
    realm = want.key.within
    where = _composites(server, realm)
    there = {_named(server, realm, one): one for one in server.session.list(where)}
    wanted = want.fields.get("roles", there.keys() & OF_REALM)
    assert isinstance(wanted, frozenset | set)
    unwanted = [one for name, one in sorted(there.items()) if name not in wanted | OF_ACCOUNT]
    if unwanted:
        server.session.delete(where, unwanted)
    if missing := wanted - there.keys():
        roles = [server.session.get(path(realm, "roles", str(name))) for name in sorted(map(str, missing))]
        server.session.post(where, [{"id": one["id"], "name": one["name"]} for one in roles])
    for group in server.session.list(path(realm, "default-groups")):
        server.session.delete(path(realm, "default-groups", text(group, "id", "default-groups")))


def update(server: Keycloak, change: Update) -> None:
    create(server, change.want)


def danger(change: Change, have: State) -> str | None:
    if isinstance(change, Update):
        for one in change.changes:
            before, after = one.before, one.after
            if isinstance(before, frozenset) and isinstance(after, frozenset) and before - after:
                return "everybody has what Git gives to nobody"
    return None


DEFAULT = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    after=("keycloak.realm",),
    serial_by=lambda default: default.key.within,
    aspect=True,
    danger=danger,
)
