"""Where data scopes stand: none that is easier to get may take in the data of one that is harder to get.

A grant on `/road/#` reads `/road/accident` too, whatever another scope says of that. So where one scope takes in
another's place, it must be at least as closed; data of another owner it takes in only when they are open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.roles import ScopeEntry
from control_plane.catalog.located import Located
from control_plane.catalog.source import Part
from control_plane.problems import Problem

RANK = {"open": 0, "limited": 1, "closed": 2}


@dataclass(frozen=True)
class Place:
    """One place of a scope: a tree (the broker's service, or the files), a path in it, and whether all below counts."""

    scope: Located[ScopeEntry]
    where: tuple[Part, ...]
    tree: str
    path: tuple[str, ...]
    below: bool


def check(declared: Declared) -> Iterator[Problem]:
    places = [place for scope in declared.scopes for place in _places(scope)]
    takes_in: dict[tuple[str, tuple[str, ...]], list[Place]] = {}
    exact: dict[tuple[str, tuple[str, ...]], list[Place]] = {}
    for place in places:
        (takes_in if place.below else exact).setdefault((place.tree, place.path), []).append(place)
    for inner in places:
        outer = [place for at in _above(inner.path) for place in takes_in.get((inner.tree, at), ())]
        if not inner.below:
            outer += exact.get((inner.tree, inner.path), ())
        yield from (_leak(place, inner) for place in outer if _leaks(place.scope.value, inner.scope.value))


def _places(scope: Located[ScopeEntry]) -> Iterator[Place]:
    fiware = scope.value.fiware
    for position, path in enumerate(fiware.paths if fiware else ()):
        tree = f"Fiware-Service {fiware.service}" if fiware else ""
        parts = _parts(path.removesuffix("#"))
        yield Place(scope, ("fiware", "paths", position), tree, parts, path.endswith("#"))
    for position, path in enumerate(scope.value.paths):
        yield Place(scope, ("paths", position), "files", _parts(path), True)
    for position, value in enumerate(scope.value.values):
        yield Place(scope, ("values", position), "values", (value,), False)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _above(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return (path[:length] for length in range(len(path) + 1))


def _leaks(outer: ScopeEntry, inner: ScopeEntry) -> bool:
    if outer.scope == inner.scope or inner.disclosure == "open":
        return False
    return outer.owner != inner.owner or RANK[outer.disclosure] < RANK[inner.disclosure]


def _leak(outer: Place, inner: Place) -> Problem:
    one, other = outer.scope.value, inner.scope.value
    note = f"'{other.scope}' belongs to {other.owner} and is {other.disclosure} ({inner.scope.origin(*inner.where)})."
    help = f"name narrower paths, or let '{one.scope}' be {other.disclosure} and of the same owner"
    message = f"data scope '{one.scope}' takes in the data of '{other.scope}'"
    return outer.scope.problem(message, *outer.where, note=note, help=help)
