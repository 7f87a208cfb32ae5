"""Directories: each once in a realm, and its people in a group that is there."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.references import twice, unknown
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.problems import Problem


def check(declared: Declared) -> Iterator[Problem]:
    realms: dict[str, list[DeclaredTenant]] = {}
    for tenant in sorted(declared.tenants, key=lambda one: one.tenant.source.file):
        realms.setdefault(tenant.tenant.value.realm.shared or tenant.name, []).append(tenant)
    for realm, tenants in realms.items():
        entries = ((one.value.directory, one) for tenant in tenants for one in tenant.directories())
        yield from twice(entries, "directory", "directory", rule=f"It must be unique in realm '{realm}'.")
    for tenant in declared.tenants:
        groups = {one.value.group for one in tenant.groups()}
        for one in tenant.directories():
            if one.value.group is not None:
                what = f"group of {tenant.name}"
                yield from unknown(declared, what, one.value.group, groups, one, "group", folder="tenants")
