"""Groups: in every realm one group per tenant, and the tenant's own groups below it; named by path, `/nikko/digital`.
One that was there before us stands where it stood, and the YAML says where.

A role is given to a group, and so to its members. Client roles on a group are never ours: its members would administer
the realm; a group of others with one is told. A PUT without the description or the attributes would empty them, so both
are read first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Catalog, Group, Tenant
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields
from control_plane.keycloak import danger, power, roles, sessions, switch, whole
from control_plane.keycloak.answers import Conflict, Json, a_list, text
from control_plane.keycloak.marks import MANAGED, TENANT, TITLE, attribute, belongs, is_nobodys, is_ours, lists, marks
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.group"


def tenant_path(tenant: str) -> str:
    return f"/{tenant}"


def group_path(group: Group) -> str:
    return group.path or path_below(group.tenant, group.name)


def path_below(tenant: str, group: str) -> str:
    return f"{tenant_path(tenant)}/{group}"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for tenant in catalog.tenants.values():
        yield _wanted(tenant, tenant_path(tenant.name), tenant.title, frozenset(), tenant)
        for group in tenant.groups:
            yield _wanted(tenant, group_path(group), group.title, frozenset(group.roles), group)


def _wanted(tenant: Tenant, name: str, title: str, given: frozenset[str], asked: object) -> Resource:
    fields: Fields = {"title": title, "tenant": tenant.name, "roles": given, "client_roles": frozenset()}
    return Resource(Key(NAME, tenant.realm, name), fields, getattr(asked, "origin", None), frozenset({tenant.name}))


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "groups")
    tree = dict(whole.counted(realm, "groups", lambda: _tree_of(server, realm), lambda: _count(server, realm)))
    server.remember(NAME, realm, {name: text(found, "id", where) for name, found in tree.items()})
    for name, found in tree.items():
        ours = is_ours(found, server.platform)
        if ours:
            yield Resource(Key(NAME, realm, name), _found(found), None, belongs(found))
        else:
            yield _strange(server, realm, name, found)


def _tree_of(server: Keycloak, realm: str) -> Iterator[tuple[str, Json]]:
    """A blank search finds every group, and Keycloak gives what it has found as the whole tree."""
    found = server.session.list(path(realm, "groups"), search=" ", briefRepresentation="false")
    return _paths(server, realm, found, "")


def _count(server: Keycloak, realm: str) -> int:
    """Of all levels of the tree."""
    return int(server.session.get(path(realm, "groups", "count")).get("count") or 0)


def _strange(server: Keycloak, realm: str, name: str, found: Json) -> Resource:
    given = (found.get("clientRoles") or {}).get(power.CLIENT) or ()
    why = power.why("whoever is in it or below it", frozenset(map(str, given)))
    remove = f"DELETE /{path(realm, 'groups', text(found, 'id', 'groups'))}" if why else None
    fields = _found(found) if server.takes(found) else {}
    free = is_nobodys(found)
    return Resource(Key(NAME, realm, name), fields, owned=False, adoptable=free, danger=why, remove=remove)


def _paths(server: Keycloak, realm: str, found: list[Json], above: str) -> Iterator[tuple[str, Json]]:
    """Every group with its path. A list has one level of the tree; what it leaves out is asked for."""
    for one in found:
        name = f"{above}/{text(one, 'name', 'groups').replace('%', '%25').replace('/', '%2F')}"
        below = a_list(one.get("subGroups") or [], "groups")
        if len(below) < int(one.get("subGroupCount") or 0):
            where = path(realm, "groups", text(one, "id", "groups"), "children")
            below = list(server.session.pages(where, briefRepresentation="false"))
        yield name, one
        yield from _paths(server, realm, below, name)


def _found(found: Json) -> Fields:
    of_clients = found.get("clientRoles")
    return {
        "title": attribute(found, TITLE),
        "tenant": attribute(found, TENANT),
        "roles": frozenset(map(str, found.get("realmRoles") or ())),
        "client_roles": frozenset(
            f"{client} {role}"
            for client, given in (of_clients.items() if isinstance(of_clients, Mapping) else ())
            for role in given
        ),
    }


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    realm, name = want.key.within, want.key.name
    above, _, own = name.rpartition("/")
    where = path(realm, "groups", server.id(NAME, realm, above), "children") if above else path(realm, "groups")
    tenant, title = str(want.fields["tenant"]), str(want.fields["title"])
    try:
        id = server.session.post(where, {"name": own, "attributes": lists(marks(server.platform, tenant, title))})
    except Conflict:
        found = _there(server, where, own)
        if not found:
            raise
        id = found
    server.learn(NAME, realm, name, id)
    _give(server, want, _names(want, "roles"))


def _there(server: Keycloak, where: str, name: str) -> str | None:
    """The id of a group of ours that an earlier run, or a lost answer, has left."""
    for found in server.session.every(where, briefRepresentation="false"):
        if found.get("name") == name and is_ours(found, server.platform):
            return text(found, "id", where)
    return None


def update(server: Keycloak, change: Update) -> None:
    where = _where(server, change.want)
    if change.changed & {"title", "tenant", MANAGED}:
        found = server.session.get(where)
        tenant, title = str(change.want.fields["tenant"]), str(change.want.fields["title"])
        attributes = {**(found.get("attributes") or {}), **lists(marks(server.platform, tenant, title))}
        kept = {name: found[name] for name in ("description",) if name in found}  # 26.0 does not know the field
        server.session.put(where, {"name": found["name"], "attributes": attributes, **kept})
    realm, wanted, given = change.key.within, _names(change.want, "roles"), _names(change.have, "roles")
    if given - wanted or "client_roles" in change.changed:
        with sessions.ended(server, realm, _members(server, change.have)):
            if given - wanted:
                server.session.delete(f"{where}/role-mappings/realm", roles.named(server, realm, given - wanted))
            if "client_roles" in change.changed:
                _take_client_roles(server, realm, where)
    _give(server, change.want, wanted - given)


def _take_client_roles(server: Keycloak, realm: str, where: str) -> None:
    of_clients = server.session.get(f"{where}/role-mappings").get("clientMappings") or {}
    with switch.off(server, realm):
        for one in of_clients.values():
            server.session.delete(f"{where}/role-mappings/clients/{one['id']}", one["mappings"])


def _give(server: Keycloak, group: Resource, names: frozenset[str]) -> None:
    if names:
        given = roles.named(server, group.key.within, names)
        server.session.post(f"{_where(server, group)}/role-mappings/realm", given)


def delete(server: Keycloak, have: Resource) -> None:
    """With all groups below it. Whoever still stood in one of them signs in anew."""
    with sessions.ended(server, have.key.within, _members(server, have)):
        server.session.delete(_where(server, have))


def _members(server: Keycloak, group: Resource) -> Iterator[str]:
    id = server.id(NAME, group.key.within, group.key.name)
    return sessions.members(server, group.key.within, {"id": id})


def _where(server: Keycloak, group: Resource) -> str:
    return path(group.key.within, "groups", server.id(NAME, group.key.within, group.key.name))


def _names(group: Resource, field: str) -> frozenset[str]:
    value = group.fields.get(field)
    return frozenset(map(str, value)) if isinstance(value, frozenset) else frozenset()


def _tree(group: Resource) -> str:
    """A tenant's groups are written one after the other: the upper one first, as their paths sort."""
    return f"{group.key.within} {group.key.name.split('/')[1]}"


GROUP = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.composite",),
    serial_by=_tree,
    danger=danger.of_holder,
    adoptable=True,
    mark=MANAGED,
)
