"""report and schema: files for people and for editors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from control_plane.app.listing import report as report_of
from control_plane.catalog.schema import schemas
from control_plane.cli.files import write
from control_plane.cli.options import ask_of, configuration, tells_problems
from control_plane.cli.terminal import TERMINAL
from control_plane.problems import Problem, Refused
from control_plane.reports import FORMATS, LISTS, file_name, render

BINARY = frozenset({"xlsx"})


@click.command()
@click.argument("name", type=click.Choice(sorted(LISTS)))
@configuration
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="csv", show_default=True)
@click.option("--locale", type=click.Choice(["ja", "en"]), help="Language of the headings (default: renkei.yaml).")
@click.option("--out", type=click.Path(), help="A file; or a directory (lists/) for a file with a dated name.")
@click.option("--configuration-only", is_flag=True, help="Ask no server; the list says so.")
@click.option("--who", is_flag=True, help="consents: name the people. Without it the list has numbers alone.")
@tells_problems
def report(
    name: str, form: str, locale: Any, out: str | None, configuration_only: bool, who: bool, **options: Any
) -> int:
    """The list of users, services, APIs by version, consents, or ids of people, with the evidence that it is complete.

    \b
    Examples:
      renkei report users --format xlsx --out lists/
      renkei report services -e production --format html --out services.html
      renkei report apis --format xlsx --out lists/           who may still call which version?
      renkei report consents                                  how many have consented to what?
      renkei report subjects | grep a2f1c0de-                 who is this at the service?
      renkei report users --format json | jq .rows[0]
    """
    ask = ask_of(options)
    found, chosen = report_of(ask, name, live=not configuration_only, who=who)
    data = render(found, form, locale or chosen)
    if out is None:
        if form in BINARY and sys.stdout.isatty():
            raise Refused(Problem(f"{form} is no text for a terminal", help="name a file: --out lists/"))
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return 0
    into = out.endswith("/") or Path(out).is_dir()
    path = Path(out) / file_name(found, form) if into else Path(out)
    write(path, data)
    TERMINAL.out([str(path)])
    return 0


@click.command()
@click.argument("kind", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write one file per kind there.")
@tells_problems
def schema(kind: str | None, out: Path | None) -> int:
    """JSON Schema of the configuration's files, for editors.

    \b
    Examples:
      renkei schema tenant
      renkei schema --out docs/schema
    """
    found = schemas()
    if kind is not None and kind not in found:
        raise Refused(Problem(f"there is no kind of file '{kind}'", help=f"one of {', '.join(found)}"))
    if out is None:
        TERMINAL.json(found[kind] if kind else dict(found))
        return 0
    for name in [kind] if kind else found:
        write(out / f"{name}.json", (json.dumps(found[name], ensure_ascii=False, indent=2) + "\n").encode())
        TERMINAL.out([str(out / f"{name}.json")])
    return 0


COMMANDS = (report, schema)
