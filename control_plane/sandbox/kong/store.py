"""The entities of the stand-in, in memory, with the indexes that Kong's database has.

Rows are plain dicts exactly as the Admin API shows them (every field, foreign keys as `{"id": …}`). A row is never
changed in place: a write replaces it, so whoever holds one may keep it. `ttl` is stored as it was given; what is left
of it is for the Admin API to say.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from control_plane.sandbox.kong.health import Health

Row = Mapping[str, Any]
Key = tuple[str, ...]  # an index: the names of its fields


@dataclass(frozen=True)
class Reference:
    """A foreign key: the collection it points to, and whether the row goes with what it points to."""

    collection: str
    cascade: bool = False


@dataclass(frozen=True)
class Table:
    """What the store must know of a collection; all else is in its schema."""

    name: str
    unique: tuple[str, ...] = ()  # fields whose value, if not null, may occur once
    together: Key = ()  # fields whose values together may occur once, null included
    foreign: Mapping[str, Reference] = field(default_factory=dict)
    ttl: bool = False


_CASCADE_CONSUMER = {"consumer": Reference("consumers", cascade=True)}
_SCOPE = {name: Reference(name + "s", cascade=True) for name in ("route", "service", "consumer")}
_CERTIFICATE = {"client_certificate": Reference("certificates")}

TABLES = {
    table.name: table
    for table in (
        Table("services", unique=("name",), foreign=_CERTIFICATE),
        Table("routes", unique=("name",), foreign={"service": Reference("services")}),
        Table("plugins", unique=("instance_name",), together=("name", "route", "service", "consumer"), foreign=_SCOPE),
        Table("consumers", unique=("username", "custom_id")),
        Table("acls", together=("consumer", "group"), foreign=_CASCADE_CONSUMER),
        Table("keyauth_credentials", unique=("key",), foreign=_CASCADE_CONSUMER, ttl=True),
        Table("jwt_secrets", unique=("key",), foreign=_CASCADE_CONSUMER),
        Table("upstreams", unique=("name",), foreign=_CERTIFICATE),
        Table("targets", together=("target", "upstream"), foreign={"upstream": Reference("upstreams", cascade=True)}),
        Table("certificates"),
        Table("ca_certificates", unique=("cert_digest",)),
        Table("snis", unique=("name",), foreign={"certificate": Reference("certificates")}),
    )
}


def plain(value: object) -> str | None:
    """A field's value as an index holds it: a foreign key by its id."""
    if isinstance(value, Mapping):
        return str(value["id"])
    return None if value is None else str(value)


