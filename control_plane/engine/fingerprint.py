"""A plan as a short text: two plans with the same fingerprint make the same changes."""

from __future__ import annotations

import hashlib

from control_plane.engine.plan import Change, Create, Delete, Plan, Update
from control_plane.engine.values import canonical, plain

LENGTH = 12  # hexadecimal digits that are shown and compared


def fingerprint(plan: Plan, *about: str) -> str:
    """The first digits of a SHA-256 over every change with its values, and over what else is told (the environment).

    Not part of it: where the YAML stands, the order of files, what stays as it is. Of a secret only its digest is.
    """
    content = [list(about), [[wave.settle, [_told(change) for change in wave.changes]] for wave in plan.waves]]
    return hashlib.sha256(canonical(content).encode()).hexdigest()[:LENGTH]


def _told(change: Change) -> list[object]:
    address = [change.key.kind, change.key.within, change.key.name]
    match change:
        case Create(want):
            return ["create", *address, plain({**want.fields, **want.initial})]
        case Update(have=have, changes=changes):
            fields = [[list(c.path), plain(c.before), plain(c.after)] for c in changes]
            before = [have.key.within, have.key.name] if have.key != change.key else []
            return ["update", *address, fields, *before]
        case Delete():
            return ["delete", *address]
