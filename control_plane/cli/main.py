"""The command `renkei` and its exit codes: 0 done or nothing to do, 1 error (usage too), 2 differences."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import click

from control_plane import __version__
from control_plane.cli.terminal import TERMINAL
from control_plane.problems import RenkeiError, bug

ERROR = 1
YOUNG = 50_000  # objects made before the collector looks: a run makes millions that stay, and hardly a cycle

COMMANDS: Mapping[str, str] = {  # command -> the module that has it
    "validate": "reconcile",
    "plan": "reconcile",
    "apply": "reconcile",
    "drift": "reconcile",
    "report": "lists",
    "schema": "lists",
    "can": "can",
    "accounts": "accounts",
    "render": "gateway",
    "import": "importing",
    "rotate": "rotate",
    "init": "setup",
    "doctor": "setup",
    "sandbox": "setup",
    "completion": "setup",
    "bootstrap": "bootstrap",
}


class Commands(click.Group):
    """A command's module is imported when it is called: a plan needs nothing of reports or of the sandbox."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = import_module(f"control_plane.cli.{COMMANDS[name]}")
        commands: Iterable[click.Command] = module.COMMANDS
        return next(command for command in commands if command.name == name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("-C", "--directory", type=click.Path(path_type=Path), help="The configuration (default: here).")
@click.version_option(__version__, prog_name="renkei")
@click.pass_context
def cli(context: click.Context, directory: Path | None) -> None:
    """Keep Keycloak and Kong as the YAML in Git says.

    \b
    Examples:
      renkei sandbox up                      a Keycloak and a stand-in Kong on this machine
      renkei validate                        is the configuration right?
      renkei plan                            what would change?
      renkei apply --expect 4f2a91c0b7d3     change exactly that
      renkei drift                           is the live system still what Git says? (exit code 2: no)
      renkei report users --format xlsx      the user list for the prefecture
      renkei can nasushiobara.portal ngsi-v2 GET /entities   may it, and which line says so?
      renkei accounts compare --hr staff.csv   who has joined, left or changed?
      renkei rotate realm-key nasushiobara   a new signing key, in Keycloak and at the gateway
      renkei rotate client-secret nasushiobara.portal   a new secret for a service, without a gap

    Exit codes: 0 done or nothing to do, 1 error, 2 differences.
    """
    context.obj = directory


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; every failure is told on stderr."""
    gc.set_threshold(YOUNG, 50, 50)
    try:
        code = cli.main(args=arguments, prog_name="renkei", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        TERMINAL.say("stopped")
        return ERROR
    except click.ClickException as error:
        error.show()
        return ERROR
    except RenkeiError as error:
        TERMINAL.problems(error.problems)
        return ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who read us has gone; be quiet at the end
        return ERROR
    except Exception as error:
        if os.environ.get("RENKEI_TRACEBACK"):
            traceback.print_exc()
        where = traceback.extract_tb(error.__traceback__)[-1]
        TERMINAL.problems(bug(f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}").problems)
        TERMINAL.say("  RENKEI_TRACEBACK=1 shows more; read it before you send it: it may quote your configuration")
        return ERROR
    return code if isinstance(code, int) else 0


def main() -> None:
    code = run()
    gc.freeze()  # else the interpreter's end looks once more through everything for cycles
    sys.exit(code)
