"""A part of a platform: one tenant, one API, one realm, one kind. For `--only`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from control_plane.engine.resource import Resource, State
from control_plane.engine.target import Target
from control_plane.problems import Problem, Refused


def matches(resource: Resource, only: str) -> bool:
    """Whether the expression names the system (`kong`), kind (`kong.route`, `route`), tenant, API, realm or object."""
    key = resource.key
    target, _, kind = key.kind.partition(".")
    return only in (target, key.kind, kind, key.within, key.name) or only in resource.belongs


def names_kind(kind: str, only: Sequence[str]) -> bool:
    """Whether one of the expressions names the kind, or its system."""
    target, _, short = kind.partition(".")
    return any(one in (target, kind, short) for one in only)


def concerned(targets: Sequence[Target], only: tuple[str, ...]) -> tuple[Target, ...]:
    """The targets that must be read: where each expression names a system or a kind of it, these systems alone.

    A tenant, an API or an object may stand in any of them.
    """
    held = {name: target for target in targets for kind in target.kinds for name in (kind.name, _system(kind.name))}
    if not only or not held.keys() >= set(only):
        return tuple(targets)
    return tuple(target for target in targets if any(held[one] is target for one in only))


def _system(kind: str) -> str:
    return kind.partition(".")[0]


def narrow(want: State, have: State, only: tuple[str, ...]) -> tuple[State, State]:
    """The parts of both states that one of the expressions names.

    An object is taken on both sides or on none: what the YAML says it belongs to counts, and for what only the server
    has, what its mark says. Raises Refused for an expression that matches nothing.
    """
    if not only:
        return want, have
    known = {**have, **want}
    kinds = {kind: names_kind(kind, only) for kind in {key.kind for key in known}}
    if all(kinds.values()):  # the usual `--only kong`: nothing else was read
        return want, have
    problems = [_nothing(one, known) for one in only if not any(matches(found, one) for found in known.values())]
    if problems:
        raise Refused(*problems)
    kept = {key for key, found in known.items() if kinds[key.kind] or any(matches(found, one) for one in only)}
    return (
        {key: found for key, found in want.items() if key in kept},
        {key: found for key, found in have.items() if key in kept},
    )


def _nothing(only: str, known: State) -> Problem:
    words = {word for found in known.values() for word in (found.key.kind, found.key.within, *found.belongs) if word}
    near = difflib.get_close_matches(only, sorted(words), n=1)
    return Problem(
        f"--only {only} matches nothing",
        help=f"did you mean '{near[0]}'?" if near else "name a tenant, an API, a realm or a kind such as kong.route",
    )
