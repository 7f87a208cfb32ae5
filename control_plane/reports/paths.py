"""By which way a person comes to a role: given directly, through a group, as part of another role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.catalog.model import Catalog, User
from control_plane.reports.report import Word


@dataclass(frozen=True)
class Way:
    """A role, the roles that include it up to the one that was given, and the group that gave that one."""

    role: str
    through: tuple[str, ...] = ()  # from the nearest to the one that was given
    group: str | None = None  # None: given directly
    tenant: str | None = None  # whose group it is, where it is not the person's own


def ways(catalog: Catalog, user: User) -> tuple[Way, ...]:
    """Every role that the person holds, once for each group or direct assignment that leads to it.

    Of several chains of composites from one given role the shortest is told. Sorted by role, shorter ways first.
    """
    found = {way for role in user.roles for way in _below(catalog, role)}
    for group in catalog.groups_of(user):
        other = group.tenant if group.tenant != user.tenant else None
        found.update(way for role in group.roles for way in _below(catalog, role, group.name, other))
    return tuple(sorted(found, key=_order))


def _order(way: Way) -> tuple[str, int, str, str, tuple[str, ...]]:
    return way.role, len(way.through), way.group or "", way.tenant or "", way.through


def _below(catalog: Catalog, given: str, group: str | None = None, tenant: str | None = None) -> Iterator[Way]:
    """The given role and everything that it includes, each by its shortest chain."""
    seen: dict[str, tuple[str, ...]] = {given: ()}
    todo = [given]
    for role in todo:
        for part in catalog.roles[role].includes:
            if part not in seen:
                seen[part] = (role, *seen[role])
                todo.append(part)
    for role, through in seen.items():
        yield Way(role, through, group, tenant)


def told(way: Way, catalog: Catalog, tenant: str) -> Word:
    """The way in words, read from the role back to who gave it."""
    other = catalog.tenants[way.tenant].title if way.tenant else ""
    groups = {group.name: group.title for group in catalog.tenants[way.tenant or tenant].groups}
    titles = [catalog.roles[role].title for role in (way.role, *way.through)]
    place = f"{way.tenant}/" if way.tenant else ""
    code = [way.role, *way.through, f"group:{place}{way.group}" if way.group else "direct"]
    last_ja = f"{other}グループ「{groups[way.group]}」" if way.group else "直接付与"
    last_en = f"group {place}{way.group}" if way.group else "assigned directly"
    return Word(
        " < ".join(code),
        " ← ".join([*titles, last_ja]),
        " ← ".join([way.role, *way.through, last_en]),
    )
