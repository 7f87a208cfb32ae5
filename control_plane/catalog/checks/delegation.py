"""Who administers a tenant's people, who may look at them, and which roles are given that way.

What administrators give out, they give without Git: so no role that is counted, none that makes administrators, and no
leaving out of the second factor, which Keycloak lets everybody do who may write an account.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from control_plane.catalog.checks.people import template_of
from control_plane.catalog.checks.references import index, unknown
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.catalog.documents.roles import RoleEntry
from control_plane.catalog.documents.tenants import AdministratorsEntry, AuditorsEntry, UserEntry
from control_plane.catalog.located import Located
from control_plane.catalog.templates import baseline, line_of
from control_plane.problems import Problem

Roles: TypeAlias = Mapping[str, Located[RoleEntry]]
WORDS = ("administrators", "auditors")


def check(declared: Declared) -> Iterator[Problem]:
    roles = index((one.value.role, one) for one in declared.roles)
    for tenant in declared.tenants:
        for word, named in _named(tenant):
            yield from _people(declared, tenant, roles, word, named)
        if administrators := tenant.tenant.value.administrators:
            yield from _groups(declared, tenant, roles, administrators)
            yield from _exemptions(declared, tenant)


def _named(one: DeclaredTenant) -> Iterator[tuple[str, AdministratorsEntry | AuditorsEntry]]:
    for word in WORDS:
        if named := getattr(one.tenant.value, word):
            yield word, named


def _people(
    declared: Declared, one: DeclaredTenant, roles: Roles, word: str, named: AdministratorsEntry | AuditorsEntry
) -> Iterator[Problem]:
    known = {user.value.username for user in one.users}
    for position, name in enumerate(named.users or ()):
        where = (word, "users", position)
        yield from unknown(declared, f"person of {one.name}", name, known, one.tenant, *where, folder="tenants")
    if named.role is None:
        return
    if named.role not in roles:
        yield from unknown(declared, "role", named.role, roles, one.tenant, word, "role", folder="roles")
    elif not any(named.role in _held(one, user, roles) for user in one.users):
        message = f"nobody of {one.name} has the role '{named.role}'"
        help = f"give it to somebody, or leave '{word}' out"
        yield one.tenant.problem(message, word, "role", help=help)


def _held(one: DeclaredTenant, user: Located[UserEntry], roles: Roles) -> frozenset[str]:
    groups = (group.value.roles for group in one.groups() if group.value.group in user.value.groups)
    return _with_included([*user.value.roles, *(role for given in groups for role in given)], roles)


def _with_included(names: Iterable[str], roles: Roles) -> frozenset[str]:
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in roles and name not in found:
            found.add(name)
            todo.extend(roles[name].value.includes)
    return frozenset(found)


def _groups(declared: Declared, one: DeclaredTenant, roles: Roles, named: AdministratorsEntry) -> Iterator[Problem]:
    groups = index((group.value.group, group) for group in one.groups())
    makes = {found.role: word for word, found in _named(one) if found.role}
    for position, name in enumerate(named.groups):
        where = ("administrators", "groups", position)
        if name not in groups:
            yield from unknown(declared, f"group of {one.name}", name, groups, one.tenant, *where, folder="tenants")
            continue
        note = f"The group's roles stand at {groups[name].origin()}."
        for role in sorted(_with_included(groups[name].value.roles, roles)):
            if role in makes:
                message = f"whoever fills group '{name}' gives the role '{role}', by which '{makes[role]}' are named"
                yield one.tenant.problem(message, *where, note=note, help="leave the group out")
            elif (most := roles[role].value.max_holders) is not None:
                message = f"whoever fills group '{name}' gives the role '{role}', which only {most} may have"
                yield one.tenant.problem(message, *where, note=note, help="leave the group out")


def _exemptions(declared: Declared, one: DeclaredTenant) -> Iterator[Problem]:
    templates = index((entry.value.template, entry) for entry in declared.templates)
    name = template_of(declared, one)
    if name not in templates or line_of(name, templates)[-1].value.extends not in (None, *templates):
        return
    if baseline(name, templates).exemptions:
        message = "administrators could leave anybody out of the second factor"
        note = f"Realm template '{name}' allows exemptions, and Keycloak lets whoever writes an account give one."
        help = "a template without `exemptions` for this realm, or no administrators"
        yield one.tenant.problem(message, "administrators", note=note, help=help)
