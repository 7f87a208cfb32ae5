"""Ids and references to them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from control_plane.catalog.declared import Declared
from control_plane.catalog.located import Located
from control_plane.catalog.source import Part
from control_plane.catalog.words import nearest
from control_plane.problems import Problem

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Follows: TypeAlias = Mapping[str, Iterable[tuple[str, tuple[Part, ...]]]]  # name -> what it refers to, and where


def unknown(
    declared: Declared,
    what: str,
    name: str,
    known: Collection[str],
    where: Located[object],
    *path: Part,
    folder: str,
    note: str | None = None,
    as_key: bool = False,
) -> Iterator[Problem]:
    """A problem when nobody declares the id that stands at the path (or is its key); near ids are named."""
    if name in known or declared.doubtful(folder, name):
        return
    near = nearest(name, {*known, *declared.unsure})
    origin = where.key(*path) if as_key else where.origin(*path)
    yield where.source.problem(f"unknown {what} '{name}'", origin, note, near or _few(declared, known))


def _few(declared: Declared, known: Collection[str]) -> str | None:
    if len(known) > 8 or declared.unsure:
        return None
    return f"declared are: {', '.join(sorted(known))}" if known else "none is declared"


def twice(
    entries: Iterable[tuple[K, Located[V]]], what: str, *path: Part, rule: str | None = None
) -> Iterator[Problem]:
    """A problem for each that comes a second time, with the place of the first."""
    first: dict[K, Located[V]] = {}
    for name, where in entries:
        if name in first:
            note = f"It is declared in {first[name].origin(*path)} already.{' ' + rule if rule else ''}"
            shown = name[-1] if isinstance(name, tuple) else name
            yield where.problem(f"{what} '{shown}' is declared twice", *path, note=note)
        else:
            first[name] = where


def index(entries: Iterable[tuple[K, Located[V]]]) -> dict[K, Located[V]]:
    """By name, the first where one stands twice."""
    found: dict[K, Located[V]] = {}
    for name, where in entries:
        found.setdefault(name, where)
    return found


def circles(what: str, key: str, entries: Mapping[str, Located[V]], follows: Follows) -> Iterator[Problem]:
    """A problem for each circle of references, at the reference that closes it; each circle once."""
    done: set[str] = set()
    for name in sorted(entries):
        for at, line, path in _closing(name, done, entries, follows):
            yield entries[at].problem(f"{what} '{at}' {key} itself: {' → '.join(line)}", *path)


def _closing(
    name: str, done: set[str], entries: Mapping[str, Located[V]], follows: Follows
) -> Iterator[tuple[str, list[str], tuple[Part, ...]]]:
    """Where a walk from the name comes back to its own line. Without recursion: a chain may be as long as a file."""
    if name in done:
        return
    todo = [(name, iter(tuple(follows.get(name, ()))))]
    line = [name]
    while todo:
        at, rest = todo[-1]
        for target, path in rest:
            if target in line:
                yield at, [*line[line.index(target) :], target], path
            elif target in entries and target not in done:
                line.append(target)
                todo.append((target, iter(tuple(follows.get(target, ())))))
                break
        else:
            done.add(at)
            line.pop()
            todo.pop()
