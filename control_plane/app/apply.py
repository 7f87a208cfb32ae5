"""Make a plan real, then read again: what was written must be there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from control_plane.app.run import Run, against
from control_plane.engine import apply as engine
from control_plane.engine import safety
from control_plane.engine.apply import Event, Outcome
from control_plane.engine.plan import Create, Plan, Update
from control_plane.engine.read import references
from control_plane.engine.values import Secret
from control_plane.keycloak import addresses, lastadmin, renames
from control_plane.kong.retiring import problems as in_use
from control_plane.problems import Problem, Refused


@dataclass(frozen=True)
class Applied:
    outcomes: tuple[Outcome, ...]
    left: Plan  # what a new plan would still change: nothing, when all has held

    @property
    def complete(self) -> bool:
        return not self.left and all(isinstance(outcome, engine.Done) for outcome in self.outcomes)


def check(run: Run, allow_deletes: int | None, allow_retire: tuple[str, ...] = ()) -> None:
    """Raise Refused with every reason why this plan must not be applied as it is.

    `allow_retire` are the versions, `ngsi-v2.v1`, that may stop answering although somebody has a grant on them.
    """
    limits = run.catalog.platform.limits
    empty = not run.want and not run.ask.only
    retiring = in_use(run.catalog, run.plan, run.there, allow_retire)
    safety.check(
        run.plan,
        empty=empty,
        limit=limits.deletes,
        allowed=allow_deletes,
        counted=run.deletable if run.ask.delete_people is not None else frozenset(),
        also=run.dormant,
        more=[*retiring, *_of_people(run), *_miscounted(run)],
    )


def _of_people(run: Run) -> Iterator[Problem]:
    yield from lastadmin.problems(run.plan, run.there)
    yield from renames.problems(run.plan, run.want, run.there)
    yield from addresses.problems(run.plan, run.want, run.there)


def _miscounted(run: Run) -> Iterator[Problem]:
    named, due = run.ask.delete_people, len(run.deletable)
    if named is None:
        return
    if run.ask.at is not None:
        yield Problem("--delete-people counts from today, and --at was given", help="leave one of the two out")
    if named != due:
        yield Problem(
            f"--delete-people {named} was given, and {due} accounts may be deleted",
            note="those that left longer ago than their realm's template keeps them: `people: {keep_days: …}`",
            help=f"read the plan again; if it is right: --delete-people {due}" if due else "leave --delete-people out",
        )


def apply(run: Run, tell: Callable[[Event], None]) -> Applied:
    """Write the plan's changes; the secrets that they need are made first. Then read everything once more.

    Raises Refused, before the first write, when a node lacks what the configuration relies on.
    """
    if not run.plan:
        return Applied((), run.plan)
    missing = [problem for target in run.systems.targets for problem in target.preflight()]
    if missing:
        raise Refused(*missing)
    for target in run.systems.targets:
        target.tidy()
    secrets = _secrets(run.plan)
    run.systems.book.ensure(
        secrets,
        {ref: one.previously for ref, one in secrets.items() if one.previously},
        {ref: one.shape for ref, one in secrets.items() if one.shape},
    )
    outcomes = engine.apply(run.plan, run.systems.targets, tell=tell)
    return Applied(outcomes, against(run.ask, run.catalog).plan)


def _secrets(plan: Plan) -> dict[str, Secret]:
    """The secrets that the plan's writes will resolve, by reference."""
    written = (change.want.fields for change in plan if isinstance(change, Create | Update))
    initial = (change.want.initial for change in plan if isinstance(change, Create))
    found = (reference for fields in (*written, *initial) for reference in references(fields))
    return {one.ref: one for one in found if isinstance(one, Secret)}
