"""The index of secrets: one document with a keyed digest of every secret that we keep for a server.

A plan compares digests, so it reads this document and no secret. Why it is so, and what it cannot see: ADR 0002.

    index           hmac_key, and for each reference `path#field` a digest
    services/…      the secrets themselves, each read only inside the write that needs it
    people/…        first passwords, good for one login
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from control_plane.engine.values import Secret, Shape
from control_plane.problems import ConfigurationError, Problem, ServerError
from control_plane.secrets.making import BYTES, made
from control_plane.secrets.store import Document, Store, missing, split

T = TypeVar("T")
R = TypeVar("R")

INDEX = "index"
KEY = "hmac_key"  # a digest's field is a reference and has a '#', so the two never meet
OURS = ("services/", "people/")  # below them secrets are made when they are absent; elsewhere an operator puts them
DIGITS = 16  # hexadecimal, of a digest: two values agree by chance once in 2^64


@dataclass(frozen=True)
class Discrepancy:
    """A secret whose value is not the one that the index knows."""

    ref: str
    how: Literal["changed", "missing", "not recorded"]


class Book:
    """What is known of the secrets without reading them. Opening it reads the index, and only that.

    Any number of threads may use it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        found = store.read(INDEX) or {}
        self._fresh = KEY not in found  # nothing is written before `ensure`: until then the key is only ours
        self._key = found.get(KEY) or secrets.token_hex(BYTES)
        self._digests = {} if self._fresh else _digests(found)

    def __repr__(self) -> str:
        return f"Book({self._store.where!r}, {len(self._digests)} secrets)"

    def versions(self, ref: str) -> str | None:
        """The digest of the secret's value; None while it has not been made or recorded."""
        return self._digests.get(ref)

    def seal(self, value: str) -> Secret:
        """A value found on a server as what may be kept of it: HMAC-SHA-256, shortened, with the index's key."""
        return Secret("", self._digest(value))

    def ensure(
        self,
        refs: Iterable[str],
        previously: Mapping[str, str] | None = None,
        shapes: Mapping[str, Shape] | None = None,
        parallel: int = 10,
    ) -> None:
        """Make the secrets that are absent, and record all of them in the index with one write.

        A value that stands in the store already is taken: put there by an operator, or made by a run that was killed
        before it could record it. One whose former reference is in `previously` is copied from there, and stays
        there too; one of `shapes` is made for a person to type.
        Called before the first write to a server. Raises ConfigurationError, before anything is made, for
        one that is absent and not ours to make.
        """
        wanted = sorted({ref for ref in refs if self.versions(ref) is None})
        if not wanted:
            return
        self._adopt_key()
        fields: dict[str, list[str]] = {}
        for ref in wanted:
            path, field = split(ref)
            if path == INDEX:
                raise ConfigurationError(Problem(f"'{ref}' is the index of secrets and none itself"))
            fields.setdefault(path, []).append(field)
        self._need_operators(fields)
        made: dict[str, str] = {}
        make = partial(self._make, previously or {}, shapes or {})
        for digests in _each(fields.items(), make, parallel):
            made.update(digests)
        self._record(made)

    def reveal(self, ref: str) -> str:
        """The value, for the one write that needs it.

        A value that was changed in the store by hand is used and recorded, so that the next plan compares with it.
        Raises ServerError when it is gone.
        """
        path, field = split(ref)
        value = (self._store.read(path) or {}).get(field)
        if not value:
            raise ServerError(_gone(self._store, ref))
        if not self._fresh and self._digest(value) != self.versions(ref):
            self._record({ref: self._digest(value)})
        return value

    def peek(self, ref: str) -> str | None:
        """The value, for a look at it that leaves no trace in the index; None when it is not there."""
        path, field = split(ref)
        return (self._store.read(path) or {}).get(field) or None

    def verify(self, refs: Iterable[str], parallel: int = 10) -> tuple[Discrepancy, ...]:
        """Read every one of the secrets and compare it with the index; writes nothing."""
        fields: dict[str, list[str]] = {}
        for ref in sorted(set(refs)):
            path, field = split(ref)
            fields.setdefault(path, []).append(field)
        found = _each(fields.items(), self._compare, parallel)
        return tuple(sorted((one for part in found for one in part), key=lambda one: one.ref))

    def accept(self, found: Iterable[Discrepancy]) -> None:
        """Bring the index up to what `verify` has found, so that the next plan shows what follows from it.

        A secret that is gone is forgotten: the next apply makes a new one.
        """
        gone, digests = [], {}
        for one in found:
            path, field = split(one.ref)
            value = (self._store.read(path) or {}).get(field)
            if value:
                digests[one.ref] = self._digest(value)
            else:
                gone.append(one.ref)
        self._record(digests, gone)

    def remember(self, values: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Digests of values that were moved within the store, and what is there no more, with one write."""
        self._record({ref: self._digest(value) for ref, value in values.items()}, gone)

    def _digest(self, value: str) -> str:
        return hmac.new(self._key.encode(), value.encode(), hashlib.sha256).hexdigest()[:DIGITS]

    def _adopt_key(self) -> None:
        """Write our key to a store without an index, or take the one that another run has written meanwhile."""
        with self._lock:
            if self._fresh:
                found = self._store.update(INDEX, lambda there: there if KEY in there else {KEY: self._key})
                self._key, self._digests, self._fresh = found[KEY], _digests(found), False

    def _need_operators(self, fields: Mapping[str, list[str]]) -> None:
        problems = []
        for path in (path for path in fields if not path.startswith(OURS)):
            found = self._store.read(path) or {}
            problems += [missing(self._store, f"{path}#{field}") for field in fields[path] if not found.get(field)]
        if problems:
            raise ConfigurationError(*problems)

    def _make(
        self, previously: Mapping[str, str], shapes: Mapping[str, Shape], item: tuple[str, list[str]]
    ) -> Mapping[str, str]:
        """The digests of what stands at the path when the missing fields have been added, in one write."""
        path, fields = item
        fresh = {
            field: self._value(previously.get(f"{path}#{field}")) or made(shapes.get(f"{path}#{field}"))
            for field in fields
        }
        found = self._store.update(
            path, lambda there: {**there, **{field: there.get(field) or fresh[field] for field in fields}}
        )
        return {f"{path}#{field}": self._digest(found[field]) for field in fields}

    def _value(self, ref: str | None) -> str | None:
        path, field = split(ref) if ref else ("", "")
        return (self._store.read(path) or {}).get(field) if path else None

    def _compare(self, item: tuple[str, list[str]]) -> list[Discrepancy]:
        path, fields = item
        found = self._store.read(path) or {}
        discrepancies = []
        for field in fields:
            ref, value = f"{path}#{field}", found.get(field)
            if not value:
                discrepancies.append(Discrepancy(ref, "missing"))
            elif self.versions(ref) is None:
                discrepancies.append(Discrepancy(ref, "not recorded"))
            elif self._digest(value) != self.versions(ref):
                discrepancies.append(Discrepancy(ref, "changed"))
        return discrepancies

    def _record(self, digests: Mapping[str, str], gone: Iterable[str] = ()) -> None:
        """Merge into the index, with what other runs have recorded meanwhile."""
        left = frozenset(gone)
        if not digests and not left:
            return
        self._adopt_key()
        with self._lock:

            def merged(found: Document) -> Document:
                known = found if KEY in found else {KEY: self._key, **self._digests}
                if known[KEY] != self._key:
                    raise ServerError(Problem(f"the index in {self._store.where} was made anew", help="run it again"))
                return {**{name: value for name, value in known.items() if name not in left}, **digests}

            self._digests = _digests(self._store.update(INDEX, merged))


def _digests(index: Document) -> dict[str, str]:
    return {name: value for name, value in index.items() if name != KEY}


def _gone(store: Store, ref: str) -> Problem:
    return Problem(
        f"secret {ref} is not in {store.where} any more",
        note="the index knows it, so it has been there",
        help="restore it, or let a new one be made: renkei doctor --secrets",
    )


def _each(items: Iterable[T], do: Callable[[T], R], parallel: int) -> Iterator[R]:
    """What `do` makes of each, side by side; without a thread when `parallel` is 1."""
    if parallel == 1:
        yield from map(do, items)
        return
    with ThreadPoolExecutor(parallel, thread_name_prefix="secret") as pool:
        yield from pool.map(do, items)
