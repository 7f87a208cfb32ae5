"""Who may do what, as text: the answer, the reason, and the lines of the YAML that say so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeAlias

from control_plane.render.columns import pad, width
from control_plane.render.plan import visible

Document: TypeAlias = dict[str, Any]

SHOWN = {"key": "with its key", "token": "with a token", "none": "without credentials"}
WHOSE = {"service": "its own", "tenant": "its tenant's"}
ORIGIN_AT = 66


def can_lines(document: Document) -> Iterator[str]:
    """One line for each version, and below it why."""
    shown = (
        f"for a person who is {', '.join(document['roles'])}" if document["roles"] else SHOWN[document["credential"]]
    )
    told = [document["service"], shown, f"at {document['at']}"]
    told += [f"from {document['from']}"] if document["from"] else []
    told += [f"for {document['scope']}"] if document["scope"] else []
    yield " ".join(told)
    for decision in document["decisions"]:
        yield from _decision(document["api"], decision)


def _decision(api: str, one: Document) -> Iterator[str]:
    asked = f"{api}.{one['version']}"
    answer = "allowed" if one["allowed"] else "refused"
    scope = f", {one['scope']}" if one["scope"] else ""
    yield f"{answer}  {one['status']}  {asked}  {one['method']} {visible(one['path'])}: {one['reason']}{scope}"
    if one["leads_to"] not in (asked, None):
        yield f"    {pad('path', 9)}leads to {one['leads_to']}"
    for line in one["because"]:
        yield _with_origin(f"    {pad(line['what'], 9)}{line['says']}", line["origin"])
    for limit in one["limits"]:
        whose = WHOSE.get(limit["of"]) or f"the level's, for each {limit['counted']}"
        yield _with_origin(f"    {pad('limit', 9)}{limit['calls']} per {limit['span']}, {whose}", limit["origin"])
    for name, value in one["sets"].items():
        yield f"    {pad('sets', 9)}{name}: {value}"


def _with_origin(text: str, origin: Document | None) -> str:
    return f"{pad(visible(text), ORIGIN_AT)}  {_place(origin)}".rstrip()


def _place(origin: Document | None) -> str:
    return f"{origin['file']}:{origin['line']}" if origin else ""


def who_lines(document: Document) -> Iterator[str]:
    """A line for each service, and for each role through it, and the data that it has until the same day."""
    methods = " ".join([", ".join(document["methods"]), *document["paths"]])
    yield f"{document['level']} of {document['api']} ({methods}), at {document['at']}"
    if document["allowed_ips"]:
        yield f"only from {', '.join(document['allowed_ips'])}"
    rows = [_row(holder) for holder in document["holders"]]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(pad(cell, size) for cell, size in zip(row, widths, strict=True)).rstrip()
    for role, *including in sorted({tuple(holder["roles"]) for holder in document["holders"] if holder["roles"]}):
        if including:
            yield f"  {role}: also people who are {', '.join(including)}"
    yield _counted(document["holders"])


def _counted(holders: Sequence[Document]) -> str:
    services = {holder["service"] for holder in holders if not holder["roles"]}
    through = {holder["service"] for holder in holders if holder["roles"]}
    if None in services:
        return "everybody may"
    return f"{_services(services)} may" + (f", people through {_services(through)}" if through else "")


def _services(names: Collection[str]) -> str:
    return f"{len(names)} {'service' if len(names) == 1 else 'services'}"


def _row(one: Document) -> Sequence[str]:
    return (
        f"{one['service']} for {one['roles'][0]}" if one["roles"] else one["service"] or "everybody",
        ", ".join(one["versions"]),
        ", ".join(one["scopes"]),
        one["until_text"],
        ", ".join(one["auth"]),
        f"from {', '.join(one['allowed_ips'])}" if one["allowed_ips"] else "",
        ", ".join(_place(origin) for origin in one["origins"]),
    )
