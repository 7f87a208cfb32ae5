"""validate, plan, apply, drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from control_plane.app import apply as applying
from control_plane.app import expect
from control_plane.app import validate as validating
from control_plane.app.run import Run, make
from control_plane.catalog.model import Catalog
from control_plane.cli.files import write
from control_plane.cli.options import (
    adopt_option,
    ask_of,
    configuration,
    confirm,
    delete_people_option,
    json_option,
    run_options,
    tells_problems,
)
from control_plane.cli.terminal import TERMINAL, Applying
from control_plane.engine.apply import Done, Failed, Skipped
from control_plane.problems import Refused
from control_plane.render.document import FORMAT_VERSION, SECURITY, Document, outcomes_document, plan_document
from control_plane.render.drift import drift_lines, has_drifted
from control_plane.render.plan import change_lines, plan_lines, visible

DIFFERENCES = 2

retire_option = click.option(
    "--allow-retire",
    multiple=True,
    metavar="API.VERSION",
    help="This version may stop answering although it is in use. Repeatable.",
)


@click.command()
@configuration
@json_option
@tells_problems
def validate(as_json: bool, **options: Any) -> int:
    """Check the configuration: its form, its references, its rules, in every environment. Needs no server.

    \b
    Examples:
      renkei validate
      renkei -C my-platform validate -e production
    """
    catalogs = validating.validate(ask_of(options))
    counts = _counts(catalogs[0])
    names = [catalog.environment.name for catalog in catalogs]
    if as_json:
        TERMINAL.json({"format_version": FORMAT_VERSION, "environments": names, "counts": counts, "problems": []})
    else:
        told = ", ".join(_counted(number, name.replace("_", " ")) for name, number in counts.items())
        TERMINAL.out([f"{catalogs[0].platform.name} is valid in {', '.join(names)}: {told}."])
    return 0


def _counted(number: int, things: str) -> str:
    return f"{number} {things.removesuffix('s') if number == 1 else things}"


def _counts(catalog: Catalog) -> dict[str, int]:
    return {
        "tenants": len(catalog.tenants),
        "users": sum(1 for _ in catalog.users()),
        "services": sum(1 for _ in catalog.services()),
        "grants": sum(1 for _ in catalog.grants()),
        "apis": len(catalog.apis),
        "roles": len(catalog.roles),
        "data_scopes": len(catalog.scopes),
    }


@click.command()
@run_options
@adopt_option
@delete_people_option
@click.option("--exit-code", is_flag=True, help="Exit with 2 when there is something to do.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Keep the plan, for apply --expect FILE.")
@retire_option
@json_option
@tells_problems
def plan(exit_code: bool, out: Path | None, allow_retire: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Show what apply would change, and the fingerprint of exactly that. Changes nothing.

    \b
    Examples:
      renkei plan
      renkei plan -e production --out plan.json
      renkei plan --only nasushiobara --only kong.route
    """
    run = make(ask_of(options))
    document = plan_document(run.plan, run.about)
    if out:
        write(out, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
    if as_json:
        TERMINAL.json(document)
    else:
        TERMINAL.out(plan_lines(document))
        if run.plan:
            TERMINAL.out(["To apply exactly this:", f"    {_apply_command(run, document, out, allow_retire)}"])
    _tell_refusals(run, allow_retire)
    return DIFFERENCES if exit_code and run.plan else 0


@click.command()
@run_options
@adopt_option
@delete_people_option
@click.option("--expect", "expected", metavar="PLAN", help="Apply exactly this: a fingerprint, or plan --out's file.")
@click.option("--allow-deletes", type=click.IntRange(0), metavar="N", help="Exactly N removals are meant.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@retire_option
@json_option
@tells_problems
def apply(
    expected: str | None,
    allow_deletes: int | None,
    allow_retire: tuple[str, ...],
    yes: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Make Keycloak and Kong what the YAML says, then read again and plan again: nothing may be left.

    \b
    Examples:
      renkei apply                                 shows the plan and asks
      renkei apply --expect 4f2a91c0b7d3           applies exactly that plan, or refuses and shows what moved
      renkei apply --expect plan.json              the same, with the file that plan --out wrote
      renkei apply --allow-deletes 12 --yes        12 removals are meant
      renkei apply --delete-people 3               3 accounts that left long ago are meant to be deleted
      renkei apply --allow-retire ngsi-v2.v1       that version may stop answering, whoever still uses it
    """
    run = make(ask_of(options))
    document = plan_document(run.plan, run.about)
    if expected:
        expect.check(document, expected)
    applying.check(run, allow_deletes, allow_retire)
    if not as_json:
        TERMINAL.out(plan_lines(document))
    if run.plan and not (yes or expected):
        confirm(
            f"Apply this to {run.about.environment}?",
            "whether this plan should be applied",
            "--expect FINGERPRINT for exactly one plan, or --yes for whatever is found",
        )
    with TERMINAL.progress() as shown:
        applied = applying.apply(run, Applying(TERMINAL, shown))
    left = plan_document(applied.left, run.about)
    if as_json:
        outcomes = outcomes_document(applied.outcomes)
        TERMINAL.json({**document, "outcomes": outcomes, "left": left["changes"], "complete": applied.complete})
    else:
        TERMINAL.out(_result(applied))
    _tell_failures(applied, left)
    return 0 if applied.complete else 1


@click.command()
@run_options
@click.option(
    "--fail-on",
    type=click.Choice(["any", SECURITY]),
    default="any",
    show_default=True,
    help="Exit with 2 for every difference, or only for one that widens access.",
)
@json_option
@tells_problems
def drift(fail_on: str, as_json: bool, **options: Any) -> int:
    """Compare the live system with Git: exit code 2 when it is not what the YAML says. Changes nothing.

    What widens access comes first and says how.

    \b
    Examples:
      renkei drift -e production
      renkei drift -e production --json > drift.json
      renkei drift -e production --fail-on security
    """
    run = make(ask_of(options))
    document = plan_document(run.plan, run.about)
    if as_json:
        TERMINAL.json({**document, "drift": has_drifted(document)})
    else:
        TERMINAL.out(drift_lines(document))
    return DIFFERENCES if has_drifted(document, SECURITY if fail_on == SECURITY else None) else 0


def _apply_command(run: Run, document: Document, out: Path | None, allow_retire: tuple[str, ...]) -> str:
    words = ["renkei"]
    if str(run.ask.directory) != ".":
        words += ["-C", str(run.ask.directory)]
    words += ["apply", "-e", run.about.environment]
    words += [word for only in run.ask.only for word in ("--only", only)]
    words += ["--adopt"] if run.ask.adopt else []
    words += [] if run.ask.delete_people is None else ["--delete-people", str(run.ask.delete_people)]
    words += [word for name in allow_retire for word in ("--allow-retire", name)]
    return " ".join([*words, "--expect", str(out or document["fingerprint"])])


def _tell_refusals(run: Run, allow_retire: tuple[str, ...]) -> None:
    """What apply would say no to, told with the plan already."""
    try:
        applying.check(run, None, allow_retire)
    except Refused as refused:
        TERMINAL.say("apply would refuse this plan:")
        TERMINAL.problems(refused.problems)
    TERMINAL.problems([problem for target in run.systems.targets for problem in target.preflight()])


def _result(applied: applying.Applied) -> list[str]:
    done = sum(isinstance(outcome, Done) for outcome in applied.outcomes)
    if not applied.outcomes:
        return []
    if applied.complete:
        return [f"Applied: {done} changes, read back: nothing is left to do."]
    failed = sum(isinstance(outcome, Failed) for outcome in applied.outcomes)
    skipped = sum(isinstance(outcome, Skipped) for outcome in applied.outcomes)
    return [f"Not complete: {done} done, {failed} failed, {skipped} not attempted. Run apply again when it is mended."]


def _tell_failures(applied: applying.Applied, left: Document) -> None:
    for outcome in applied.outcomes:
        if isinstance(outcome, Failed):
            TERMINAL.say(f"failed: {visible(str(outcome.change.key))}")
            TERMINAL.problems(outcome.problems)
        elif isinstance(outcome, Skipped):
            TERMINAL.say(f"not attempted: {visible(str(outcome.change.key))}: {outcome.because}")
    if applied.left and all(isinstance(outcome, Done) for outcome in applied.outcomes):
        TERMINAL.say("Written without an error, but not there when read back:")
        for line in change_lines(left):
            TERMINAL.say(line)


COMMANDS = (validate, plan, apply, drift)