class _Rows:
    """One collection: rows by id, ids in order, and every index."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.by_id: dict[str, Row] = {}
        self.order: list[str] = []
        self.unique: dict[str, dict[str, str]] = {name: {} for name in table.unique}
        self.together: dict[tuple[str | None, ...], str] = {}
        self.foreign: dict[str, dict[str, list[str]]] = {name: {} for name in table.foreign}
        self.tags: dict[str, set[str]] = {}

    def scope(self, row: Row) -> tuple[str | None, ...]:
        return tuple(plain(row.get(name)) for name in self.table.together)

    def add(self, row: Row) -> None:
        row_id = row["id"]
        self.by_id[row_id] = row
        insort(self.order, row_id)
        for name, index in self.unique.items():
            if row.get(name) is not None:
                index[row[name]] = row_id
        if self.table.together:
            self.together[self.scope(row)] = row_id
        for name, referring in self.foreign.items():
            if row.get(name) is not None:
                insort(referring.setdefault(row[name]["id"], []), row_id)
        for tag in row.get("tags") or ():
            self.tags.setdefault(tag, set()).add(row_id)

    def remove(self, row_id: str) -> None:
        row = self.by_id.pop(row_id)
        del self.order[bisect_right(self.order, row_id) - 1]
        for name, index in self.unique.items():
            if row.get(name) is not None:
                index.pop(row[name], None)
        if self.table.together:
            self.together.pop(self.scope(row), None)
        for name, referring in self.foreign.items():
            if row.get(name) is not None:
                ids = referring[row[name]["id"]]
                del ids[bisect_right(ids, row_id) - 1]
                if not ids:
                    del referring[row[name]["id"]]
        for tag in row.get("tags") or ():
            self.tags[tag].discard(row_id)
            if not self.tags[tag]:
                del self.tags[tag]


class Store:
    """All collections. One thread (the event loop) reads and writes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._version = 0
        self._collections = {name: _Rows(table) for name, table in TABLES.items()}
        self._expiry: list[tuple[float, str, str]] = []  # a heap: when, collection, id
        self._views: dict[str, tuple[Row, ...]] = {}
        self.health = Health()

    @property
    def version(self) -> int:
        """Grows with each change, also when a credential's time is over."""
        self._expire()
        return self._version

    def rows(self, collection: str) -> tuple[Row, ...]:
        """All rows of a collection in the order of their ids, without those whose time is over."""
        self._expire()
        view = self._views.get(collection)
        if view is None:
            held = self._collections[collection]
            view = self._views[collection] = tuple(held.by_id[i] for i in held.order)
        return view

    def get(self, collection: str, row_id: str) -> Row | None:
        """The row with this id."""
        self._expire()
        return self._collections[collection].by_id.get(row_id)

    def find(self, collection: str, name: str, value: str) -> Row | None:
        """The row whose unique field `name` has this value."""
        self._expire()
        held = self._collections[collection]
        row_id = held.unique[name].get(value)
        return None if row_id is None else held.by_id[row_id]

    def alike(self, collection: str, row: Row) -> Row | None:
        """The row that has the same values in the fields that must be unique together."""
        self._expire()
        held = self._collections[collection]
        row_id = held.together.get(held.scope(row)) if held.table.together else None
        return None if row_id is None else held.by_id[row_id]

    def referring(self, collection: str, name: str, to: str) -> tuple[Row, ...]:
        """The rows whose foreign key `name` is the id `to`, in the order of their ids."""
        self._expire()
        held = self._collections[collection]
        return tuple(held.by_id[i] for i in held.foreign[name].get(to, ()))

    def ids(self, collection: str, name: str | None = None, to: str | None = None) -> list[str]:
        """The ids of a collection, or of the rows that refer to `to`, in order. Not to be changed."""
        self._expire()
        held = self._collections[collection]
        return held.order if name is None else held.foreign[name].get(to or "", [])

    def tagged(self, collection: str, tag: str) -> set[str]:
        """The ids of the rows that have this tag. Not to be changed."""
        self._expire()
        return self._collections[collection].tags.get(tag, set())

    def tags(self) -> Iterator[tuple[str, str, str]]:
        """Every (tag, collection, id)."""
        self._expire()
        for name, held in self._collections.items():
            for tag, ids in held.tags.items():
                yield from ((tag, name, row_id) for row_id in ids)

    def put(self, collection: str, row: Row) -> None:
        """Add the row, or replace the one with its id. That it conflicts with no other is for the caller to know."""
        held = self._collections[collection]
        if row["id"] in held.by_id:
            held.remove(row["id"])
        held.add(row)
        if row.get("ttl"):
            heapq.heappush(self._expiry, (row["created_at"] + row["ttl"], collection, row["id"]))
        self._changed(collection)

    def delete(self, collection: str, row_id: str) -> None:
        """Remove the row and, with it, all that cascades."""
        for other, name in referring_to(collection, cascade=True):
            for row in self.referring(other, name, row_id):
                self.delete(other, row["id"])
        held = self._collections[collection]
        if row_id in held.by_id:
            held.remove(row_id)
            self._changed(collection)

    def load(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Put many rows, as they were saved."""
        for collection, row in rows:
            self.put(collection, row)

    def _changed(self, collection: str) -> None:
        self._version += 1
        self._views.pop(collection, None)

    def _expire(self) -> None:
        """Drop the rows whose time is over; a row that was written anew since it was noted has another time."""
        now = self._clock()
        while self._expiry and self._expiry[0][0] <= now:
            when, collection, row_id = heapq.heappop(self._expiry)
            row = self._collections[collection].by_id.get(row_id)
            if row is not None and row.get("ttl") and row["created_at"] + row["ttl"] == when:
                self._collections[collection].remove(row_id)
                self._changed(collection)


def referring_to(collection: str, *, cascade: bool) -> list[tuple[str, str]]:
    """The (collection, field) pairs whose foreign key points to `collection`."""
    return [
        (table.name, name)
        for table in TABLES.values()
        for name, reference in table.foreign.items()
        if reference.collection == collection and reference.cascade is cascade
    ]
