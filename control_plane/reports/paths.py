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


def ways(catalog: Catalog, user: User) -> tuple[Way, ...]:
    """Every role that the person holds, once for each group or direct assignment that leads to it.

    Of several chains of composites from one given role the shortest is told. Sorted by role, shorter ways first.
    """
    groups = {group.name: group for group in catalog.tenants[user.tenant].groups}
    given = [(role, None) for role in user.roles]
    found = {way for role, group in given for way in _below(catalog, role, group)}
    for name in user.groups:
        found.update(way for role in groups[name].roles for way in _below(catalog, role, name))
    return tuple(sorted(found, key=lambda way: (way.role, len(way.through), way.group or "", way.through)))


def _below(catalog: Catalog, given: str, group: str | None) -> Iterator[Way]:
    """The given role and everything that it includes, each by its shortest chain."""
    seen: dict[str, tuple[str, ...]] = {given: ()}
    todo = [given]
    for role in todo:
        for part in catalog.roles[role].includes:
            if part not in seen:
                seen[part] = (role, *seen[role])
                todo.append(part)
    for role, through in seen.items():
        yield Way(role, through, group)


def told(way: Way, catalog: Catalog, tenant: str) -> Word:
    """The way in words, read from the role back to who gave it."""
    groups = {group.name: group.title for group in catalog.tenants[tenant].groups}
    titles = [catalog.roles[role].title for role in (way.role, *way.through)]
    code = [way.role, *way.through, f"group:{way.group}" if way.group else "direct"]
    last_ja = f"グループ「{groups[way.group]}」" if way.group else "直接付与"
    last_en = f"group {way.group}" if way.group else "assigned directly"
    return Word(
        " < ".join(code),
        " ← ".join([*titles, last_ja]),
        " ← ".join([way.role, *way.through, last_en]),
    )
