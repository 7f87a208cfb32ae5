"""Path patterns of levels: `/entities/*/history` takes itself and all below it, `*` is exactly one segment.

Of two patterns that take the same path the more specific one decides: that with more segments; of as many, that which
has a name where the other has `*`, from the left. So only the same pattern can tie with itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import permutations, product
from typing import TypeAlias

Pattern: TypeAlias = tuple[str, ...]  # its segments; none: every path
Takes: TypeAlias = Mapping[str, tuple[Collection[str], Collection[str]]]  # level -> methods and patterns
ANY = "*"


class NoOrder(Exception):
    """These levels each take calls out of the other's patterns, so that neither stands before the other."""

    def __init__(self, levels: tuple[str, ...]) -> None:
        self.levels = levels


def patterns(paths: Collection[str]) -> list[Pattern]:
    """As segments; a level without paths takes every path."""
    return [tuple(part for part in path.split("/") if part) for path in paths or ("/",)]


def specificity(pattern: Pattern) -> tuple[int, tuple[bool, ...]]:
    """The greater, the more specific."""
    return len(pattern), tuple(part != ANY for part in pattern)


def meet(one: Pattern, other: Pattern) -> bool:
    """Whether there is a path that both take."""
    return all(a == b or ANY in (a, b) for a, b in zip(one, other, strict=False))


def ranks(levels: Takes) -> dict[str, int]:
    """A number for each level, so that of two levels that can take the same call the more specific one has the greater.

    Raises NoOrder when there is no such order.
    """
    below: dict[str, set[str]] = {name: set() for name in levels}
    for first, second in permutations(levels, 2):
        if any(_before(levels, first, second)):
            below[first].add(second)
    try:
        order = tuple(TopologicalSorter(below).static_order())
    except CycleError as error:
        raise NoOrder(tuple(sorted(set(error.args[1])))) from None
    found: dict[str, int] = {}
    for name in order:
        found[name] = max((found[other] + 1 for other in below[name]), default=0)
    return found


def _before(levels: Takes, first: str, second: str) -> Iterator[bool]:
    """For each pair of their patterns: whether the first level's is the one that decides."""
    (methods, paths), (other_methods, other_paths) = levels[first], levels[second]
    if set(methods).isdisjoint(other_methods):
        return
    for one, other in product(patterns(paths), patterns(other_paths)):
        yield meet(one, other) and specificity(one) > specificity(other)
