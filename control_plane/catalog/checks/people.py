"""Realms and the people in them: groups, roles, names that are unique, who holds what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.checks.references import circles, index, twice, unknown
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.catalog.documents.roles import RoleEntry
from control_plane.catalog.documents.tenants import UserEntry
from control_plane.catalog.located import Located
from control_plane.catalog.periods import check_period
from control_plane.catalog.templates import baseline, line_of
from control_plane.problems import Problem

Roles = Mapping[str, Located[RoleEntry]]


def check(declared: Declared) -> Iterator[Problem]:
    roles = index((one.value.role, one) for one in declared.roles)
    for role in roles.values():
        for position, name in enumerate(role.value.includes):
            yield from unknown(declared, "role", name, roles, role, "includes", position, folder="roles")
    follows = {
        name: [(inner, ("includes", position)) for position, inner in enumerate(one.value.includes)]
        for name, one in roles.items()
    }
    yield from circles("role", "includes", roles, follows)
    owners = {tenant.name: tenant for tenant in declared.tenants}
    templates = {template.value.template for template in declared.templates}
    for tenant in declared.tenants:
        yield from _realm(declared, tenant, owners, templates)
        yield from _roles(declared, tenant, roles)
        yield from _groups(declared, tenant)
        yield from _attributes(declared, tenant)
    yield from _unique(declared)


def _realm(
    declared: Declared, one: DeclaredTenant, owners: Mapping[str, DeclaredTenant], templates: set[str]
) -> Iterator[Problem]:
    realm = one.tenant.value.realm
    if realm.template:
        yield from unknown(
            declared, "realm template", realm.template, templates, one.tenant, "realm", "template", folder="templates"
        )
    if realm.shared:
        where = ("realm", "shared")
        if realm.shared == one.name:
            yield one.tenant.problem("a tenant cannot share its own realm", *where, help="realm: {template: NAME}")
        elif realm.shared not in owners:
            yield from unknown(declared, "tenant", realm.shared, owners, one.tenant, *where, folder="tenants")
        elif owners[realm.shared].tenant.value.realm.shared:
            inner = owners[realm.shared].tenant
            note = f"It is itself in the realm of '{inner.value.realm.shared}' ({inner.origin('realm')})."
            yield one.tenant.problem(f"tenant '{realm.shared}' has no realm of its own", *where, note=note)


def _roles(declared: Declared, one: DeclaredTenant, roles: Roles) -> Iterator[Problem]:
    for group in one.groups():
        for position, name in enumerate(group.value.roles):
            yield from unknown(declared, "role", name, roles, group, "roles", position, folder="roles")
    for user in one.users:
        for position, name in enumerate(user.value.roles):
            yield from unknown(declared, "role", name, roles, user, "roles", position, folder="roles")


def _groups(declared: Declared, one: DeclaredTenant) -> Iterator[Problem]:
    groups = {group.value.group for group in one.groups()}
    for user in one.users:
        yield from check_period(user, user.value.start, user.value.until, declared.zone)
        for position, name in enumerate(user.value.groups):
            if name not in groups:
                what = f"group of {one.name}"
                yield from unknown(declared, what, name, groups, user, "groups", position, folder="tenants")


def _attributes(declared: Declared, one: DeclaredTenant) -> Iterator[Problem]:
    if not any(user.value.attributes for user in one.users):
        return
    template = template_of(declared, one)
    templates = index((entry.value.template, entry) for entry in declared.templates)
    if template not in templates or line_of(template, templates)[-1].value.extends not in (None, *templates):
        return
    known = baseline(template, templates).attributes
    for user in one.users:
        for name in user.value.attributes:
            if name not in known:
                note = f"Realm template '{template}' declares: {', '.join(known) or 'none'}."
                message = f"the realm does not know the attribute '{name}'"
                yield user.source.problem(message, user.key("attributes", name), note)


def template_of(declared: Declared, one: DeclaredTenant) -> str | None:
    """The template of the realm that the tenant's people are in; None where that is told as a mistake already."""
    owner = one.tenant.value.realm.shared or one.name
    found = next((other for other in declared.tenants if other.name == owner), None)
    return found.tenant.value.realm.template if found else None


def _unique(declared: Declared) -> Iterator[Problem]:
    """Usernames and e-mail addresses, over all tenants of a realm."""
    users: dict[str, list[Located[UserEntry]]] = {}
    for one in sorted(declared.tenants, key=lambda one: one.tenant.source.file):
        users.setdefault(one.tenant.value.realm.shared or one.name, []).extend(one.users)
    for realm, people in users.items():
        rule = f"It must be unique in realm '{realm}'."
        yield from twice(((user.value.username, user) for user in people), "username", "username", rule=rule)
        mails = ((user.value.email.lower(), user) for user in people if user.value.email)
        yield from twice(mails, "e-mail address", "email", rule=rule)
        yield from _renamed(people)


def _renamed(people: list[Located[UserEntry]]) -> Iterator[Problem]:
    """A former name is free only when nobody in the realm has it, and it goes to one person."""
    now = {one.value.username: one for one in people}
    taken: dict[str, Located[UserEntry]] = {}
    for one in people:
        former = one.value.previously
        if former is None:
            continue
        if former in now:
            note = f"It is declared in {now[former].origin('username')}." if now[former] is not one else None
            help = "a former name is free only when nobody has it; leave 'previously' out"
            yield one.problem(f"user '{former}' is still there", "previously", note=note, help=help)
        elif former in taken:
            note = f"The other one stands in {taken[former].origin('previously')}."
            yield one.problem(f"two users were '{former}' before", "previously", note=note, help="an account is one's")
        taken.setdefault(former, one)
