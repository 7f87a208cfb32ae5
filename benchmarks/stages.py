"""What is measured. Each stage runs in a process of its own, so that no peak of memory hides in another's.

python -m benchmarks.stages STAGE DIRECTORY SYSTEMS [ONLY]      prints one Figure as JSON
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks import edits
from benchmarks.meter import Reading, measured, peak_memory

if TYPE_CHECKING:
    from control_plane.app.run import Ask

READS = "reads.json"  # beside the platform's directory: the GETs of the last plan without changes
STRANGERS = "strangers"  # beside it too: how many people come whom nobody has declared


@dataclass(frozen=True)
class Figure:
    """One row of the result."""

    stage: str
    seconds: float
    processor: float
    memory: int  # bytes, the whole process
    requests: Mapping[str, Mapping[str, int]]  # system -> method -> how many
    detail: Mapping[str, float] = field(default_factory=dict)


def start() -> None:
    """Everything imported that a command needs, and nothing done."""
    import control_plane.app.apply
    import control_plane.cli.main  # noqa: F401  what every command imports


def load(ask: Ask, reading: Reading) -> dict[str, float]:
    """Files to catalog, every check made."""
    from control_plane.app.run import catalog_of

    catalog = catalog_of(ask)
    files = sum(1 for file in ask.directory.rglob("*.yaml"))
    return {"files": files, "users": sum(1 for _ in catalog.users()), "services": sum(1 for _ in catalog.services())}


def compile(ask: Ask, reading: Reading) -> dict[str, float]:
    """Catalog to everything that is wanted on the servers. No server is asked."""
    from control_plane import keycloak, kong
    from control_plane.app.run import catalog_of
    from control_plane.engine.kind import Kind
    from control_plane.engine.resource import state

    catalog = catalog_of(ask)
    began = time.perf_counter()
    kinds: tuple[Kind[Any], ...] = (*(() if ask.only else keycloak.KINDS), *kong.KINDS)
    wanted = state(one for kind in kinds for one in kind.desired(catalog))
    return {"objects": len(wanted), "compiling": time.perf_counter() - began}


def plan(ask: Ask, reading: Reading) -> dict[str, float]:
    """Load, read both systems, compare: the run when nothing has changed."""
    from control_plane.app.run import make

    run = make(ask)
    if changes := sum(1 for _ in run.plan):
        raise AssertionError(f"the plan should be empty, and has {changes} changes: {next(iter(run.plan)).key}")
    settings = run.catalog.environment.keycloak
    assert settings
    reads = {"urls": reading.urls, "keycloak": settings.url, "client_id": settings.client_id, "realm": settings.realm}
    (ask.directory.parent / READS).write_text(json.dumps(reads), encoding="utf-8")
    return {"unchanged": run.plan.unchanged, "pages": len(set(reading.urls))}


def apply(ask: Ask, reading: Reading) -> dict[str, float]:
    """Load, read, write all changes, read again: the plan must be empty then."""
    from control_plane.app.apply import apply as write
    from control_plane.app.run import make
    from control_plane.engine.apply import Done, Event, WaveStarted

    began = time.perf_counter()
    run = make(ask)
    planned = written = time.perf_counter()
    before = _writes(reading)
    waves: list[tuple[float, str]] = []

    def note(event: Event) -> None:
        nonlocal written
        written = time.perf_counter()
        if isinstance(event, WaveStarted):
            waves.append((written, f"{event.number}: {' '.join(sorted({c.key.kind for c in event.wave.changes}))}"))

    applied = write(run, note)
    failed = [outcome for outcome in applied.outcomes if not isinstance(outcome, Done)]
    if failed or not applied.complete:
        raise AssertionError(f"the apply is not complete: {(failed or [*applied.left])[:1]}")
    return {
        "changes": len(applied.outcomes),
        "writes": _writes(reading) - before,
        "planning": planned - began,
        "writing": written - planned,
        "reading again": time.perf_counter() - written,
        **{f"changes: {kind}": number for kind, number in _by_kind(applied.outcomes)},
        **{f"wave {name}": end - start for (start, name), (end, _) in pairwise([*waves, (written, "")])},
    }


def _writes(reading: Reading) -> int:
    return sum(number for (_, method), number in reading.requests.items() if method not in ("GET", "token"))


def _by_kind(outcomes: Any) -> Iterator[tuple[str, int]]:
    yield from sorted(Counter(outcome.change.key.kind for outcome in outcomes).items())


def grant(ask: Ask, reading: Reading) -> dict[str, float]:
    """One grant changed in YAML, applied: its level, where an API has one level its period."""
    edits.edit(ask.directory, *(edits.PERIOD if ask.only else edits.GRANT))
    return apply(ask, reading)


def user(ask: Ask, reading: Reading) -> dict[str, float]:
    """One person's name changed in YAML, applied."""
    edits.edit(ask.directory, *edits.USER)
    return apply(ask, reading)


