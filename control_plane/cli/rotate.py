"""rotate: keys and secrets that turn over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click
from pydantic_core import PydanticCustomError

from control_plane.app import rotate as rotating
from control_plane.app import turnover
from control_plane.catalog.words import read_duration
from control_plane.cli.options import ask_of, configuration, confirm, json_option, tells_problems
from control_plane.cli.terminal import TERMINAL, Applying
from control_plane.engine.apply import Failed
from control_plane.render.plan import visible
from control_plane.render.rotation import rotated_document, rotated_lines, rotation_document, rotation_lines
from control_plane.render.turnover import instant, turned_document, turned_lines, turnover_document, turnover_lines

LONGEST = timedelta(days=90)  # that two secrets hold side by side


@click.group()
def rotate() -> None:
    """Keys and secrets that turn over."""


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


def _kept(context: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    """A duration as in the YAML."""
    try:
        span = timedelta(seconds=read_duration(value))
    except PydanticCustomError as error:
        raise click.BadParameter(error.message()) from None
    if span > LONGEST:
        raise click.BadParameter(f"two secrets hold for {LONGEST.days} days at most")
    return span


@rotate.command("client-secret")
@click.argument("service", metavar="SERVICE")
@configuration
@click.option(
    "--keep", metavar="TIME", default="2d", show_default=True, callback=_kept, help="How long the old one is taken."
)
@click.option("--with-a-gap", is_flag=True, help="The old one is refused at once: where it is known to others.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@tells_problems
def client_secret(service: str, keep: timedelta, with_a_gap: bool, yes: bool, as_json: bool, **options: Any) -> int:
    """A service gets a new client secret, and Keycloak takes the old one for a while, too.

    The service's people take the new one from the store in that time; the same command removes the old one
    afterwards, and goes on with one that was stopped on the way.

    \b
    Examples:
      renkei rotate client-secret nasushiobara.portal -e production
      renkei rotate client-secret nasushiobara.portal -e production --keep 7d --yes --json
      renkei rotate client-secret nasushiobara.portal -e production --with-a-gap
    """
    found = turnover.look(ask_of(options), service, None if with_a_gap else keep)
    client = found.client
    document = turnover_document(
        found.about, client.name, client.realm, found.place, found.steps, found.keep, instant(found.until)
    )
    if not as_json:
        TERMINAL.out(turnover_lines(document))
    if turnover.Step.WAIT in found.steps:
        if as_json:
            TERMINAL.json(turned_document(document, (), document["old_until"]))
        return 0
    if not yes:
        gap = with_a_gap and turnover.Step.SWITCH in found.steps
        refused = "The old secret is refused at once. " if gap else ""
        question = f"{refused}Do this in {found.about.environment}?"
        confirm(question, "whether the secret should turn over", "--yes")
    turned = turnover.turn(found)
    after = turned_document(document, found.steps, instant(turned.until))
    if as_json:
        TERMINAL.json(after)
    else:
        TERMINAL.out(turned_lines(after))
    return 0


COMMANDS = (rotate,)
