"""Which found object is which wanted one, where the address alone does not say so: it was renamed, or is to be adopted.

renamed    ours, under the name that it had before
adopted    without our mark, and to become ours: at our address, or under another name and yet the same
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from control_plane.engine.resource import Key, Resource, State

if TYPE_CHECKING:
    from control_plane.engine.kind import Kind


@dataclass(frozen=True)
class Matched:
    have: State  # all that is there, without properties of strangers' objects
    ours: State  # what may be changed or removed: ours, and what is adopted, each at the address that is wanted
    moved: Mapping[Key, Resource]  # the wanted address and the same object at its old one
    former: frozenset[Key]  # of ours, under a former name: its rights go when they have been taken over
    adopted: frozenset[Key]  # addresses of strangers that become ours


def match(kinds: Mapping[str, Kind[Any]], want: State, have: State, *, adopt: bool) -> Matched:
    """Pure; what is wanted and nowhere there is in none of the parts."""
    adopted = _adopted(kinds, want, have) if adopt else {}
    seen = {key: found for key, found in have.items() if _counts(kinds[key.kind], found, key in adopted)}
    owned = {key: found for key, found in seen.items() if found.owned}
    renamed = {
        one.previously: key
        for key, one in want.items()
        if one.previously and one.previously in owned and one.previously not in want
    }
    here, moved = dict[Key, Resource](), dict[Key, Resource]()
    for key, found in ((key, owned[old]) for old, key in renamed.items() if key not in seen):
        if kinds[key.kind].moves:
            moved[key] = found
    for key, found in adopted.items():
        (moved if found.key != key and kinds[key.kind].moves else here)[key] = found
    same_object = {found.key for found in moved.values()}
    return Matched(
        have=seen,
        ours={**{key: found for key, found in owned.items() if key not in same_object}, **here},
        moved=moved,
        former=frozenset(renamed),
        adopted=frozenset(found.key for found in adopted.values()),
    )


def _counts(kind: Kind[Any], found: Resource, adopted: bool) -> bool:
    """A property of a stranger's object is told of only where it opens something."""
    return found.owned or adopted or not kind.aspect or bool(found.danger)


def _adopted(kinds: Mapping[str, Kind[Any]], want: State, have: State) -> dict[Key, Resource]:
    """What is there without our mark and is to become ours, by the address that we want it at."""
    free = {key for key in want if key in have and not have[key].owned and have[key].adoptable}
    found = {key: have[key] for key in free if kinds[key.kind].adoptable}
    others: dict[str, list[Resource]] = {}
    for resource in have.values():
        if not resource.owned and resource.key not in want:
            others.setdefault(resource.key.kind, []).append(resource)
    for key, wanted in want.items():
        same = kinds[key.kind].same
        fitting = (one for one in others.get(key.kind, ()) if same and same(wanted, one))
        if key not in have and (one := next(fitting, None)):
            found[key] = one
    return found
