"""rotate: keys that turn over."""

from __future__ import annotations

from typing import Any

import click

from control_plane.app import rotate as rotating
from control_plane.cli.options import ask_of, configuration, confirm, json_option, tells_problems
from control_plane.cli.terminal import TERMINAL, Applying
from control_plane.engine.apply import Failed
from control_plane.render.plan import visible
from control_plane.render.rotation import rotated_document, rotated_lines, rotation_document, rotation_lines


@click.group()
def rotate() -> None:
    """Keys that turn over."""


@rotate.command("realm-key")
@click.argument("realm", metavar="REALM")
@configuration
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@tells_problems
def realm_key(realm: str, yes: bool, as_json: bool, **options: Any) -> int:
    """A realm gets a new key to sign its tokens with, in the order with the shortest gap.

    Keycloak prepares the key, signs with it, and Kong's credentials of the realm take it at once. The old key stays
    published while a token of it may live; the same command removes it afterwards, and goes on with one that was
    stopped on the way.

    \b
    Examples:
      renkei rotate realm-key nasushiobara -e production
      renkei rotate realm-key nasushiobara -e production --yes --json
    """
    found = rotating.look(ask_of(options), realm)
    document = rotation_document(found.about, found.ring, found.steps, found.old, found.credentials)
    if not as_json:
        TERMINAL.out(rotation_lines(document))
    if rotating.Step.WAIT in found.steps:
        if as_json:
            TERMINAL.json(rotated_document(document, ()))
        return 0
    if not yes:
        confirm(f"Do this in {found.about.environment}?", "whether the key should turn over", "--yes")
    with TERMINAL.progress() as shown:
        rotated = rotating.rotate(found, Applying(TERMINAL, shown))
    now = rotation_document(found.about, rotated.ring, found.steps, rotated.ring.old, found.credentials)
    after = rotated_document(now, found.steps, rotated.seconds, rotated.outcomes)
    if as_json:
        TERMINAL.json(after)
    elif rotated.complete:
        TERMINAL.out(rotated_lines(after))
    for outcome in rotated.outcomes:
        if isinstance(outcome, Failed):
            TERMINAL.say(f"failed: {visible(str(outcome.change.key))}")
            TERMINAL.problems(outcome.problems)
    if not rotated.complete:
        TERMINAL.say("Not complete: run the same command again when it is mended.")
    return 0 if rotated.complete else 1


COMMANDS = (rotate,)
