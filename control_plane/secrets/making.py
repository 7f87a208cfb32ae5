"""New secrets: for machines 32 random bytes, for a person to type letters that are not taken for one another."""

from __future__ import annotations

import secrets

from control_plane.engine.values import Shape

BYTES = 32  # of randomness, in a secret for a machine
UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I and O
LOWER = "abcdefghijkmnpqrstuvwxyz"  # no l and o
DIGITS = "23456789"
SPECIAL = "-+=.:_"


def made(shape: Shape | None) -> str:
    """A new one, from the system's own source of randomness."""
    return secrets.token_urlsafe(BYTES) if shape is None else _typed(shape)


def _typed(shape: Shape) -> str:
    sorts = ((UPPER, shape.upper), (LOWER, shape.lower), (DIGITS, shape.digits), (SPECIAL, shape.special))
    letters = [secrets.choice(sort) for sort, number in sorts for _ in range(number)]
    letters += [secrets.choice(UPPER + LOWER + DIGITS) for _ in range(shape.length - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)
