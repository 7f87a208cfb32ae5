"""Is this plan the one that was reviewed? `apply --expect` takes a fingerprint, or the file that `plan --out` wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from control_plane.problems import Problem, Refused
from control_plane.render.document import FORMAT_VERSION, Document
from control_plane.render.plan import show


def check(document: Document, expected: str) -> None:
    """Raise Refused, with what moved, unless the plan has the expected fingerprint.

    With a fingerprint alone only the two fingerprints can be told; with the reviewed plan's file each difference is.
    """
    reviewed = None if re.fullmatch(r"[0-9a-f]{8,64}", expected) else _reviewed(Path(expected))
    wanted = reviewed["fingerprint"] if reviewed else expected
    if document["fingerprint"] == wanted:
        return
    moved = list(_moved(reviewed, document)) if reviewed else []
    raise Refused(
        Problem(
            f"the plan is {document['fingerprint']} now, and {wanted} was expected",
            note="\n".join(["since the review:", *moved]) if moved else "something has changed since the review",
            help="read the plan again, and expect what it says then"
            + ("" if reviewed else "; with the file of `plan --out` as --expect, what moved is shown"),
        )
    )


def _reviewed(path: Path) -> Document:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(
            Problem(f"--expect {path}: {error.strerror}", help="give a fingerprint, or the file that plan --out wrote")
        ) from None
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION:
        raise Refused(Problem(f"{path} is not a plan of this version", help="make it with: renkei plan --out FILE"))
    return document


def _moved(before: Document, after: Document) -> Iterator[str]:
    was, now = _by_address(before), _by_address(after)
    for address in sorted({*was, *now}):
        if address not in now:
            yield f"  no longer   {' '.join(address)}"
        elif address not in was:
            yield f"  new         {' '.join(address)}"
        elif _content(was[address]) != _content(now[address]):
            yield f"  differs     {' '.join(address)}{_fields(was[address], now[address])}"


def _by_address(document: Document) -> dict[tuple[str, ...], Document]:
    return {
        (change["action"], f"{change['target']}.{change['kind']}", change["within"], change["name"]): change
        for change in document["changes"]
    }


def _content(change: Document) -> tuple[Any, Any]:
    return change.get("fields"), change.get("changes")


def _fields(was: Document, now: Document) -> str:
    if "changes" in was and "changes" in now:
        before = {field["field"]: field["after"] for field in was["changes"]}
        after = {field["field"]: field["after"] for field in now["changes"]}
    else:
        before, after = was.get("fields") or {}, now.get("fields") or {}
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return "".join(f"\n      {name}: {show(before.get(name))} → {show(after.get(name))}" for name in names)
