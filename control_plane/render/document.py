"""A plan, and what came of it, as plain data with a `format_version`. The text is made from it too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from control_plane.engine.apply import Done, Failed, Outcome
from control_plane.engine.fingerprint import fingerprint
from control_plane.engine.plan import Change, Create, Delete, FieldChange, Plan, Update
from control_plane.engine.resource import Key
from control_plane.engine.values import plain
from control_plane.problems import Origin, Problem

FORMAT_VERSION = 1

SECURITY, CHANGE, UNMANAGED = "security", "change", "unmanaged"  # of a difference

Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class About:
    """What a plan was made for."""

    platform: str
    environment: str
    as_of: datetime
    commit: str | None = None
    only: tuple[str, ...] = ()
    next_change: datetime | None = None
    notes: tuple[str, ...] = ()  # what the changes mean for people, where they do not say it themselves
    deletable: tuple[Key, ...] = ()  # accounts that have left and were kept long enough

    def fingerprint(self, plan: Plan) -> str:
        return fingerprint(plan, self.platform, self.environment, *self.only)


def plan_document(plan: Plan, about: About) -> Document:
    """The plan as data: every change with its fields, counts, what is unmanaged, what conflicts."""
    changes = [
        {**_change(change, number), **_severity(plan, change.key), **_costs(plan, change.key)}
        for number, wave in enumerate(plan.waves, 1)
        for change in wave.changes
    ]
    actions = Counter(change["action"] for change in changes)
    return {
        "format_version": FORMAT_VERSION,
        "platform": about.platform,
        "environment": about.environment,
        "as_of": about.as_of.isoformat(timespec="seconds"),
        "commit": about.commit,
        "only": list(about.only),
        "fingerprint": about.fingerprint(plan),
        "counts": {
            "create": actions["create"],
            "update": actions["update"],
            "delete": actions["delete"],
            "unchanged": plan.unchanged,
            "unmanaged": len(plan.unmanaged),
            "conflicts": len(plan.conflicts),
        },
        "next_change": about.next_change.isoformat(timespec="seconds") if about.next_change else None,
        "unproven": [{**_key(want.key), "field": name, "origin": _origin(want.origin)} for want, name in plan.unproven],
        "meanwhile": list(plan.meanwhile),
        "notes": list(about.notes),
        "deletable": [_key(key) for key in about.deletable],
        "changes": changes,
        "conflicts": [
            {**_key(have.key), "origin": _origin(want.origin), **_severity(plan, want.key)}
            for want, have in plan.conflicts
        ],
        "unmanaged": [
            {
                **_key(found.key),
                "attached": found.attached,
                **_severity(plan, found.key, CHANGE if found.attached else UNMANAGED),
                "remove": found.remove,
            }
            for found in plan.unmanaged
        ],
    }


def _severity(plan: Plan, key: Key, otherwise: str = CHANGE) -> Document:
    """`security` for what widens access to something of ours, and how; else what the difference is otherwise."""
    why = plan.dangers.get(key)
    return {"severity": SECURITY if why else otherwise, "why": why}


def _costs(plan: Plan, key: Key) -> Document:
    """What is lost by making the change, where anything is."""
    return {"costs": plan.costs[key]} if key in plan.costs else {}


def outcomes_document(outcomes: Sequence[Outcome]) -> list[Document]:
    """What became of each change: done, failed with its problems, or not attempted and why."""
    return [_outcome(outcome) for outcome in outcomes]


def problem_document(problem: Problem) -> Document:
    return {
        "message": problem.message,
        "origin": _origin(problem.origin),
        "note": problem.note,
        "help": problem.help,
    }


def _outcome(outcome: Outcome) -> Document:
    told: Document = {"action": _action(outcome.change), **_key(outcome.change.key)}
    match outcome:
        case Done():
            return {**told, "outcome": "done"}
        case Failed(problems=problems):
            return {**told, "outcome": "failed", "problems": [problem_document(problem) for problem in problems]}
        case _:
            return {**told, "outcome": "not attempted", "because": outcome.because}


def _change(change: Change, wave: int) -> Document:
    told: Document = {"action": _action(change), **_key(change.key), "wave": wave}
    match change:
        case Create(want):
            told |= {"origin": _origin(want.origin), "fields": plain({**want.fields, **want.initial})}
            return {**told, "initial": plain(want.initial)} if want.initial else told
        case Update(have=have, want=want, changes=changes, moves=moves):
            told |= {"origin": _origin(want.origin or have.origin), "changes": [_field(c) for c in changes]}
            return {**told, "was": _key(have.key), "moves": moves} if moves else told
        case _:
            return {**told, "origin": _origin(change.have.origin)}


def _action(change: Change) -> str:
    match change:
        case Create():
            return "create"
        case Update():
            return "update"
        case Delete():
            return "delete"


def _field(change: FieldChange) -> Document:
    told: Document = {"field": ".".join(change.path), "before": plain(change.before), "after": plain(change.after)}
    if isinstance(change.before, frozenset) and isinstance(change.after, frozenset):
        told["added"] = plain(change.after - change.before)
        told["removed"] = plain(change.before - change.after)
    return told


def _key(key: Key) -> Document:
    target, _, kind = key.kind.partition(".")
    return {"target": target, "kind": kind, "within": key.within, "name": key.name}


def _origin(origin: Origin | None) -> Document | None:
    return {"file": origin.file, "line": origin.line, "column": origin.column} if origin else None
