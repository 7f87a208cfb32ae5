"""The waves of a plan, made real: one outcome per change, whatever happens.

for each wave: settle if it must wait ─▶ its changes side by side, bounded ─▶ outcomes ─▶ prove if rights went
a change that needs one that failed is not attempted and says so
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeAlias

from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Create, Delete, Plan, Update, Wave
from control_plane.engine.resource import Key
from control_plane.engine.target import Target
from control_plane.problems import Problem, RenkeiError, bug


@dataclass(frozen=True)
class Done:
    change: Change


@dataclass(frozen=True)
class Failed:
    change: Change
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Skipped:
    """Not attempted: something that it needs has failed, or the run was stopped."""

    change: Change
    because: str


Outcome: TypeAlias = Done | Failed | Skipped


@dataclass(frozen=True)
class WaveStarted:
    number: int
    of: int
    wave: Wave


Event: TypeAlias = WaveStarted | Done | Failed | Skipped


def apply(
    plan: Plan,
    targets: Sequence[Target],
    *,
    parallel: int | None = None,
    tell: Callable[[Event], None] = lambda event: None,
) -> tuple[Outcome, ...]:
    """Make the plan's changes in its order and return what became of each.

    `parallel` bounds the writes in flight of each target instead of the target's own number; 1 uses no thread and has
    the same outcome. An interrupt lets the writes in flight end, and leaves the rest as Skipped.
    """
    kinds = {kind.name: kind for target in targets for kind in target.kinds}
    clients = {kind.name: target.client for target in targets for kind in target.kinds}
    needs = _all_needs(kinds)
    outcomes: list[Outcome] = []
    unproven: tuple[Problem, ...] = ()
    stop = threading.Event()
    lock = threading.Lock()

    def note(outcome: Outcome) -> None:
        with lock:
            outcomes.append(outcome)
            tell(outcome)

    for number, wave in enumerate(plan.waves, 1):
        failed = [outcome.change for outcome in outcomes if not isinstance(outcome, Done)]
        ready = []
        for change in wave.changes:
            because = "the run was stopped" if stop.is_set() else _blocked(change, failed, needs)
            if because:
                note(Skipped(change, because))
            else:
                ready.append(change)
        if not ready:
            continue
        tell(WaveStarted(number, len(plan.waves), wave))
        problems = unproven or (_waited(wave, targets, lambda target: target.settle) if wave.settle else ())
        if problems:
            for change in ready:
                note(Failed(change, problems))
            continue

        def write(batch: Sequence[Change]) -> None:
            for change in batch:
                note(
                    Skipped(change, "the run was stopped")
                    if stop.is_set()
                    else _write(kinds[change.key.kind], clients[change.key.kind], change)
                )

        work = [(parallel or target.parallel, list(_batches(ready, target.kinds))) for target in targets]
        _side_by_side(work, write, stop)
        if wave.prove and not stop.is_set():
            unproven = _waited(wave, targets, lambda target: target.prove)
    return tuple(outcomes)


def _side_by_side(
    work: Sequence[tuple[int, Sequence[Sequence[Change]]]],
    write: Callable[[Sequence[Change]], None],
    stop: threading.Event,
) -> None:
    """Each target's batches, no more of them at once than it bears."""
    if all(parallel == 1 for parallel, _ in work):
        for _, batches in work:
            for batch in batches:
                write(batch)
        return
    with ExitStack() as pools:
        futures = []
        for parallel, batches in work:
            pool = pools.enter_context(ThreadPoolExecutor(parallel, thread_name_prefix="write"))
            futures += [pool.submit(write, batch) for batch in batches]
        try:
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            stop.set()  # leaving the block waits for the writes in flight


def _batches(changes: Sequence[Change], kinds: Sequence[Kind[Any]]) -> Iterator[list[Change]]:
    """Of the changes those of one target's kinds: what must follow one another together, all others alone."""
    serial_by = {kind.name: kind.serial_by for kind in kinds}
    serial: dict[str, list[Change]] = {}
    for change in changes:
        if change.key.kind not in serial_by:
            continue
        by = serial_by[change.key.kind]
        if by is None:
            yield [change]
        else:
            resource = change.have if isinstance(change, Delete) else change.want
            serial.setdefault(by(resource), []).append(change)
    yield from serial.values()


def _write(kind: Kind[Any], client: Any, change: Change) -> Outcome:
    try:
        match change:
            case Create(want):
                kind.create(client, want)
            case Update():
                if kind.update is None:
                    raise bug(f"{kind.name} cannot be updated")
                kind.update(client, change)
            case Delete(have):
                if kind.delete is None:
                    raise bug(f"{kind.name} cannot be deleted")
                kind.delete(client, have)
    except RenkeiError as error:
        return Failed(change, error.problems)
    except KeyboardInterrupt:
        return Failed(change, (Problem("stopped while it was written: plan again to see what the server has"),))
    except Exception as error:  # one change that fails unforeseen must not hide what became of the others
        return Failed(change, bug(f"{type(error).__name__} at {_where(error)}").problems)
    return Done(change)


def _where(error: Exception) -> str:
    """The place of the fault, without the message: it might quote what was being written."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename.rpartition('control_plane')[2].lstrip('/') or frame.filename}:{frame.lineno}"


def _waited(wave: Wave, targets: Sequence[Target], wait: Callable[[Target], Callable[[], None]]) -> tuple[Problem, ...]:
    """Wait for the targets that the wave writes to; why that was in vain."""
    names = {change.key.kind.partition(".")[0] for change in wave.changes}
    problems: list[Problem] = []
    for target in targets:
        if any(kind.name.partition(".")[0] in names for kind in target.kinds):
            try:
                wait(target)()
            except RenkeiError as error:
                problems.extend(error.problems)
    return tuple(problems)


def _all_needs(kinds: Mapping[str, Kind[Any]]) -> dict[str, frozenset[str]]:
    """For each kind every kind that it comes after, directly or through others."""
    found: dict[str, frozenset[str]] = {}

    def of(name: str) -> frozenset[str]:
        if name not in found:
            after = kinds[name].after
            found[name] = frozenset(after).union(*(of(other) for other in after))
        return found[name]

    for name in kinds:
        of(name)
    return found


def _blocked(change: Change, failed: Sequence[Change], needs: Mapping[str, frozenset[str]]) -> str | None:
    """Why the change cannot be attempted: an earlier one in the same place, of a kind that it needs, has failed."""
    for other in failed:
        if not any(_one_place(key, another) for key in _addresses(change) for another in _addresses(other)):
            continue
        first, second = other.key.kind, change.key.kind
        if isinstance(change, Delete):
            first, second = second, first  # deletes go the other way: the route must be gone before its plugins
        if first in needs[second] or (isinstance(change, Delete) and not isinstance(other, Delete)):
            return f"{other.key} failed"
    return None


def _addresses(change: Change) -> tuple[Key, ...]:
    """Where it stands; of one that is renamed, both places."""
    if isinstance(change, Update) and change.have.key != change.key:
        return change.key, change.have.key
    return (change.key,)


def _one_place(key: Key, other: Key) -> bool:
    return key.within == other.within or not other.within
