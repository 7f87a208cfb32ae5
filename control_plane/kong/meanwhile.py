"""What callers meet in the seconds in which some nodes have taken a change up and others have not.

Routes and plugins are taken up apart, and the guard refuses what does not fit it. So where a path, a level or the way
to prove oneself changes, and where an API gets another name, calls that are right before and after may be refused in
between (docs/explanation/order.md).
"""

from __future__ import annotations

from control_plane.engine.plan import Change, Create, Update
from control_plane.engine.resource import State

TAKES = frozenset({"paths", "methods", "protocols"})  # of a route: which calls it takes
ASKS = frozenset({"settings", "levels", "calls"})  # of a guard: what it asks of every call; grants concern their holder


def of_route(change: Change, have: State) -> str | None:
    """The API version whose callers may be refused, by its service's name.

    A new one that takes a path of another one is that API or version under another name, or has its path from it: the
    rights under the old name go first.
    """
    match change:
        case Update():
            return change.key.within if change.changed & TAKES else None
        case Create(want):
            paths = want.fields.get("paths")
            others = (one for key, one in have.items() if key.kind == want.key.kind and key.within != want.key.within)
            return want.key.within if any(one.owned and one.fields.get("paths") == paths for one in others) else None
    return None


def of_plugin(change: Change, have: State) -> str | None:
    """The same for a guard."""
    if not isinstance(change, Update):
        return None
    asked = {one.path[2] for one in change.changes if one.path[:2] == ("config", "guard") and len(one.path) > 2}
    return change.key.within if asked & ASKS else None
