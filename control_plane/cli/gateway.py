"""render and import: Kong's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from control_plane.app import importing
from control_plane.app.rendering import kong_file
from control_plane.cli.files import SECRET, write
from control_plane.cli.options import ask_of, configuration, tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.problems import Problem, Refused
from control_plane.render.plan import visible


@click.group()
def render() -> None:
    """The configuration as a file of the system that it is for.

    \b
    Example:
      renkei render kong -e production --out kong.yaml
    """


@render.command("kong")
@configuration
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file; on stdout when not given.")
@click.option("--with-secrets", is_flag=True, help="Keys too, in clear: into a file that only you can read.")
@tells_problems
def render_kong(out: Path | None, with_secrets: bool, **options: Any) -> int:
    """Kong's declarative configuration, for review and for a Kong without a database. Asks no server without secrets.

    \b
    Examples:
      renkei render kong -e production --out kong.yaml
      renkei render kong -e production --with-secrets --out /run/kong/kong.yaml
    """
    if with_secrets and out is None:
        raise Refused(Problem("keys are not shown on a terminal", help="name a file: --out kong.yaml"))
    text = kong_file(ask_of(options), secrets=with_secrets)
    if out is None:
        TERMINAL.plain(text)
        return 0
    write(out, text.encode(), SECRET if with_secrets else None)
    TERMINAL.out([str(out)])
    return 0


@click.group("import")
def import_() -> None:
    """What exists, as a configuration to begin with.

    \b
    Example:
      renkei import kong --from kong.yaml --out my-platform --platform tochigi
    """


@import_.command("kong")
@click.option("--from", "source", required=True, metavar="SOURCE", help="An Admin API's address, or a file of decK's.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new directory.")
@click.option("--platform", required=True, help="The platform's id, and of the tenant that owns its APIs.")
@click.option("--keys", type=click.Path(path_type=Path, file_okay=False), help="Keep the callers' keys there (0600).")
@tells_problems
def import_kong(source: str, out: Path, platform: str, keys: Path | None) -> int:
    """APIs, services and grants from a Kong that exists. Writes nothing to it; tells what the YAML cannot say.

    \b
    Examples:
      renkei import kong --from http://127.0.0.1:8001 --out my-platform --platform tochigi
      renkei import kong --from kong.yaml --out my-platform --platform tochigi --keys my-platform/.renkei/imported
    """
    done = importing.import_kong(source, out, platform, keys)
    TERMINAL.out([f"  + {path}" for path in done.files])
    for note in done.notes:
        TERMINAL.out([f"  ! {visible(note.what)}: {visible(note.why)}", f"      {note.todo}"])
    kept = f"kept in {keys}" if keys else "not kept: --keys DIRECTORY"
    TERMINAL.out([f"{len(done.notes)} not taken over as it is, {done.keys} keys {kept}.", "Next:"])
    TERMINAL.out([f"    renkei -C {out} validate"])
    return 0


COMMANDS = (render, import_)
