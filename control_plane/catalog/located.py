"""A part of a document together with the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from control_plane.catalog.source import Part, Source
from control_plane.problems import Origin, Problem

V = TypeVar("V", covariant=True)
W = TypeVar("W")


@dataclass(frozen=True, eq=False)
class Located(Generic[V]):
    value: V
    source: Source
    path: tuple[Part, ...] = ()

    def origin(self, *more: Part) -> Origin:
        """Where the value, or a part of it, stands."""
        return self.source.at(*self.path, *more)

    def key(self, *more: Part) -> Origin:
        """Where the key of a part stands."""
        return self.source.key(*self.path, *more)

    def part(self, value: W, *more: Part) -> Located[W]:
        return Located(value, self.source, (*self.path, *more))

    def problem(self, message: str, *more: Part, note: str | None = None, help: str | None = None) -> Problem:
        """A mistake at the value, or at a part of it."""
        return self.source.problem(message, self.origin(*more), note, help)
