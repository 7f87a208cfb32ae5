"""bootstrap: what an administrator does once, so that renkei needs none of his rights."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from control_plane.app import bootstrap as bootstrapping
from control_plane.app.bootstrap import Administrator, Bootstrap
from control_plane.cli.options import ask_of, configuration, confirm, tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.keycloak.account import Give, Leave, MakeClient, MakeRealm, MakeRole, SetClient, Step, Take
from control_plane.problems import Problem, Refused
from control_plane.render.plan import visible

SECRET = "RENKEI_BOOTSTRAP_SECRET"  # noqa: S105  # the name of a variable


@click.group()
def bootstrap() -> None:
    """What an administrator of a server does once."""


@bootstrap.command()
@configuration
@click.option(
    "--as",
    "client_id",
    metavar="CLIENT",
    default="renkei-bootstrap",
    show_default=True,
    help=f"A client of realm master with the role admin; its secret in {SECRET}, or asked for.",
)
@click.option("--reading", is_flag=True, help="The account of this environment only looks: plan, drift, report.")
@click.option(
    "--create-realm", is_flag=True, help="It may create realms, and then has every right in those that it creates."
)
@click.option("--who", is_flag=True, help="It may say who has consented: `report consents --who`.")
@click.option("--adopt", is_flag=True, help="A client of that name that others have made becomes ours.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@tells_problems
def keycloak(
    client_id: str, reading: bool, create_realm: bool, who: bool, adopt: bool, yes: bool, **options: Any
) -> int:
    """Make renkei's account in Keycloak with exactly the rights that it needs, and take those that it has besides.

    Run it once for each environment, and again when a tenant gets a realm of its own. Realms that are not there yet
    are made, empty and switched off.

    \b
    Examples:
      renkei bootstrap keycloak -e production
      renkei bootstrap keycloak -e production-reading --reading
      renkei bootstrap keycloak -e production-privacy --reading --who
    """
    administrator = Administrator(client_id, _secret(client_id))
    found = bootstrapping.look(
        ask_of(options), administrator, reading=reading, creates=create_realm, names=who, adopt=adopt
    )
    if not found.steps and not found.makes_secret:
        TERMINAL.out([f"Client {found.wanted.client_id} has exactly the rights that it needs."])
        return 0
    TERMINAL.out([*_secret_line(found), *(f"  {visible(told(step))}" for step in found.steps)])
    if not yes:
        confirm(f"Do this in {found.environment}?", "whether this account should be made", "--yes")
    bootstrapping.make(found, lambda step: TERMINAL.say(f"done: {visible(told(step))}"))
    TERMINAL.out([f"Client {found.wanted.client_id} has exactly the rights that it needs.", *_afterwards(client_id)])
    return 0


def _secret(client_id: str) -> str:
    if secret := os.environ.get(SECRET):
        return secret
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(Problem(f"the secret of client '{client_id}' is not known", help=f"put it into {SECRET}"))
    return str(click.prompt(f"Secret of client {client_id}", hide_input=True, err=True))


def _secret_line(found: Bootstrap) -> list[str]:
    return [f"  + secret {found.ref} in {found.store.where}"] if found.makes_secret else []


def _afterwards(client_id: str) -> list[str]:
    return [f"Now delete client {client_id} of realm master, if it was made for this."]


def told(step: Step) -> str:
    """One line, with the sign of a plan."""
    match step:
        case MakeRealm(realm=realm):
            return f"+ realm {realm}, empty and switched off"
        case MakeRole(role=role):
            return f"+ role {role} of realm master"
        case MakeClient(client_id=client_id):
            return f"+ client {client_id} of realm master"
        case SetClient(client_id=client_id, fields=fields):
            return f"~ client {client_id} of realm master: {', '.join(fields)}"
        case Give(of=of, roles=roles):
            return f"+ {', '.join(roles)} of {of}"
        case Take(of=of, roles=roles):
            return f"- {', '.join(roles)} of {of}"
        case Leave(group=group):
            return f"- group {group}"


COMMANDS = (bootstrap,)
