"""Drift as text: what Git says is expected, what the servers have is found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from control_plane.render.columns import pad
from control_plane.render.document import Document
from control_plane.render.plan import heading, origin_text, show, unmanaged_lines, visible

WORDS = {"create": "missing", "update": "changed", "delete": "not declared"}


def drift_lines(document: Document) -> Iterator[str]:
    """Every difference by system and place, then unmanaged objects, then the count."""
    by_place = sorted(document["changes"], key=lambda c: (c["target"], c["within"], c["kind"], c["name"]))
    for (target, within), changes in groupby(by_place, key=lambda c: (c["target"], c["within"])):
        yield heading(document, target, within)
        for change in changes:
            name = "" if change["name"] == change["within"] else visible(change["name"])
            line = f"  {pad(WORDS[change['action']], 12)} {change['kind']} {name}"
            yield f"{pad(line, 60)} {origin_text(change)}".rstrip()
            for field in change.get("changes", ()):
                yield f"      {visible(field['field'])}"
                yield f"        expected  {show(field['after'])}"
                yield f"        found     {show(field['before'])}"
    yield from unmanaged_lines(document)
    yield _summary(document)


def has_drifted(document: Document) -> bool:
    """Whether the live system is not what Git says: a difference, or a stranger on an object of ours."""
    return bool(document["changes"] or document["conflicts"] or any(f["attached"] for f in document["unmanaged"]))


def _summary(document: Document) -> str:
    attached = sum(found["attached"] for found in document["unmanaged"])
    counts = document["counts"]
    if not has_drifted(document):
        return f"No drift: {counts['unchanged']} objects are as declared, {counts['unmanaged']} unmanaged."
    return (
        f"Drift: {counts['update']} changed, {counts['create']} missing, {counts['delete']} not declared, "
        f"{attached} unmanaged on our own objects; {counts['unchanged']} as declared."
    )
