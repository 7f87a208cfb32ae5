"""A system that is reconciled: its client and the kinds of objects that we keep there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from control_plane.engine.kind import Kind
from control_plane.problems import Problem


@dataclass(frozen=True)
class Check:
    """One thing that a run needs, as `doctor` tells it."""

    name: str
    ok: bool
    detail: str
    help: str | None = None


def nothing_to_wait_for() -> None:
    """A system whose writes take effect before it answers."""


def nothing_left_over() -> None:
    """A system in which a killed run leaves nothing behind but objects of our kinds."""


def nothing_to_tell() -> Sequence[Check]:
    """A system that says nothing of itself."""
    return ()


def nothing_missing() -> Sequence[Problem]:
    """A system that needs no settings of its own."""
    return ()


@dataclass(frozen=True)
class Target:
    """`settle` returns when all earlier writes have taken effect, `prove` when no right that was taken away is honoured
    any more; `preflight` names what the node lacks, and writes
    nothing; `checks` tells versions and rights, for `doctor`; `tidy` removes what a killed run has left, before the
    first write. The client is made for one run and holds the server's ids."""

    name: str  # Keycloak, Kong: as it is shown
    client: Any
    kinds: tuple[Kind[Any], ...]
    settle: Callable[[], None] = nothing_to_wait_for
    prove: Callable[[], None] = nothing_to_wait_for
    preflight: Callable[[], Sequence[Problem]] = nothing_missing
    checks: Callable[[], Sequence[Check]] = nothing_to_tell
    tidy: Callable[[], None] = nothing_left_over
    parallel: int = field(default=10)  # requests in flight
