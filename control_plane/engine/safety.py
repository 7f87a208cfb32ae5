"""What a plan may not do unless somebody names it. Nothing here has a `--force`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from control_plane.engine.plan import Change, Delete, Plan, Update
from control_plane.engine.resource import Key
from control_plane.engine.values import Secret
from control_plane.problems import Problem, Refused


def removals(plan: Plan) -> tuple[Change, ...]:
    """Deletes, and objects that nobody asks for any more and that are switched off instead."""
    return tuple(change for change in plan if isinstance(change, Delete) or _switches_off(change))


def _switches_off(change: Change) -> bool:
    """Not when it is off already and only something else of it changes."""
    return isinstance(change, Update) and change.want.origin is None and _off(change)


def _off(change: Update) -> bool:
    return change.want.fields.get("enabled") is False and "enabled" in change.changed


def check(
    plan: Plan,
    *,
    empty: bool,
    limit: int,
    allowed: int | None,
    counted: frozenset[Key] = frozenset(),
    also: frozenset[Key] = frozenset(),
    more: Iterable[Problem] = (),
) -> None:
    """Raise Refused with everything that the plan does unasked.

    `empty`: the whole configuration asks for nothing. `allowed` is the number of removals that the operator named;
    `counted` are those for which he has given a number of their own; `also` are objects that a rule switches off and no
    line of YAML. `more` is what a system of its own has against
    the plan.
    """
    problems = [
        *_conflicts(plan),
        *_locked_out(plan),
        *_protected(plan),
        *_many(plan, limit, allowed, counted, also),
        *more,
    ]
    if empty:
        problems.append(
            Problem(
                "the configuration asks for nothing",
                note="everything that renkei manages would go",
                help="check the directory given with -C; to end a platform, remove its tenants one after the other",
            )
        )
    if problems:
        raise Refused(*problems)


def _conflicts(plan: Plan) -> Iterator[Problem]:
    for want, have in plan.conflicts:
        yield Problem(
            f"{have.key} is there already and is not managed by renkei",
            want.origin,
            note="what carries no ownership mark is never changed",
            help="rename one of the two, remove the one on the server, or let it become ours: --adopt",
        )


def _locked_out(plan: Plan) -> Iterator[Problem]:
    """Who is adopted keeps the secret that he has: another one would end his calls with the apply."""
    for change in plan:
        if isinstance(change, Update) and not change.have.owned:
            for one in change.changes:
                if isinstance(one.before, Secret) and isinstance(one.after, Secret):
                    what = "another secret" if one.after.version else "no secret yet, and apply would make another"
                    yield Problem(
                        f"{change.key} would get a new secret with its adoption",
                        change.want.origin,
                        note=f"at {one.after.ref} the store has {what} than the one in use",
                        help="put the one in use there, and record it: renkei doctor --secrets",
                    )


def _protected(plan: Plan) -> Iterator[Problem]:
    for change in removals(plan):
        have = change.have if isinstance(change, Delete | Update) else None
        if have and have.protected:
            yield Problem(f"{have.key} must stay: {have.protected}")


def _many(
    plan: Plan, limit: int, allowed: int | None, counted: frozenset[Key], also: frozenset[Key]
) -> Iterator[Problem]:
    by_rule = {change.key for change in plan if change.key in also and isinstance(change, Update) and _off(change)}
    number = len({change.key for change in removals(plan)} - counted | by_rule)
    if number <= limit if allowed is None else number == allowed:
        return
    if allowed is None:
        yield Problem(
            f"{number} objects would be removed, more than the {limit} that are allowed unasked",
            note="the limit is `limits: {deletes: …}` in renkei.yaml; a user who is disabled counts too",
            help=f"read the plan; if it is right: --allow-deletes {number}",
        )
    else:
        yield Problem(
            f"--allow-deletes {allowed} was given, the plan removes {number}",
            help=f"read the plan again; if it is right: --allow-deletes {number}",
        )
