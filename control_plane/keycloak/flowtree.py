"""Login flows as trees: what the server must run, in which order, and the name that follows from it.

A flow's name carries a version and a digest of its content, so that a flow of that name is either exactly this or was
edited by hand. Names of sub-flows are unique in a realm; they begin with the flow's name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from control_plane.engine.values import canonical

VERSION = 1
REQUIRED = "REQUIRED"
ALTERNATIVE = "ALTERNATIVE"
CONDITIONAL = "CONDITIONAL"
INDENT = "  "
SUB_FLOW = "flow: "


@dataclass(frozen=True)
class Step:
    """One authenticator or condition, by Keycloak's provider id."""

    provider: str
    requirement: str
    config: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SubFlow:
    name: str  # unique in the flow
    requirement: str
    steps: tuple[Execution, ...]


Execution: TypeAlias = "Step | SubFlow"


@dataclass(frozen=True)
class Flow:
    """`purpose` is the first part of the name: browser, direct-grant, reset."""

    purpose: str
    steps: tuple[Execution, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The flow as text, one line per execution in the order in which Keycloak runs them."""
        return tuple(_lines(self.steps, 0))

    @property
    def alias(self) -> str:
        return f"renkei-{self.purpose}-v{VERSION}-{digest(self.lines)}"


def digest(lines: Sequence[str]) -> str:
    return hashlib.sha256(canonical(list(lines)).encode()).hexdigest()[:8]


def _lines(steps: tuple[Execution, ...], level: int) -> Iterator[str]:
    for step in steps:
        match step:
            case Step(provider, requirement, config):
                yield line(level, requirement, provider, dict(config))
            case SubFlow(name, requirement, inner):
                yield line(level, requirement, SUB_FLOW + name, {})
                yield from _lines(inner, level + 1)


def line(level: int, requirement: str, what: str, config: Mapping[str, str]) -> str:
    """One execution, wanted or found, as text that can be compared, read, and turned into an execution again."""
    settings = f" {canonical(dict(config))}" if config else ""
    return f"{INDENT * level}{requirement} {what}{settings}"


def parse(lines: Sequence[str]) -> tuple[Execution, ...]:
    """The executions that `line` has made text of."""
    found: list[Execution] = []
    rest = list(lines)
    while rest:
        one = rest.pop(0)
        inner = list(takewhile(lambda below: below.startswith(INDENT), rest))
        del rest[: len(inner)]
        requirement, _, what = one.partition(" ")
        if what.startswith(SUB_FLOW):
            steps = parse([below.removeprefix(INDENT) for below in inner])
            found.append(SubFlow(what.removeprefix(SUB_FLOW), requirement, steps))
        else:
            provider, _, settings = what.partition(" ")
            found.append(Step(provider, requirement, tuple(sorted(json.loads(settings or "{}").items()))))
    return tuple(found)
