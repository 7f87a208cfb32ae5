"""What a tenant's administrators and auditors may do, and what no administrator may do to whom.

Per tenant two permissions that grant, each on groups of the tenant: `view`, for both, on all of them; `manage`, for
administrators, on the tenant's own group and those that it lets them fill. And two that refuse, a kind of their own
because they stand before the granting ones and go after them: `closed`, the other groups, whose members they may not
touch; `protected`, people who stay out of their reach in whichever group: administrators and auditors themselves, and
who has a role that they cannot give.

Keycloak inherits to groups below for single accounts, not for lists and not for joining: so every group is named.
Nobody gets `manage` of a group, which would rename it, move it, or map roles to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog, Tenant
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Create, Delete, FieldChange, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields
from control_plane.keycloak import groups, permits, policies
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.marks import PREFIX
from control_plane.keycloak.server import Keycloak

REFUSAL, PERMISSION = "keycloak.refusal", "keycloak.permission"
SEES = frozenset({"view", "view-members"})
FILLS = frozenset({"manage-members", "manage-membership", "manage-membership-of-members"})
TOUCHES = frozenset({"manage", "map-roles", "manage-group-membership", "reset-password", "impersonate"})
REFUSED = ("closed", "protected")
SHOWN = 3  # objects that a sentence names


def refused(catalog: Catalog) -> Iterator[Resource]:
    for tenant in catalog.delegating():
        if not tenant.administrators:
            continue
        if closed := _every(tenant) - _filled(tenant):
            yield _wanted(REFUSAL, tenant, "closed", permits.GROUPS, closed, FILLS, policies.NOBODY)
        if people := protected(catalog, tenant):
            yield _wanted(REFUSAL, tenant, "protected", permits.USERS, people, TOUCHES, policies.NOBODY)


def permitted(catalog: Catalog) -> Iterator[Resource]:
    for tenant in catalog.delegating():
        readers, administrators = policies.readers(tenant.name), policies.administrators(tenant.name)
        yield _wanted(PERMISSION, tenant, "view", permits.GROUPS, _every(tenant), SEES, readers)
        if tenant.administrators:
            yield _wanted(PERMISSION, tenant, "manage", permits.GROUPS, _filled(tenant), FILLS, administrators)


def _every(tenant: Tenant) -> frozenset[str]:
    below = map(groups.group_path, tenant.groups)
    return frozenset({groups.tenant_path(tenant.name), *below})


def _filled(tenant: Tenant) -> frozenset[str]:
    named = tenant.administrators.groups if tenant.administrators else ()
    below = (groups.group_path(one) for one in tenant.groups if one.name in named)
    return frozenset({groups.tenant_path(tenant.name), *below})


def protected(catalog: Catalog, tenant: Tenant) -> frozenset[str]:
    """Whoever would lose more than a colleague's account to the one who resets the password."""
    both = (*catalog.delegates(tenant, tenant.administrators), *catalog.delegates(tenant, tenant.auditors))
    named = {user.username for user in both}
    filled = _filled(tenant)
    given = {
        name
        for group in tenant.groups
        if groups.group_path(group) in filled
        for role in group.roles
        for name in catalog.roles_with(role)
    }
    return frozenset(
        user.username.lower() for user in tenant.users if user.username in named or not given.issuperset(user.roles)
    )


def _wanted(
    kind: str, tenant: Tenant, what: str, on: str, objects: frozenset[str], scopes: frozenset[str], policy: str
) -> Resource:
    fields: Fields = {
        "on": on,
        "objects": objects,
        "scopes": scopes,
        "policies": frozenset({policy}),
        "logic": "POSITIVE",
        "tenant": tenant.name,
    }
    key = Key(kind, tenant.realm, permits.name(tenant.name, what))
    initial = permits.former(tenant.users)
    return Resource(key, fields, tenant.delegation, frozenset({tenant.name}), initial=initial)


# ---------------------------------------------------------------- found


def read_refused(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(lambda server, realm: _read(server, realm, REFUSAL))


def read_permitted(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(lambda server, realm: _read(server, realm, PERMISSION))


def _read(server: Keycloak, realm: str, kind: str) -> Iterator[Resource]:
    for found in permits.listed(server, realm):
        name = text(found, "name", permits.CLIENT)
        if (REFUSAL if name.startswith(PREFIX) and name.endswith(REFUSED) else PERMISSION) != kind:
            continue
        key = Key(kind, realm, name)
        if permits.is_ours(found, server.platform):
            yield Resource(key, permits.fields(server, realm, found), None, permits.belongs(found))
        else:
            remove = permits.where(server, realm, "permission", "scope", text(found, "id", permits.CLIENT))
            why = _strange(server, realm, found)
            yield Resource(key, owned=False, danger=why, remove=f"DELETE /{remove}")


def _strange(server: Keycloak, realm: str, found: Json) -> str:
    """Whether it grants or refuses, it decides beside ours; whom it names is another question, and changes."""
    scopes, on = ", ".join(sorted(permits.scopes(found))), str(found.get("resourceType")).lower()
    names = sorted(permits.objects(server, realm, found))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    whom = f"of {', '.join(names[:SHOWN])}{more}" if names else f"of all {on}"
    return f"it decides who may do this with {on}, and Git does not know it: {scopes} {whom}"


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    permits.create(server, want)


def update(server: Keycloak, change: Update) -> None:
    permits.update(server, change.want)


def delete(server: Keycloak, have: Resource) -> None:
    permits.delete(server, have)


def of_permission(change: Change, have: State) -> str | None:
    match change:
        case Delete():
            return "somebody administers or sees people, and Git no longer says so"
        case Update(changes=changes) if any(map(_more, changes)):
            return "people are administered or seen by more than Git says, or more of them"
    return None


def _more(one: FieldChange) -> bool:
    before, after = one.before, one.after
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        return bool(before - after) or not before  # none at all: every object, or no policy that is asked
    return one.path[0] in ("on", "logic")


def of_refusal(change: Change, have: State) -> str | None:
    """Nothing may be missing of it while somebody is permitted anything in the realm."""
    permitted = any(key.kind == PERMISSION and key.within == change.key.within for key in have)
    if isinstance(change, Create | Update) and permitted:
        return "administrators may do what Git keeps from them: take over accounts with other rights than their own"
    return None


REFUSING = Kind(
    REFUSAL,
    refused,
    read_refused,
    create,
    update,
    delete,
    after=(policies.NAME,),
    serial_by=lambda one: one.key.within,
    danger=of_refusal,
)
PERMITTING = Kind(
    PERMISSION,
    permitted,
    read_permitted,
    create,
    update,
    delete,
    after=(REFUSAL,),
    serial_by=lambda one: one.key.within,
    revokes=True,
    danger=of_permission,
)
