"""Drift as text: what widens access first and with its reason; what Git says is expected, what is there is found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from control_plane.render.columns import pad
from control_plane.render.document import CHANGE, SECURITY, UNMANAGED, Document
from control_plane.render.plan import MORE_OPEN, heading, origin_text, others_lines, show, unproven_lines, visible

WORDS = {"create": "missing", "update": "changed", "delete": "not declared"}
CONFLICT, STRANGE = "without our mark", "not managed"
HEADINGS = {SECURITY: MORE_OPEN, CHANGE: "Other differences:"}


def drift_lines(document: Document) -> Iterator[str]:
    """Every difference by severity, system and place, then what others have beside ours, then the count."""
    found = list(differences(document))
    for severity, title in HEADINGS.items():
        of_it = sorted((one for one in found if one["severity"] == severity), key=_order)
        if of_it and any(one["severity"] == SECURITY for one in found):
            yield title
        for (target, within), those in groupby(of_it, key=lambda one: (one["target"], one["within"])):
            yield heading(document, target, within)
            for one in those:
                yield from _difference(one)
    yield from others_lines(document)
    yield from unproven_lines(document)
    yield _summary(document)


def differences(document: Document) -> Iterator[Document]:
    """Changes, conflicts and strangers that are drift, each with the word for what it is."""
    yield from ({**one, "is": WORDS[one["action"]]} for one in document["changes"])
    yield from ({**one, "is": CONFLICT} for one in document["conflicts"])
    yield from ({**one, "is": STRANGE} for one in document["unmanaged"] if one["severity"] != UNMANAGED)


def has_drifted(document: Document, severity: str | None = None) -> bool:
    """Whether the live system is not what Git says: a difference, a stranger on an object of ours or one that opens it.

    With a severity, whether there is one of it.
    """
    return any(severity in (None, one["severity"]) for one in differences(document))


def _order(one: Document) -> tuple[str, ...]:
    return one["target"], one["within"], one["kind"], one["name"]


def _difference(one: Document) -> Iterator[str]:
    name = "" if one["name"] == one["within"] and one["is"] in WORDS.values() else visible(one["name"])
    line = f"  {pad(one['is'], 12)} {one['kind']} {name}"
    yield f"{pad(line, 60)} {origin_text(one)}".rstrip()
    if one["why"]:
        yield f"      {visible(one['why'])}"
    for field in one.get("changes", ()):
        yield f"      {visible(field['field'])}"
        yield f"        expected  {show(field['after'])}"
        yield f"        found     {show(field['before'])}"
    if one["is"] == STRANGE and one["remove"]:
        yield f"      remove it, or declare it: {visible(one['remove'])}"


def _summary(document: Document) -> str:
    counts = document["counts"]
    found = list(differences(document))
    if not found:
        return f"No drift: {counts['unchanged']} objects are as declared, {counts['unmanaged']} unmanaged."
    strange = sum(one["is"] == STRANGE for one in found)
    dangers = sum(one["severity"] == SECURITY for one in found)
    return (
        f"Drift: {counts['update']} changed, {counts['create']} missing, {counts['delete']} not declared, "
        f"{strange} unmanaged on our own objects; {counts['unchanged']} as declared. Security: {dangers}."
    )
