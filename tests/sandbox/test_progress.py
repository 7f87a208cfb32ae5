"""Whoever waits is told what for: a bar on a terminal, few plain lines elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from control_plane.sandbox.progress import MEBIBYTE, Step, telling


def told(*steps: Step, terminal: bool) -> str:
    out = io.StringIO()
    with telling(Console(file=out, force_terminal=terminal, width=100, color_system=None)) as tell:
        for step in steps:
            tell(step)
    return out.getvalue()


def test_off_a_terminal_a_download_is_five_plain_lines() -> None:
    total = 200 * MEBIBYTE
    steps = [Step("Keycloak", done * MEBIBYTE, total) for done in range(201)]
    said = told(*steps, terminal=False)
    assert said.splitlines() == [f"Keycloak: {done} of 200 MiB" for done in (0, 50, 100, 150, 200)]


def test_a_download_of_unknown_length_is_said_once() -> None:
    said = told(*[Step("Keycloak", done) for done in range(10)], terminal=False)
    assert said == "Keycloak\n"


def test_on_a_terminal_there_is_a_bar_that_moves() -> None:
    said = told(Step("build"), Step("Keycloak", 0, 100), Step("Keycloak", 100, 100), terminal=True)
    assert "build" in said
    assert "100/100 bytes" in said


def test_square_brackets_are_text() -> None:
    assert told(Step("[red]x[/red]"), terminal=False) == "[red]x[/red]\n"
