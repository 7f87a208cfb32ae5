"""The command lines in the documentation are understood, and the page of commands is complete."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from control_plane.cli.main import cli
from tests.docs.pages import PAGES, ROOT, command_lines, first_cells, sections

REFERENCE = ROOT / "docs" / "reference" / "commands.md"


def commands(command: click.Command, *names: str) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(names), command
    if isinstance(command, click.Group):
        here = click.Context(command)
        for name in command.list_commands(here):
            if sub := command.get_command(here, name):
                yield from commands(sub, *names, name)


ALL = dict(commands(cli, "renkei"))


def understand(arguments: list[str]) -> str:
    """The command that click would run with these arguments; runs nothing, raises click's UsageError."""
    command: click.Command = cli
    context: click.Context | None = None
    names = ["renkei"]
    rest = list(arguments)
    while isinstance(command, click.Group) and rest and rest != ["--help"]:
        here = click.Context(command, parent=context)
        _, words, _ = command.make_parser(here).parse_args(rest)
        if not words:
            break
        name, found, rest = command.resolve_command(here, words)
        assert name is not None and found is not None
        names.append(name)
        command, context = found, here
    if not isinstance(command, click.Group):
        command.make_context(names[-1], rest, parent=context)
    return " ".join(names)


def documented(text: str) -> set[str]:
    """Every `--option` and `ARGUMENT` in the first column of the section's table."""
    cells = " ".join(first_cells(text))
    return {*re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", cells), *re.findall(r"`([A-Z]+)`", cells)}


def declared(command: click.Command) -> set[str]:
    """Every spelling of every option, and the names of the arguments as the help shows them."""
    names: set[str] = set()
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            names |= set(re.findall(r"\b[A-Z]+\b", parameter.metavar or str(parameter.name).upper()))
        else:
            names |= {*parameter.opts, *parameter.secondary_opts}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_in_the_documentation_is_understood(page):
    wrong = []
    for arguments in command_lines(page):
        try:
            understand(arguments)
        except click.UsageError as error:
            wrong.append(f"renkei {' '.join(arguments)}: {error.format_message()}")
    assert wrong == []


def test_the_documentation_shows_every_command():
    shown = {understand(arguments) for page in PAGES for arguments in command_lines(page)}
    assert {name for name, command in ALL.items() if not isinstance(command, click.Group)} <= shown


@pytest.mark.parametrize("line", ["frobnicate", "plan --frob", "report", "report nobody", "apply --allow-deletes many"])
def test_a_command_line_that_renkei_does_not_know_would_be_found(line):
    with pytest.raises(click.UsageError):
        understand(line.split())


@pytest.mark.parametrize("name", ALL)
def test_the_page_of_commands_has_exactly_the_options_that_there_are(name):
    page = sections(REFERENCE)
    assert name in page, f"docs/reference/commands.md has no heading '{name}'"
    assert documented(page[name]) == declared(ALL[name])
