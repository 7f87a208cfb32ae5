"""init, doctor, sandbox, completion."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class
from rich.console import Console

from control_plane.app import start
from control_plane.app.doctor import doctor as checks
from control_plane.app.systems import SANDBOX
from control_plane.cli.options import ask_of, configuration, directory_of, json_option, tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.engine.target import Check
from control_plane.problems import Problem, Refused
from control_plane.render.columns import pad
from control_plane.render.document import FORMAT_VERSION
from control_plane.render.plan import visible
from control_plane.sandbox import run as sandboxes
from control_plane.sandbox.progress import telling


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@tells_problems
def init(directory: Path) -> int:
    """Write a minimal configuration that validates and applies.

    \b
    Examples:
      renkei init my-platform
      cd my-platform && renkei sandbox up && renkei apply
    """
    TERMINAL.out([f"  + {path}" for path in start.init(directory)])
    where = "" if directory == Path() else f" -C {directory}"
    TERMINAL.out(["Next:", f"    renkei{where} sandbox up", f"    renkei{where} apply"])
    return 0


@click.command()
@configuration
@click.option(
    "--secrets", is_flag=True, help="Read every secret too, and record what was changed in the store by hand."
)
@json_option
@tells_problems
def doctor(secrets: bool, as_json: bool, **options: Any) -> int:
    """Check that everything is there that a run needs: addresses, versions, rights, clocks, settings, secrets.

    \b
    Examples:
      renkei doctor -e production
      renkei doctor -e production --secrets
    """
    found = []
    for check in checks(ask_of(options), secrets=secrets):
        found.append(check)
        if not as_json:
            sign = "ok    " if check.ok else "FAILED"
            TERMINAL.out([f"{sign}  {pad(check.name, 28)} {visible(check.detail)}"])
            if not check.ok and check.help:
                TERMINAL.out([f"        help: {check.help}"])
    if as_json:
        TERMINAL.json({"format_version": FORMAT_VERSION, "checks": [_plain(check) for check in found]})
    return 0 if all(check.ok for check in found) else 1


@click.group()
def sandbox() -> None:
    """Everything on this machine: a real Keycloak, a stand-in Kong, an upstream that echoes.

    \b
    Examples:
      renkei sandbox up
      renkei sandbox status
      renkei sandbox down
    """


def _plain(check: Check) -> dict[str, object]:
    return {"name": check.name, "ok": check.ok, "detail": check.detail, "help": None if check.ok else check.help}


PORTS = {
    "keycloak-port": "keycloak",
    "kong-admin-port": "kong-admin",
    "kong-proxy-port": "kong-proxy",
    "echo-port": "echo",
}


def port_options(function: Any) -> Any:
    for option, name in PORTS.items():
        function = click.option(
            f"--{option}",
            type=click.IntRange(0, 65535),
            help=f"This port and no other (default: {sandboxes.USUAL[name]} or the next free one).",
        )(function)
    return function


@sandbox.command()
@click.option("-C", "--directory", type=click.Path(path_type=Path), help="The configuration (default: here).")
@click.option("--hours", type=click.FloatRange(0.1, 72), default=8, show_default=True, help="Then it stops by itself.")
@port_options
@tells_problems
def up(directory: Path | None, hours: float, **ports: int | None) -> int:
    """Bring it up; what runs already stays. The first time it fetches Keycloak (177 MB) and checks its hash."""
    asked = {name: port for option, name in PORTS.items() if (port := ports[option.replace("-", "_")]) is not None}
    where = directory_of(directory)
    if not where.is_dir():  # a slip of the pen must not start servers in a directory made for it
        raise Refused(Problem(f"{where} is no directory", help="name the one that holds renkei.yaml"))
    with telling(Console(stderr=True)) as tell:
        found = sandboxes.up(where / SANDBOX, tell=tell, asked=asked, lifetime=timedelta(hours=hours))
    TERMINAL.out(
        [
            f"Keycloak           {found.keycloak_url}",
            f"  console          {found.keycloak_console}",
            f"  account          {found.admin_user}, password in {found.admin_password_file}",
            f"Kong (a stand-in)  {found.kong_proxy_url}   Admin API {found.kong_admin_url}",
            f"Upstream (echo)    {found.upstream_url}",
            f"It stops by itself after {hours:g} hours, or with: renkei sandbox down",
        ]
    )
    return 0


@sandbox.command()
@click.option("-C", "--directory", type=click.Path(path_type=Path), help="The configuration (default: here).")
@click.option("--wipe", is_flag=True, help="Delete its data too: realms, users, secrets.")
@tells_problems
def down(directory: Path | None, wipe: bool) -> int:
    """Stop it, and keep its data unless --wipe."""
    with telling(Console(stderr=True)) as tell:
        stopped = sandboxes.down(directory_of(directory) / SANDBOX, wipe=wipe, tell=tell)
    TERMINAL.out(["The sandbox is down." if stopped else "No sandbox was running here."])
    return 0


@sandbox.command()
@click.option("-C", "--directory", type=click.Path(path_type=Path), help="The configuration (default: here).")
@json_option
@tells_problems
def status(directory: Path | None, as_json: bool) -> int:
    """What runs, where, and until when. Exit code 1 when it is not all up."""
    found = sandboxes.status(directory_of(directory) / SANDBOX)
    if as_json:
        parts = [vars(part) for part in found.parts]
        until = found.until.isoformat(timespec="seconds") if found.until else None
        TERMINAL.json({"format_version": FORMAT_VERSION, "running": found.running, "until": until, "parts": parts})
        return 0 if found.running else 1
    for part in found.parts:
        TERMINAL.out([f"{pad(part.name, 10)} {'running' if part.running else 'stopped'}  {part.url or ''}"])
    if not found.running:
        TERMINAL.out(["The sandbox is not up: renkei sandbox up"])
    elif found.until:
        TERMINAL.out([f"It stops by itself at {found.until.astimezone():%Y-%m-%d %H:%M}."])
    return 0 if found.running else 1


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for a shell.

    \b
    Example:
      renkei completion bash > ~/.local/share/bash-completion/completions/renkei
    """
    from control_plane.cli.main import cli  # here, because main lists this command

    script = get_completion_class(shell)
    if script is not None:
        TERMINAL.out([script(cli, {}, "renkei", "_RENKEI_COMPLETE").source()])
    return 0


COMMANDS = (init, doctor, sandbox, completion)
