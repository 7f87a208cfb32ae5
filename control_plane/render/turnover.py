"""The turn-over of a service's secret as data, and as text for the person who confirms it. No secret is in either."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from control_plane.render.columns import pad
from control_plane.render.document import FORMAT_VERSION, About, Document

GAP = "The service is refused from then on until it has the new secret."
KEPT = "Both secrets are taken in between: the service takes the new one from the store when it suits."


def turnover_document(
    about: About, service: str, realm: str, place: str, steps: Sequence[str], keep: timedelta | None, until: str | None
) -> Document:
    """What is to do. `until` is the end of the old secret where Keycloak takes both."""
    return {
        "format_version": FORMAT_VERSION,
        "platform": about.platform,
        "environment": about.environment,
        "realm": realm,
        "service": service,
        "store": place,
        "steps": list(steps),
        "with_a_gap": keep is None,
        "keep_seconds": int(keep.total_seconds()) if keep else None,
        "old_until": until,
    }


def turned_document(document: Document, done: Sequence[str], until: str | None) -> Document:
    """The same after the run."""
    return {**document, "done": list(done), "old_until": until}


def turnover_lines(document: Document) -> Iterator[str]:
    """Each step on a line, in its order."""
    yield f"Client secret  {document['environment']}  {document['service']} in realm {document['realm']}"
    place, until = document["store"], document["old_until"]
    gap = document["with_a_gap"]
    switch = "Keycloak takes the new one, and the old one no more" if gap else "Keycloak takes both, the old one for "
    what = {
        "new": ("+", "secret", f"a new one in the store, {place}#client_secret_next"),
        "switch": ("~", "client", switch if gap else f"{switch}{_span(document['keep_seconds'])}"),
        "store": ("~", "secret", f"the new one takes its place in the store, {place}#client_secret"),
        "wait": ("?", "client", f"Keycloak takes the old one until {until}: nothing to do before"),
        "end": ("-", "client", "Keycloak takes the old one no more"),
        "forget": ("-", "secret", f"the old one goes from the store, {place}#client_secret_previous"),
    }
    for step in document["steps"]:
        symbol, kind, told = what[step]
        yield f"  {symbol} {pad(kind, 12)} {told}"
    if "switch" in document["steps"]:
        yield GAP if gap else KEPT


def turned_lines(document: Document) -> Iterator[str]:
    """What has become of it."""
    if "store" in document["done"]:
        yield f"{document['service']} has a new secret: {document['store']}#client_secret in the store."
        if document["old_until"]:
            yield f"The old one is taken until {document['old_until']}: run the same command then."
        else:
            yield "The old one is refused."
    if "forget" in document["done"]:
        yield "The old secret is gone; the service has one."


def _span(seconds: int) -> str:
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % unit == 0:
            return f"{seconds // unit} {name}{'s' if seconds > unit else ''}"
    return f"{seconds} seconds"


def instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
