"""What several commands take, and how each tells what went wrong."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from control_plane.app.run import Ask
from control_plane.app.validate import quoted
from control_plane.cli.terminal import TERMINAL
from control_plane.problems import Problem, Refused, RenkeiError

F = TypeVar("F", bound=Callable[..., Any])


def configuration(function: F) -> F:
    """-C and -e."""
    function = click.option(
        "-e", "--environment", metavar="NAME", help="Which environment of renkei.yaml (needed when there are several)."
    )(function)
    return click.option(
        "-C", "--directory", type=click.Path(path_type=Path), help="The configuration (default: here)."
    )(function)


def run_options(function: F) -> F:
    """What every command takes that reads the servers."""
    function = click.option(
        "--at",
        type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
        help="Judge periods at this time (platform's zone) instead of now.",
    )(function)
    function = click.option(
        "--parallel", type=click.IntRange(1, 64), help="Requests in flight; 1 uses no thread (default: renkei.yaml)."
    )(function)
    function = click.option(
        "--only",
        multiple=True,
        metavar="WHAT",
        help="Only this tenant, API, realm, system (kong) or kind (kong.route). Repeatable.",
    )(function)
    return configuration(function)


def adopt_option(function: F) -> F:
    return click.option(
        "--adopt",
        is_flag=True,
        help="What stands in the place of a declared object, without our mark, becomes ours.",
    )(function)


def delete_people_option(function: F) -> F:
    return click.option(
        "--delete-people",
        type=click.IntRange(1),
        metavar="N",
        help="Exactly N accounts that have left and were kept for the time are meant to be deleted.",
    )(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="The result as JSON with a format_version.")(function)


def tells_problems(function: F) -> F:
    """Problems go to stderr, with --json also to stdout; the exit code is then 1."""

    @functools.wraps(function)
    def command(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except RenkeiError as error:
            problems = quoted(error.problems, directory_of(options.get("directory")))
            TERMINAL.problems(problems)
            if options.get("as_json"):
                TERMINAL.problems_as_json(problems)
            return 1

    return command  # type: ignore[return-value]  # the wrapper has the wrapped function's signature


def directory_of(directory: Path | None) -> Path:
    """The command's own -C, else the one before the command, else here."""
    before = click.get_current_context().find_root().obj
    return directory or (before if isinstance(before, Path) else None) or Path()


def ask_of(options: dict[str, Any]) -> Ask:
    at: datetime | None = options.get("at")
    return Ask(
        directory=directory_of(options.get("directory")),
        environment=options.get("environment"),
        only=tuple(options.get("only") or ()),
        at=at,
        adopt=bool(options.get("adopt")),
        delete_people=options.get("delete_people"),
        parallel=options.get("parallel"),
    )


def confirm(question: str, what: str, beforehand: str) -> None:
    """Ask on a terminal, and go on when the answer is yes. Raises Refused where nobody is there to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(Problem(f"nobody is there to ask {what}", help=f"say it beforehand: {beforehand}"))
    click.confirm(question, abort=True, err=True)
