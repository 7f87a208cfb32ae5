"""What is being done at the moment, for somebody who waits: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Step:
    """One thing that is being done; a download also says how far it is, in bytes."""

    text: str
    done: int | None = None
    total: int | None = None


Tell = Callable[[Step], None]


def silence(step: Step) -> None:
    """Tell nobody."""


@contextmanager
def telling(console: Console) -> Iterator[Tell]:
    """Tell the steps on a console."""
    if console.is_terminal:
        with _Bar(console) as bar:
            yield bar.tell
    else:
        yield _Lines(console).tell


class _Bar:
    """A line per step, and under them a bar as long as something is being fetched."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def tell(self, step: Step) -> None:
        if step.done is None:
            self._progress.console.print(step.text, markup=False, highlight=False)
            return
        if step.text not in self._tasks:
            self._tasks[step.text] = self._progress.add_task(step.text, total=step.total)
        self._progress.update(self._tasks[step.text], completed=step.done, total=step.total)


class _Lines:
    """One line per step; a download says a quarter at a time how far it is."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._quarters: dict[str, int] = {}

    def tell(self, step: Step) -> None:
        if step.done is None:
            self._say(step.text)
        elif not step.total:
            if step.text not in self._quarters:
                self._quarters[step.text] = 0
                self._say(step.text)
        else:
            quarter = 4 * step.done // step.total
            if quarter != self._quarters.get(step.text):
                self._quarters[step.text] = quarter
                self._say(f"{step.text}: {step.done // MEBIBYTE} of {step.total // MEBIBYTE} MiB")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
