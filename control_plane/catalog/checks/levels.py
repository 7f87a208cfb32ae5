"""Levels of access: each call belongs to one level, or to none."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.documents import ApiDocument
from control_plane.catalog.documents.apis import LevelEntry
from control_plane.catalog.located import Located
from control_plane.catalog.patterns import NoOrder, ranks
from control_plane.catalog.source import Part
from control_plane.problems import Problem

Api = Located[ApiDocument]


def check_levels(api: Api) -> Iterator[Problem]:
    tied = list(_ties(api))
    yield from tied
    if not tied:
        yield from _circles(api)


def _ties(api: Api) -> Iterator[Problem]:
    """Two levels with one method and one pattern; patterns that differ in case only count as one."""
    taken: dict[tuple[str, str], tuple[str, tuple[Part, ...]]] = {}
    for name, level in api.value.levels.items():
        for path, where in _paths(name, level):
            for position, method in enumerate(level.methods):
                other, there = taken.setdefault((method, path.lower()), (name, where))
                if other != name:
                    yield _tie(api, other, there, method, path, where or ("levels", name, "methods", position))


def _paths(name: str, level: LevelEntry) -> Iterator[tuple[str, tuple[Part, ...]]]:
    if not level.paths:
        yield "", ()
    for position, path in enumerate(level.paths):
        yield path, ("levels", name, "paths", position)


def _tie(api: Api, other: str, there: tuple[Part, ...], method: str, path: str, where: tuple[Part, ...]) -> Problem:
    origin = api.origin(*there) if there else api.key("levels", other)
    note = f"Level '{other}' has it ({origin})."
    help = "let one of them have other paths, or other methods" if path else None
    return api.problem(f"{method} {path}".rstrip() + " belongs to two levels", *where, note=note, help=help)


def _circles(api: Api) -> Iterator[Problem]:
    levels = {name: (level.methods, level.paths) for name, level in api.value.levels.items()}
    try:
        ranks(levels)
    except NoOrder as error:
        first, *others = sorted(error.levels, key=lambda name: api.key("levels", name).line)
        told = " and ".join(f"'{name}' ({api.key('levels', name)})" for name in others)
        note = f"One of its paths lies in a path of {told}, and the other way round."
        message = f"levels '{first}' and {' and '.join(map(repr, others))} lie in each other"
        help = "make a level of its own of the paths that lie in another level's"
        yield api.source.problem(message, api.key("levels", first), note, help)
