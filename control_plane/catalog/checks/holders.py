"""Who holds a role that only so many may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from control_plane.catalog.checks.references import index
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.catalog.documents.roles import RoleEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import Period
from control_plane.catalog.periods import period
from control_plane.problems import Problem

Roles = Mapping[str, Located[RoleEntry]]
Holder = tuple[tuple[str, str], Period]  # realm and username: a guest is the same person at home


def check(declared: Declared) -> Iterator[Problem]:
    roles = index((one.value.role, one) for one in declared.roles)
    for name, role in roles.items():
        most = role.value.max_holders
        if most is None:
            continue
        holders = list(_holders(declared, _giving(name, roles)))
        at_once = _most_at_once(holders, declared.as_of)
        if len(at_once) > most:
            shown = ", ".join(at_once[:10]) + (f" and {len(at_once) - 10} more" if len(at_once) > 10 else "")
            message = f"role '{name}' has {len(at_once)} holders at the same time, at most {most} may"
            yield role.problem(message, "max_holders", note=f"They are {shown}.")


def _giving(name: str, roles: Roles) -> frozenset[str]:
    """The role, and every role that includes it."""
    found = {name}
    while True:
        more = {role for role, one in roles.items() if found.intersection(one.value.includes)} - found
        if not more:
            return frozenset(found)
        found |= more


def _holders(declared: Declared, giving: frozenset[str]) -> Iterator[Holder]:
    for one in declared.tenants:
        yield from _in_tenant(declared, one, giving)


def _in_tenant(declared: Declared, one: DeclaredTenant, giving: frozenset[str]) -> Iterator[Holder]:
    realm = one.tenant.value.realm.shared or one.name
    groups = {group.value.group for group in one.groups() if giving.intersection(group.value.roles)}
    for user in one.users:
        if giving.intersection(user.value.roles) or groups.intersection(user.value.groups):
            yield (realm, user.value.username), period(user.value.start, user.value.until, declared.zone)
    for guest in one.guests():
        if groups.intersection(guest.value.groups):
            yield (realm, guest.value.username), period(guest.value.start, guest.value.until, declared.zone)


def _most_at_once(holders: list[Holder], now: datetime) -> list[str]:
    """The largest set that holds the role at one instant from now on: a successor may come when another goes."""
    begins = {now, *(held.start for _, held in holders if held.start and held.start > now)}
    at_once = [sorted({who for who, held in holders if held.holds(at)}) for at in sorted(begins)]
    return [name for _, name in max(at_once, key=len)]