def bare(ask: Ask, reading: Reading) -> dict[str, float]:
    """The GETs of the plan without changes again, by requests alone."""
    from benchmarks.bare import repeat

    return {"bytes": repeat(ask.directory.parent / READS, ask.directory / "secrets")}


def posts(ask: Ask, reading: Reading) -> dict[str, float]:
    """Realms, roles, scopes, groups, clients and people of the platform once more, by plain parallel POSTs."""
    from benchmarks.plain import copy, plain
    from control_plane.app.run import catalog_of

    catalog = catalog_of(ask)
    return copy(plain(catalog, ask.directory / "secrets"), catalog)


def fill(ask: Ask, reading: Reading) -> dict[str, float]:
    """People whom nobody has declared come into the first realm, by plain parallel POSTs."""
    from benchmarks import plain
    from control_plane.app.run import catalog_of

    catalog = catalog_of(ask)
    number = int((ask.directory.parent / STRANGERS).read_text("utf-8"))
    return plain.fill(plain.plain(catalog, ask.directory / "secrets"), min(catalog.realms), number)


def report(ask: Ask, reading: Reading) -> dict[str, float]:
    """`report users`, as Excel: everybody of every realm, declared or not."""
    from control_plane.app.listing import report as listed
    from control_plane.reports.formats import render

    found, locale = listed(ask, "users")
    if not found.proven:
        raise AssertionError("the list has not as many rows as Keycloak counts accounts")
    return {"rows": len(found.rows), "bytes": len(render(found, "xlsx", locale))}


STAGES: Mapping[str, Callable[[Ask, Reading], dict[str, float]]] = {
    "load": load,
    "compile": compile,
    "apply": apply,
    "plan": plan,
    "bare": bare,
    "grant": grant,
    "user": user,
    "posts": posts,
    "fill": fill,
    "report": report,
}


def measure(stage: str, directory: Path, systems: Mapping[str, str], only: tuple[str, ...]) -> Figure:
    """One stage in this process. Its imports count as memory, and as time only in `start`."""
    detail: dict[str, float] = {}
    with measured(systems) as reading:
        start()
    if stage != "start":
        from control_plane.app.run import Ask

        with measured(systems) as reading:
            detail = STAGES[stage](Ask(directory, only=only), reading)
    if stage == "start":  # Python itself is part of it: from the start of the process
        reading.seconds = time.time() - psutil.Process().create_time()
        reading.processor = time.process_time()
    sent: dict[str, dict[str, int]] = {}
    for (system, method), number in sorted(reading.requests.items()):
        sent.setdefault(system, {})[method] = number
    return Figure(stage, reading.seconds, reading.processor, peak_memory(), sent, detail)


if __name__ == "__main__":
    found = measure(sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3]), tuple(sys.argv[4:]))
    print(json.dumps(asdict(found)))
