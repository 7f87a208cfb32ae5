"""The rotation of a realm's key as data, and as text for the person who confirms it. Key ids are public."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from control_plane.engine.apply import Done, Outcome
from control_plane.keycloak.rotation import Ring, SigningKey
from control_plane.render.columns import pad
from control_plane.render.document import FORMAT_VERSION, About, Document, outcomes_document

HARD = (
    "Tokens that were signed before are refused by the gateway from then on: clients fetch a new one when they get 401."
)


def rotation_document(
    about: About, ring: Ring, steps: Sequence[str], old: Sequence[SigningKey], credentials: int
) -> Document:
    """What is to do, and the realm's keys as they are now."""
    until = ring.old_until
    return {
        "format_version": FORMAT_VERSION,
        "platform": about.platform,
        "environment": about.environment,
        "realm": ring.realm,
        "steps": list(steps),
        "credentials": credentials,
        "old": [key.kid for key in old],
        "keys": [{"kid": key.kid, "priority": key.priority, "active": key.active} for key in ring.keys],
        "signing": ring.signing.kid,
        "old_until": until.isoformat(timespec="seconds") if until and ring.old else None,
    }


def rotated_document(
    document: Document, done: Sequence[str], seconds: float | None = None, outcomes: Sequence[Outcome] = ()
) -> Document:
    """The same after the run: the steps that it went through, and what became of Kong's credentials."""
    return {
        **document,
        "done": list(done),
        "seconds": seconds,
        "outcomes": outcomes_document(outcomes),
        "complete": all(isinstance(outcome, Done) for outcome in outcomes),
    }


def rotation_lines(document: Document) -> Iterator[str]:
    """Each step on a line, in its order."""
    yield f"Realm key  {document['environment']}  realm {document['realm']}"
    kept = ", ".join(_short(kid) for kid in document["old"]) or "the old key"
    number = document["credentials"]
    what = {
        "prepare": ("+", "key", "Keycloak makes the next key, published and not yet signing"),
        "sign": ("~", "key", f"it signs from then on instead of {_short(document['signing'])}"),
        "credentials": (
            "~",
            "credentials",
            f"Kong's {number} of the realm take it at once; wait until the gateway has them",
        ),
        "keep": ("~", "key", f"{kept} stays published, and verifies only"),
        "wait": ("?", "key", f"{kept} stays published until {document['old_until']}: nothing to do before"),
        "remove": ("-", "key", f"{kept} goes: every token that it has signed has ended"),
    }
    for step in document["steps"]:
        symbol, kind, told = what[step]
        yield f"  {symbol} {pad(kind, 12)} {told}"
    if "sign" in document["steps"]:
        yield HARD


def rotated_lines(document: Document) -> Iterator[str]:
    """What has become of it."""
    steps = document["done"]
    if "sign" in steps or "credentials" in steps:
        yield f"Realm {document['realm']} signs with {_short(document['signing'])}."
        if document["credentials"]:
            yield f"The gateway took the new key {document['seconds']:.2f} s after Keycloak began to sign with it."
    if "keep" in steps and document["old_until"]:
        yield f"The old key may go at {document['old_until']}: run the same command then."
    if "remove" in steps:
        yield "The old key is gone; the rotation is complete."


def _short(kid: str) -> str:
    return kid if len(kid) <= 12 else kid[:12] + "…"
