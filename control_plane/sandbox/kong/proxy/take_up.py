"""When the proxy works by a change. A real node does not do so at once, nor by all changes together (Kong 3.9):

    router          routes and services: rebuilt whole by a timer of each worker (worker_state_update_frequency)
    plugins         rebuilt whole too, but apart from the router: either may be the newer one
    all other rows  consumers, credentials, acl rows, upstreams, targets are cached each for itself, until the event of
                    its change is read (db_update_frequency)

So a route may answer before its plugins are there and after they have gone, and a key that was deleted goes on for a
while. The two that are rebuilt whole take up what was written in the order in which it was written. With a seed every
delay is drawn between nothing and `take_up` seconds; without one all are `take_up` seconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from control_plane.sandbox.kong.proxy.router import Row
from control_plane.sandbox.kong.proxy.snapshot import Compiler, Snapshot
from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.store import TABLES, Store

WHOLE = (("routes", "services"), ("plugins",))  # what is rebuilt together
ALONE = tuple(name for name in TABLES if not any(name in whole for whole in WHOLE))
Rows = Sequence[Row]


@dataclass(frozen=True, order=True)
class _Coming:
    """Rows that will be worked by from an instant on: whole collections, or one row (None: it is gone)."""

    due: float
    number: int
    whole: Mapping[str, Rows] = field(compare=False, default_factory=dict)
    row: tuple[str, str, Row | None] | None = field(compare=False, default=None)


class TakeUp:
    """The entities that the proxy works by at this moment."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._random = None if settings.take_up_seed is None else Random(settings.take_up_seed)  # noqa: S311
        self._compiler = Compiler()
        self._version = store.version
        self._noticed: dict[str, Rows] = {name: store.rows(name) for name in TABLES}
        self._in_force = dict(self._noticed)
        self._snapshot = self._compiler.snapshot(self._in_force)
        self._coming: list[_Coming] = []  # a heap
        self._latest: dict[object, float] = {}  # when the last change of a thing is due: none overtakes an earlier one
        self._number = 0

    def notice(self) -> None:
        """Look whether the store has changed."""
        version = self._store.version
        if version == self._version:
            return
        self._version = version
        before, self._noticed = self._noticed, {name: self._store.rows(name) for name in TABLES}
        if not self._settings.take_up:
            self._in_force = dict(self._noticed)
            self._snapshot = self._compiler.snapshot(self._in_force)
            return
        for whole in WHOLE:
            if any(before[name] is not self._noticed[name] for name in whole):
                self._expect(whole, {name: self._noticed[name] for name in whole}, None)
        for name in ALONE:
            for row_id, row in _changed(before[name], self._noticed[name]):
                self._expect((name, row_id), {}, (name, row_id, row))

    def current(self) -> Snapshot:
        """What is in force."""
        self.notice()
        now = self._settings.clock()
        if self._coming and self._coming[0].due <= now:
            alone: dict[str, dict[str, Row]] = {}
            while self._coming and self._coming[0].due <= now:
                coming = heapq.heappop(self._coming)
                self._in_force.update(coming.whole)
                if coming.row:
                    name, row_id, row = coming.row
                    rows = alone.setdefault(name, {one["id"]: one for one in self._in_force[name]})
                    rows.pop(row_id, None)
                    if row is not None:
                        rows[row_id] = row
            self._in_force.update({name: tuple(rows.values()) for name, rows in alone.items()})
            self._snapshot = self._compiler.snapshot(self._in_force)
        return self._snapshot

    def _expect(self, thing: object, whole: Mapping[str, Rows], row: tuple[str, str, Row | None] | None) -> None:
        longest = self._settings.take_up
        delay = self._random.uniform(0, longest) if self._random else longest
        due = max(self._settings.clock() + delay, self._latest.get(thing, 0.0))
        self._latest[thing] = due
        self._number += 1
        heapq.heappush(self._coming, _Coming(due, self._number, whole, row))


def _changed(before: Rows, after: Rows) -> list[tuple[str, Row | None]]:
    """Ids of the rows that differ, each with what it is now."""
    if before is after:
        return []
    old, new = {row["id"]: row for row in before}, {row["id"]: row for row in after}
    return [
        *((row_id, row) for row_id, row in new.items() if old.get(row_id) is not row),
        *((row_id, None) for row_id in old if row_id not in new),
    ]
