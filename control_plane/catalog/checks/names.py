"""Ids that stand twice, and ids that nobody may take."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.references import twice
from control_plane.catalog.declared import Declared
from control_plane.problems import Problem

RESERVED = frozenset({"master"})  # Keycloak's own realm


def check(declared: Declared) -> Iterator[Problem]:
    yield from twice(((one.name, one.tenant) for one in declared.tenants), "tenant", "tenant")
    yield from twice(((one.value.api, one) for one in declared.apis), "API", "api")
    yield from twice(((one.value.role, one) for one in declared.roles), "role", "role")
    yield from twice(((one.value.scope, one) for one in declared.scopes), "data scope", "scope")
    yield from twice(((one.value.template, one) for one in declared.templates), "realm template", "template")
    yield from twice(((one.value.plan, one) for one in declared.plans), "API plan", "plan")
    for one in declared.tenants:
        yield from twice(((group.value.group, group) for group in one.groups()), "group", "group")
        yield from twice(((service.value.service, service) for service in one.services()), "service", "service")
        if one.name in RESERVED:
            note = "A tenant's id is the name of its realm, and this realm is Keycloak's own."
            yield one.tenant.problem(f"the tenant's id '{one.name}' is reserved", "tenant", note=note)
