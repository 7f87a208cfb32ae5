"""accounts: people's accounts beside what others know of these people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from control_plane.app import unlink as unlinking
from control_plane.app.accounts import compare as compared
from control_plane.cli.options import ask_of, configuration, confirm, json_option, tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.render.accounts import accounts_document, accounts_lines
from control_plane.render.plan import visible

DIFFERENCES = 2


@click.group()
def accounts() -> None:
    """People's accounts beside what others know of these people."""


@accounts.command()
@click.option(
    "--hr",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="The personnel office's list: CSV with the columns of a roster.",
)
@click.option("--tenant", metavar="TENANT", help="Whose people these are (needed when several tenants have people).")
@configuration
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="At this time (platform's zone) instead of now.",
)
@json_option
@tells_problems
def compare(hr: Path, tenant: str | None, as_json: bool, **options: Any) -> int:
    """Who has joined, left or changed, by the personnel office's list, and the edits to make. Needs no server.

    Exit code 0: nothing to edit; 2: differences; 1: an error.

    \b
    Examples:
      renkei accounts compare --hr staff.csv --tenant ashikaga
      renkei accounts compare --hr staff.csv --tenant ashikaga --at 2027-04-01 --json
    """
    found = compared(ask_of(options), hr, tenant)
    document = accounts_document(found.tenant, found.people, found.accounts, found.edits)
    if as_json:
        TERMINAL.json(document)
    else:
        TERMINAL.out(accounts_lines(document))
    return DIFFERENCES if found.edits else 0


@accounts.command()
@click.argument("realm", metavar="REALM")
@click.argument("account", metavar="ACCOUNT")
@click.argument("provider", metavar="PROVIDER")
@configuration
@click.option("--yes", is_flag=True, help="Do not ask.")
@tells_problems
def unlink(realm: str, account: str, provider: str, yes: bool, **options: Any) -> int:
    """A login elsewhere opens somebody else's account: undo the link, and sign the account out.

    At the next login through the provider the person proves anew which account is theirs.

    \b
    Example:
      renkei accounts unlink nasu staff-07 nasu-login -e production
    """
    found = unlinking.look(ask_of(options), realm, account, provider)
    there = visible(found.there)
    TERMINAL.out([f"In realm {realm} whoever is '{there}' at {provider} signs in as '{visible(account)}'."])
    if not yes:
        confirm(f"Undo this in {found.environment}?", "whether the link should be undone", "--yes")
    unlinking.undo(found)
    TERMINAL.out(["The link is undone, and the account signed out."])
    return 0


COMMANDS = (accounts,)
