"""A plan's data as text for a review: what is open now first, then one line per object, one per field that changes."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from control_plane.render.columns import pad, shorten
from control_plane.render.document import SECURITY, UNMANAGED, Document

SYMBOLS = {"create": "+", "update": "~", "delete": "-"}
MORE_OPEN = "Security: more is open than Git says."
GONE = {"update": "no longer declared", "delete": "no longer declared"}  # where no line of the YAML asks for it
STRANGE = "!"  # without our mark
TARGETS = {"keycloak": "Keycloak", "kong": "Kong"}
ORIGIN_AT = 60
VALUE = 70  # columns of a value before it is cut
MEMBER = 160  # of a member of a set: what tells two grants apart may stand at their end


def plan_lines(document: Document) -> Iterator[str]:
    """What is open and why, the changes grouped by system and place, then what is unmanaged, then the count."""
    opened = list(security_lines(document))
    yield from opened
    if opened and document["changes"]:
        yield "All changes:"
    yield from change_lines(document)
    yield from unmanaged_lines(document)
    yield from unproven_lines(document)
    yield from meanwhile_lines(document)
    yield from (f"Note: {visible(note)}." for note in document["notes"])
    yield from deletable_lines(document)
    yield summary(document)


def security_lines(document: Document) -> Iterator[str]:
    """What gives somebody more than Git says, each with how: what this plan mends, and what only a person can."""
    lists = (document["changes"], document["conflicts"], document["unmanaged"])
    found = [one for them in lists for one in them if one["severity"] == SECURITY]
    if found:
        yield MORE_OPEN
    by_place = sorted(found, key=lambda one: (one["target"], one["within"], one["kind"], one["name"]))
    for (target, within), those in groupby(by_place, key=lambda one: (one["target"], one["within"])):
        yield heading(document, target, within)
        for one in those:
            yield _object_line(SYMBOLS.get(one.get("action", ""), STRANGE), one)
            yield f"      {visible(one['why'])}"
            if one.get("remove"):
                yield f"      apply leaves it; remove it, or declare it: {visible(one['remove'])}"


def change_lines(document: Document) -> Iterator[str]:
    by_place = sorted(document["changes"], key=lambda c: (c["target"], c["within"], c["wave"], c["kind"], c["name"]))
    for (target, within), changes in groupby(by_place, key=lambda c: (c["target"], c["within"])):
        yield heading(document, target, within)
        for change in changes:
            yield _object_line(SYMBOLS[change["action"]], change)
            if "was" in change:
                was = change["was"]
                where = (
                    "" if was["name"] == was["within"] or was["within"] == change["within"] else f" on {was['within']}"
                )
                yield f"      {pad('was', 12)} {visible(was['name'] + where)}; {change['moves']}"
            if "costs" in change:
                yield f"      {pad('costs', 12)} {change['costs']}"
            for name, value in change.get("initial", {}).items():
                yield f"      {pad(visible(name), 12)} {show(value)}"
            for field in change.get("changes", ()):
                yield f"      {pad(visible(field['field']), 12)} {_field_text(field)}"


def meanwhile_lines(document: Document) -> Iterator[str]:
    """Whose callers may notice the change itself."""
    if document["meanwhile"]:
        names = ", ".join(map(visible, document["meanwhile"]))
        yield f"While it is taken up, for seconds, callers may be refused who are right before and after it: {names}."


def deletable_lines(document: Document) -> Iterator[str]:
    """Who has left and was kept for the time, unless this plan deletes them: they stand among its changes then."""
    going = {(one["within"], one["name"]) for one in document["changes"] if one["action"] == "delete"}
    names = [one for one in document["deletable"] if (one["within"], one["name"]) not in going]
    if names:
        shown = ", ".join(visible(f"{one['name']} ({one['within']})") for one in names[:10])
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        yield f"Left and kept for the time, to be deleted when their number is named: {shown}{more}."
        yield f"    --delete-people {len(names)}"


def unmanaged_lines(document: Document) -> Iterator[str]:
    """First what hangs on an object of ours, one by one; of the rest how many there are of each kind."""
    for found in document["unmanaged"]:
        if found["severity"] not in (SECURITY, UNMANAGED):
            place = f" on {visible(found['within'])}" if found["within"] not in ("", found["name"]) else ""
            yield (
                f"  {STRANGE} {TARGETS.get(found['target'], found['target'])} {found['kind']} "
                f"{visible(found['name'])}{place} is not managed by renkei; remove it or declare it"
            )
    yield from others_lines(document)


def unproven_lines(document: Document) -> Iterator[str]:
    """Secrets of which nobody can say whether they are as wanted, for the server never shows them."""
    for one in document["unproven"]:
        place = f" of realm {visible(one['within'])}" if one["within"] != one["name"] else ""
        where = f"{TARGETS.get(one['target'], one['target'])} {one['kind']} {visible(one['name'])}{place}"
        yield f"  = {where}: {one['field']} cannot be compared, only that the store has the one that was written last"


def others_lines(document: Document) -> Iterator[str]:
    """Objects of others that do nothing to ours: how many there are of each kind."""
    loose = [found for found in document["unmanaged"] if found["severity"] == UNMANAGED]
    for (target, kind), group in groupby(sorted(loose, key=_kind_of), key=_kind_of):
        names = [visible(found["name"]) for found in group]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        count = f"{len(names)} unmanaged, left alone"
        yield f"  ? {TARGETS.get(target, target)} {kind}: {count}: {', '.join(names[:3])}{more}"


def _kind_of(found: Document) -> tuple[str, str]:
    return found["target"], found["kind"]


def summary(document: Document) -> str:
    counts = document["counts"]
    rest = f"{counts['unchanged']} unchanged, {counts['unmanaged']} unmanaged"
    due = f" Next change by date: {document['next_change'][:10]}." if document["next_change"] else ""
    if not document["changes"]:
        return f"Nothing to do: {rest}.{due}"
    return (
        f"Plan {document['fingerprint']}: {counts['create']} to create, {counts['update']} to change, "
        f"{counts['delete']} to delete, {rest}.{due}"
    )


def heading(document: Document, target: str, within: str) -> str:
    place = f"  {'realm ' if target == 'keycloak' else ''}{visible(within)}" if within else ""
    return f"{TARGETS.get(target, target)}  {document['environment']}{place}"


def _object_line(symbol: str, change: Document) -> str:
    name = "" if change["name"] == change["within"] else visible(change["name"])
    line = f"  {symbol} {pad(change['kind'], 12)} {name}"
    told = origin_text(change) or GONE.get(change.get("action", ""), "")
    return f"{pad(line, ORIGIN_AT)} {told}".rstrip()


def origin_text(change: Document) -> str:
    origin = change.get("origin")
    return f"{origin['file']}:{origin['line']}" if origin else ""


def _field_text(field: Document) -> str:
    if "added" in field:
        removed, added = ([show(one, MEMBER) for one in field[name]] for name in ("removed", "added"))
        return "  ".join([*(f"- {one}" for one in removed), *(f"+ {one}" for one in added)])
    return f"{show(field['before'])} → {show(field['after'])}"


def show(value: Any, columns: int = VALUE) -> str:
    """A value in one line; a long text by its beginning, its length and a digest, so that two are told apart."""
    match value:
        case None:
            return "(none)"
        case bool():
            return "true" if value else "false"
        case str() if len(value) > 200 or "\n" in value:
            digest = hashlib.sha256(value.encode()).hexdigest()[:8]
            return f"({len(value)} characters, {digest})"
        case str():
            return shorten(visible(value), columns) or '""'
        case list():
            return shorten(", ".join(show(one) for one in value) or "(none)", VALUE)
        case {"secret": ref, "version": version}:
            return _reference("secret", ref, version)
        case {"cannot_be_compared": True}:
            return "(a secret that is not shown, and cannot be compared)"
        case {"realm_key": realm, "version": version}:
            return _reference("key of realm", realm, version)
        case dict():
            return shorten(", ".join(f"{name}: {show(one)}" for name, one in value.items()), VALUE)
        case _:
            return str(value)


def _reference(what: str, where: str, version: str | None) -> str:
    name = f"{what} {where}".strip()
    return f"({name} {version[:8]})" if version else f"({name}, not there yet)"


def visible(text: str) -> str:
    """The text without control characters: a name on a server must not steer the terminal that shows it."""
    return "".join(letter if unicodedata.category(letter)[0] != "C" else "�" for letter in text)


def text(lines: Iterable[str]) -> str:
    return "".join(line + "\n" for line in lines)
