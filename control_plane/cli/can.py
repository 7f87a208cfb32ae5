"""can: who may do what, and why."""

from __future__ import annotations

from typing import Any

import click

from control_plane.app import can as access
from control_plane.app.can import Call
from control_plane.cli.options import ask_of, configuration, json_option, tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.render.can import can_lines, who_lines

REFUSED = 2


@click.command()
@click.argument("words", nargs=-1, metavar="SERVICE API[.VERSION] METHOD PATH | --who API[.VERSION] LEVEL")
@configuration
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="At this time (platform's zone) instead of now.",
)
@click.option("--from", "address", metavar="ADDRESS", help="Where the call comes from (default: an allowed address).")
@click.option("--scope", metavar="SCOPE", help="The data that the call names in X-Data-Scope.")
@click.option(
    "--credential",
    type=click.Choice(["key", "token", "none"]),
    help="What the service shows (default: its key where the API takes one, else a token).",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE",
    help="A person with this role calls through the service, with a token. May be given several times.",
)
@click.option("--who", "everybody", is_flag=True, help="List everybody who may, with which data and until when.")
@json_option
@tells_problems
def can(
    words: tuple[str, ...],
    address: str | None,
    scope: str | None,
    credential: str | None,
    roles: tuple[str, ...],
    everybody: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """May this service do that? The gateway's answer, the reason, and the lines of YAML that decide. Needs no server.

    PATH stands below the version's public path (/entities), or begins with it (/ngsi/v2/entities). Without .VERSION
    each version is answered. Exit code 0: allowed, in one version at least; 2: refused; 1: an error.

    \b
    Examples:
      renkei can nasushiobara.portal ngsi-v2.v2 GET /entities
      renkei can nasushiobara.portal ngsi-v2 POST /entities --at 2027-04-01 --scope road
      renkei can mihon-kansoku.sensor files GET /road/2026.csv --from 203.0.113.7 --credential token
      renkei can tochigi.dashboard ngsi-v2.v2 GET /entities --scope road --role data-user
      renkei can --who ngsi-v2 update --at 2027-04-01
    """
    if everybody:
        if len(words) != 2 or address or scope or credential or roles:
            raise click.UsageError("--who takes API[.VERSION] and LEVEL, and of the other options only --at.")
        document = access.who(ask_of(options), *words)
        lines = who_lines(document)
    else:
        if len(words) != 4:
            raise click.UsageError("SERVICE API[.VERSION] METHOD PATH are needed, or --who API[.VERSION] LEVEL.")
        if roles and credential not in (None, "token"):
            raise click.UsageError("--role is of a person, who shows a token: leave --credential out.")
        call = Call(*words, address=address, scope=scope, credential=credential, roles=roles)
        document = access.can(ask_of(options), call)
        lines = can_lines(document)
    if as_json:
        TERMINAL.json(document)
    else:
        TERMINAL.out(lines)
    return 0 if everybody or document["allowed"] else REFUSED


COMMANDS = (can,)
