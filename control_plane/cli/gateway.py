"""render: Kong's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from control_plane.app.rendering import kong_file
from control_plane.cli.files import SECRET, write
from control_plane.cli.options import ask_of, configuration, tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.problems import Problem, Refused


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


COMMANDS = (render,)
