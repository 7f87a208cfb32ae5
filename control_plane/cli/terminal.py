"""stdout for results, stderr for progress and problems. Colour and movement on a terminal only; NO_COLOR counts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from control_plane.engine.apply import Done, Event, Failed, Skipped, WaveStarted
from control_plane.problems import Problem
from control_plane.render.document import FORMAT_VERSION, problem_document
from control_plane.render.plan import TARGETS, visible
from control_plane.render.problems import render_problems

STYLES = {"+": "green", "~": "yellow", "-": "red", "!": "bold red", "?": "dim"}


class Terminal:
    """Where commands write. Consoles are made at each use, so that a redirected stream is seen."""

    def _console(self, *, stderr: bool) -> Console:
        return Console(stderr=stderr, highlight=False, soft_wrap=True, emoji=False, markup=False)

    def out(self, lines: Iterable[str]) -> None:
        """Result lines; the symbol at the beginning of a line of a plan gives its colour."""
        console = self._console(stderr=False)
        for line in lines:
            console.print(Text(line, style=STYLES.get(line.strip()[:1], "")) if line.startswith("  ") else Text(line))

    def plain(self, text: str) -> None:
        """A file's content on stdout, byte for byte."""
        sys.stdout.write(text)

    def json(self, document: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")

    def say(self, line: str) -> None:
        self._console(stderr=True).print(Text(line))

    def problems(self, problems: Sequence[Problem]) -> None:
        console = self._console(stderr=True)
        for line in render_problems(problems).splitlines():
            styles = (("error:", "bold red"), ("  help:", "cyan"), (" -->", "blue"))
            style = next((style for start, style in styles if line.startswith(start)), "")
            console.print(Text(line, style=style))

    def problems_as_json(self, problems: Sequence[Problem]) -> None:
        self.json({"format_version": FORMAT_VERSION, "problems": [problem_document(one) for one in problems]})

    @contextmanager
    def progress(self) -> Iterator[Progress | None]:
        """A live display on a terminal, None elsewhere."""
        console = self._console(stderr=True)
        if not console.is_terminal:
            yield None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as shown:
            yield shown


class Applying:
    """Tells an apply as it goes on: a bar per wave on a terminal, a line per wave elsewhere; failures always."""

    def __init__(self, terminal: Terminal, shown: Progress | None) -> None:
        self.terminal, self.shown = terminal, shown
        self.task: TaskID | None = None

    def __call__(self, event: Event) -> None:
        match event:
            case WaveStarted(number, of, wave):
                systems = sorted({TARGETS.get(c.key.kind.partition(".")[0], "") for c in wave.changes})
                kinds = sorted({c.key.kind.partition(".")[2] for c in wave.changes})
                line = f"wave {number} of {of}  {', '.join(systems)}: {', '.join(kinds)}"
                if self.shown:
                    self.task = self.shown.add_task(line, total=len(wave.changes))
                else:
                    self.terminal.say(f"{line}, {len(wave.changes)} change{'s' if len(wave.changes) > 1 else ''}")
            case Done() | Failed() | Skipped():
                if self.shown and self.task is not None:
                    self.shown.advance(self.task)
                if isinstance(event, Failed):
                    self.terminal.say(f"  failed: {visible(str(event.change.key))}")


TERMINAL = Terminal()
