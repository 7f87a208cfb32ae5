"""From two states to the changes between them. Pure: the same states always give the same plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from control_plane.engine.identity import match
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields, RealmKey, Secret, Unseen, Value

if TYPE_CHECKING:
    from control_plane.engine.kind import Kind


@dataclass(frozen=True)
class FieldChange:
    """One field that differs; `path` leads into mappings, before is None where the field is absent."""

    path: tuple[str, ...]
    before: Value
    after: Value


@dataclass(frozen=True)
class Create:
    want: Resource

    @property
    def key(self) -> Key:
        return self.want.key


@dataclass(frozen=True)
class Update:
    have: Resource
    want: Resource
    changes: tuple[FieldChange, ...]
    moves: str | None = None  # it gets another name and stays the same object; what that means for callers

    @property
    def key(self) -> Key:
        return self.want.key

    @property
    def changed(self) -> frozenset[str]:
        """The names of the top-level fields that differ."""
        return frozenset(change.path[0] for change in self.changes)


@dataclass(frozen=True)
class Delete:
    have: Resource

    @property
    def key(self) -> Key:
        return self.have.key


FLAT = frozenset({str, int, bool, type(None), frozenset, tuple, Secret, RealmKey})  # values without names inside

Change: TypeAlias = Create | Update | Delete
C = TypeVar("C", Create | Update, Delete)


@dataclass(frozen=True)
class Wave:
    """Changes that may be made side by side."""

    changes: tuple[Change, ...]
    settle: bool = False  # the servers must have taken the earlier waves up first
    prove: bool = False  # rights go: nothing is given before they are gone


@dataclass(frozen=True)
class Plan:
    waves: tuple[Wave, ...] = ()
    unchanged: int = 0
    unmanaged: tuple[Resource, ...] = ()  # there, without our mark, not asked for: reported and never touched
    conflicts: tuple[tuple[Resource, Resource], ...] = ()  # (want, have): asked for, and there without our mark
    unproven: tuple[tuple[Resource, str], ...] = ()  # (want, field): a secret that the server never shows, and that
    # nothing new is to be written to: neither as wanted nor changed
    meanwhile: tuple[str, ...] = ()  # whose callers may be refused while it is taken up
    costs: Mapping[Key, str] = field(default_factory=dict)  # what is lost by making a change
    dangers: Mapping[Key, str] = field(default_factory=dict)  # what widens access to something of ours, and how

    def __iter__(self) -> Iterator[Change]:
        """Every change in the order of the waves."""
        for wave in self.waves:
            yield from wave.changes

    def __bool__(self) -> bool:
        return bool(self.waves)

    @property
    def attached(self) -> tuple[Resource, ...]:
        """Unmanaged objects that hang on ours: a key of our consumer that nobody declared."""
        return tuple(found for found in self.unmanaged if found.attached)


def make_plan(
    kinds: Sequence[Kind[Any]],
    want: State,
    have: State,
    *,
    adopt: bool = False,
    discard: frozenset[Key] = frozenset(),
) -> Plan:
    """Revocations, then creates and updates in the order of the kinds' needs, then deletes in the opposite order.

    What was renamed changes hands in between, when everything under the new name is there and taken up, and its rights
    under the old name go only after that: so there is no moment in which neither name holds.
    An object that is wanted and there without our mark is a conflict and not a change, unless it is to be adopted.
    `discard` are objects that nobody asks for any more and that go, although their kind would leave them there.
    """
    by_name = {kind.name: kind for kind in kinds}
    found = match(by_name, want, have, adopt=adopt)
    have, ours = found.have, found.ours
    moved = [
        Update(old, want[key], tuple(differences(want[key].fields, old.fields)), by_name[key.kind].moves)
        for key, old in found.moved.items()
    ]
    want = {**want, **_left(by_name, want, ours, discard)}
    conflicts = tuple((want[key], have[key]) for key in want if key in have and key not in ours)
    made = want.keys() - found.moved.keys() - {wanted.key for wanted, _ in conflicts}
    written = _sorted(change for key in made if (change := _change(by_name[key.kind], want[key], ours.get(key))))
    gone = _sorted(Delete(found) for key, found in ours.items() if key not in want and by_name[key.kind].delete)
    rights = [change for change in gone if by_name[change.key.kind].revokes]
    others = [change for change in gone if not by_name[change.key.kind].revokes]
    order = waves(kinds)
    unmanaged = tuple(
        have[key]
        for key in sorted(
            key for key, one in have.items() if not one.owned and key not in want and key not in found.adopted
        )
    )
    return Plan(
        waves=tuple(
            wave
            for wave in (
                Wave(tuple(change for change in rights if change.key not in found.former), prove=True),
                *(_wave(written, names, any(by_name[n].settle_before_write for n in names)) for names in order),
                Wave(tuple(moved), settle=True),
                Wave(tuple(change for change in rights if change.key in found.former), settle=True),
                *(
                    _wave(others, names, any(by_name[n].settle_before_delete for n in names))
                    for names in reversed(order)
                ),
            )
            if wave.changes
        ),
        unchanged=len(want) - len(written) - len(moved) - len(conflicts),
        unmanaged=unmanaged,
        conflicts=conflicts,
        unproven=tuple(_unproven(by_name, want, ours)),
        meanwhile=_meanwhile(by_name, written, have),
        costs=_costs(by_name, (*written, *moved, *gone), have),
        dangers={
            **dict(_dangers(by_name, (*written, *moved, *gone), have)),
            **dict(_strange(unmanaged, conflicts)),
        },
    )


def _meanwhile(kinds: Mapping[str, Kind[Any]], changes: Iterable[Change], have: State) -> tuple[str, ...]:
    asked = ((kinds[change.key.kind].meanwhile, change) for change in changes)
    return tuple(sorted({who for judge, change in asked if judge and (who := judge(change, have))}))


def _costs(kinds: Mapping[str, Kind[Any]], changes: Iterable[Change], have: State) -> dict[Key, str]:
    asked = ((kinds[change.key.kind].costs, change) for change in changes)
    return {change.key: what for judge, change in asked if judge and (what := judge(change, have))}


def _dangers(kinds: Mapping[str, Kind[Any]], changes: Iterable[Change], have: State) -> Iterator[tuple[Key, str]]:
    """The changes that give access back to what Git says, each with what is wrong until then."""
    for change in changes:
        judge = kinds[change.key.kind].danger
        why = judge(change, have) if judge else None
        if why:
            yield change.key, why


def _unproven(kinds: Mapping[str, Kind[Any]], want: State, ours: State) -> Iterator[tuple[Resource, str]]:
    """The secrets of which only this can be said: that the store has the one which was written last."""
    masking = {name: kind.masked for name, kind in kinds.items() if kind.masked}
    for key in sorted(key for key in want if key.kind in masking and key in ours):
        for name in masking[key.kind]:
            found = ours[key].fields.get(name)
            if isinstance(found, Unseen) and same(want[key].fields.get(name), found):
                yield want[key], name


def _strange(
    unmanaged: Iterable[Resource], conflicts: Iterable[tuple[Resource, Resource]]
) -> Iterator[tuple[Key, str]]:
    for found in unmanaged:
        if found.danger:
            yield found.key, found.danger
    for want, _ in conflicts:
        yield want.key, "it stands where ours should, and without our mark apply does not mend it"


def _left(kinds: Mapping[str, Kind[Any]], want: State, have: State, discard: frozenset[Key]) -> dict[Key, Resource]:
    """What owned objects become that nobody asks for any more and that are not deleted."""
    found = {}
    for key, resource in have.items():
        leaves = kinds[key.kind].leaves
        if leaves and resource.owned and key not in want and key not in discard:
            found[key] = leaves(resource) or Resource(key)
    return found


def _sorted(changes: Iterable[C]) -> list[C]:
    """In the order of their addresses: what does not change, nearly everything, is never sorted."""
    return sorted(changes, key=lambda change: change.key)


def _wave(changes: Iterable[Change], names: set[str], settle: bool) -> Wave:
    return Wave(tuple(change for change in changes if change.key.kind in names), settle)


def _change(kind: Kind[Any], want: Resource, have: Resource | None) -> Create | Update | None:
    """The difference; of what is adopted also that it becomes ours, which no other field may tell."""
    if have is None or have.owned or not kind.mark:
        return difference(want, have)
    becomes = FieldChange((kind.mark,), False, True)
    return Update(have, want, (becomes, *differences(want.fields, have.fields)))


def difference(want: Resource, have: Resource | None) -> Create | Update | None:
    """The change that turns `have` into `want`; None when there is nothing to do."""
    if have is None:
        return Create(want)
    if _alike(want.fields, have.fields):
        return None
    changes = tuple(differences(want.fields, have.fields))
    return Update(have, want, changes) if changes else None


def _alike(want: Fields, have: Fields) -> bool:
    """Whether all fields are flat and the same: of most objects nothing more is asked."""
    for name, value in want.items():
        found = have.get(name)
        if value is not found and (type(value) not in FLAT or not same(value, found)):
            return False
    return True


def differences(want: Fields, have: Fields, path: tuple[str, ...] = ()) -> Iterator[FieldChange]:
    """Yield the differences in the fields that `want` declares; all others are not ours."""
    for name, value in want.items():
        found = have.get(name)
        if isinstance(value, Mapping) and isinstance(found, Mapping):
            yield from differences(value, found, (*path, name))
        elif not same(value, found):
            yield FieldChange((*path, name), found, value)


def same(value: Value, found: Value) -> bool:
    """Equal, and of one type where Python takes True for 1; or a secret that is not shown, and nothing new to write."""
    if value == found:
        return isinstance(value, bool) == isinstance(found, bool)
    return isinstance(found, Unseen) and isinstance(value, Secret) and value.version == found.version is not None


def waves(kinds: Iterable[Kind[Any]]) -> list[set[str]]:
    """Kinds that may be written side by side, in the order in which they need each other."""
    sorter = TopologicalSorter({kind.name: kind.after for kind in kinds})
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorter.get_ready()
        found.append(set(ready))
        sorter.done(*ready)
    return found
