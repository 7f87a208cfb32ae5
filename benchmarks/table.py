"""The figures as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import Machine
from benchmarks.stages import Figure
from benchmarks.synthetic import Size

FORMAT_VERSION = 1
TITLES = {
    "start": "start Python and import",
    "load": "load and validate",
    "compile": "load and compile, no server",
    "apply": "first apply, both systems empty",
    "plan": "plan without changes",
    "command": "the same as a whole process: renkei plan",
    "bare": "the same GETs, requests alone",
    "grant": "apply one changed grant",
    "user": "apply one changed person",
    "posts": "the same objects by plain parallel POSTs",
    "fill": "people whom nobody declares, by POSTs",
    "report": "report users, as Excel",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "token")


def middle(figures: Sequence[Figure]) -> Figure:
    """The run with the median time. All of its figures belong together."""
    return sorted(figures, key=lambda figure: figure.seconds)[(len(figures) - 1) // 2]


def document(size: Size, machine: Machine, runs: Mapping[str, Sequence[Figure]], **about: Any) -> dict[str, Any]:
    """Everything that was measured, each run by itself and the medians."""
    return {
        "format_version": FORMAT_VERSION,
        "size": asdict(size),
        "machine": asdict(machine),
        **about,
        "stages": [
            {
                "stage": stage,
                "what": TITLES[stage],
                "median": {
                    name: median(getattr(figure, name) for figure in figures)
                    for name in ("seconds", "processor", "memory")
                },
                "runs": [asdict(figure) for figure in figures],
            }
            for stage, figures in runs.items()
        ],
    }


def show(console: Console, size: Size, machine: Machine, runs: Mapping[str, Sequence[Figure]], kong: str) -> None:
    """The figures of each stage, then the requests of each, then what a first apply consists of."""
    console.print(
        f"[bold]{size.files:,} files: {size.tenants:,} tenants in {size.realms:,} realms, {size.users:,} users, "
        f"{size.services:,} services, {size.apis:,} APIs[/bold]",
        highlight=False,
    )
    console.print(
        f"{machine.cores} cores, {machine.memory / 2**30:.1f} GiB, {machine.python}, {machine.system}, load "
        f"{machine.load} at the beginning, {machine.at}; {kong}",
        highlight=False,
    )
    console.print(_times(runs))
    if "apply" in runs:
        console.print(_requests(runs))
        console.print(_objects(middle(runs["apply"])))


def _times(runs: Mapping[str, Sequence[Figure]]) -> Table:
    table = Table(title="Time and memory", title_justify="left")
    table.add_column("stage", no_wrap=True)
    for heading in ("seconds", "of processor", "peak memory", "runs"):
        table.add_column(heading, justify="right")
    table.add_column("of it")
    for stage, figures in runs.items():
        one = middle(figures)
        table.add_row(
            TITLES[stage],
            f"{one.seconds:.2f}",
            f"{one.processor:.2f}",
            f"{one.memory / 2**20:.0f} MiB",
            str(len(figures)),
            _of_it(one.detail),
        )
    return table


def _of_it(detail: Mapping[str, float]) -> str:
    names = {name: value for name, value in detail.items() if ": " not in name}
    return ", ".join(
        f"{value:,.0f} {name}" if float(value).is_integer() else f"{name} {value:.2f} s"
        for name, value in names.items()
    )


def _requests(runs: Mapping[str, Sequence[Figure]]) -> Table:
    table = Table(title="Requests", title_justify="left")
    for heading in ("stage", "system"):
        table.add_column(heading, no_wrap=True)
    for heading in METHODS:
        table.add_column(heading, justify="right")
    for stage, figures in runs.items():
        for system, sent in middle(figures).requests.items():
            table.add_row(TITLES[stage], system, *(f"{sent.get(method, 0) or '·'}" for method in METHODS))
    return table


def _objects(figure: Figure) -> Table:
    """Each kind's objects, and per system the writes that made them."""
    table = Table(title="First apply: objects and writes", title_justify="left")
    table.add_column("kind", no_wrap=True)
    for heading in ("objects", "writes"):
        table.add_column(heading, justify="right")
    for system, sent in figure.requests.items():
        kinds = {
            name.removeprefix("changes: "): number
            for name, number in figure.detail.items()
            if name.startswith(f"changes: {system.lower()}.")
        }
        for kind, number in kinds.items():
            table.add_row(kind, f"{number:,.0f}", "")
        if kinds:
            writes = sum(number for method, number in sent.items() if method not in ("GET", "token"))
            table.add_row(f"[bold]{system}[/bold]", f"{sum(kinds.values()):,.0f}", f"{writes:,}", end_section=True)
    return table
