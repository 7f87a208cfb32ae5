"""A tenant's accounts beside the list of its personnel office, as data and as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from control_plane.problems import Origin
from control_plane.render.document import FORMAT_VERSION, Document
from control_plane.render.plan import visible

TITLES = {"joiner": "To be added", "leaver": "Not in the list any more", "mover": "Changed"}


class Edit(Protocol):
    @property
    def who(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def where(self) -> Origin | None: ...
    @property
    def file(self) -> str: ...
    @property
    def lines(self) -> tuple[str, ...]: ...


def accounts_document(tenant: str, people: int, accounts: int, edits: Sequence[Edit]) -> Document:
    told = [
        {
            "username": edit.who,
            "is": edit.what,
            "file": edit.file,
            "line": edit.where.line if edit.where else None,
            "edits": list(edit.lines),
        }
        for edit in edits
    ]
    counts = {what: sum(edit.what == what for edit in edits) for what in TITLES}
    return {
        "format_version": FORMAT_VERSION,
        "tenant": tenant,
        "people": people,
        "accounts": accounts,
        "counts": counts,
        "differences": told,
    }


def accounts_lines(document: Document) -> Iterator[str]:
    for what, title in TITLES.items():
        found = [one for one in document["differences"] if one["is"] == what]
        if found:
            yield f"{title}: {len(found)}"
        for one in found:
            place = f"{one['file']}:{one['line']}" if one["line"] else f"{one['file']}, a new line"
            yield f"  {visible(one['username'])}  {place}"
            yield from (f"      {visible(line)}" for line in one["edits"])
    people, accounts = document["people"], document["accounts"]
    counts = ", ".join(f"{number} {what}{'' if number == 1 else 's'}" for what, number in document["counts"].items())
    yield f"{document['tenant']}: {people} people in the list, {accounts} accounts. {counts}."
