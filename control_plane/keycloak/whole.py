"""A collection that is read whole, or not at all: as many as the server itself counts, before and after.

A list comes in pages, and what is made or removed meanwhile moves all that follows: one would be missed, and nobody
would know. Each page therefore begins with the last entry of the one before (`Session.pages`), and the counts show what
the pages cannot: an account that may not see everybody gets a short list and the true count. What has changed is read
again, a few times; then it is an error that says so, and never a part that passes for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from control_plane.keycloak.answers import Moved
from control_plane.keycloak.session import READS
from control_plane.problems import Problem, ServerError

T = TypeVar("T")


def counted(realm: str, things: str, read: Callable[[], Iterable[T]], count: Callable[[], int]) -> list[T]:
    """All of them. Raises ServerError when they never stand still, or are fewer than the server counts."""
    still = False  # whether the last reading was of something that did not change
    before = after = number = 0
    for _ in range(READS):
        before = count()
        try:
            found = list(read())
        except Moved:
            still = False
            continue
        after, number = count(), len(found)
        still = before == after
        if still and number == after:
            return found
    if not still:
        raise ServerError(
            Problem(
                f"the {things} of realm {realm} changed each of the {READS} times that they were read",
                note="a part of them would pass for the whole",
                help="somebody or something makes or removes them right now: run it again when that has ended",
            )
        )
    raise ServerError(
        Problem(
            f"realm {realm} has {after} {things} by Keycloak's own count, but lists {number}",
            help="our account may not see all of them: `renkei doctor` names the roles that it lacks",
        )
    )
