"""Lists: pages in the order of ids, and the filter by tags."""

from __future__ import annotations

import base64
import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from control_plane.sandbox.kong.admin.call import Call
from control_plane.sandbox.kong.errors import coded, invalid_option, unexpected
from control_plane.sandbox.kong.store import Row, Store
from control_plane.sandbox.kong.writes import Parent

DEFAULT_SIZE = 100
MOST_SIZE = 1000
MOST_TAGS = 5


def listed(store: Store, call: Call, collection: str, parent: Parent | None) -> tuple[list[Row], dict[str, Any]]:
    """One page of rows, and what the answer says of the next one. A nested list knows no tags."""
    size, after = page_of(call)
    if parent:
        return cut(call, store, collection, store.ids(collection, parent.foreign, parent.row["id"]), size, after)
    tags = tags_of(call)
    ids = store.ids(collection) if tags is None else sorted(_tagged(store, collection, *tags))
    return cut(call, store, collection, ids, size, after, keep=True)


def cut(
    call: Call, store: Store, collection: str, ids: Sequence[str], size: int, after: str, *, keep: bool = False
) -> tuple[list[Row], dict[str, Any]]:
    """The rows of one page."""
    start = bisect_right(ids, after)
    page = ids[start : start + size]
    rows = [row for row_id in page if (row := store.get(collection, row_id))]
    last = page[-1] if start + size < len(ids) else None
    return rows, following(call, last, keep=keep)


def following(call: Call, last: str | None, *, keep: bool) -> dict[str, Any]:
    """`next` and `offset`; on the top level the next address repeats tags and size, when nested it does not."""
    if last is None:
        return {"next": None}
    offset = base64.urlsafe_b64encode(json.dumps([last]).encode()).decode()
    kept = [f"{name}={quote(call.query[name][0], safe='')}" for name in ("tags", "size") if keep and name in call.query]
    return {"next": f"{call.path}?{'&'.join([f'offset={quote(offset)}', *kept])}", "offset": offset}


def page_of(call: Call) -> tuple[int, str]:
    """How many are asked for, and after which id."""
    return _size(call.query.get("size")), _offset(call.query.get("offset"))


def tags_of(call: Call) -> tuple[bool, list[str]] | None:
    """Whether all of the tags must be there, or one; None without a filter."""
    given = call.query.get("tags")
    if given is None:
        return None
    text = given[0]
    if not text:
        raise invalid_option("tags", "cannot be null")
    every = "/" not in text
    tags = text.split("," if every else "/")
    if ("," in text and not every) or not any(tags):
        raise invalid_option("tags", "invalid filter syntax")
    if len(tags) > MOST_TAGS:
        raise invalid_option("tags", f"cannot query more than {MOST_TAGS} tags")
    return every, tags


def _tagged(store: Store, collection: str, every: bool, tags: list[str]) -> set[str]:
    sets = [store.tagged(collection, tag) for tag in tags]
    return set.intersection(*sets) if every else set.union(*sets)


def _size(given: tuple[str, ...] | None) -> int:
    if given is None:
        return DEFAULT_SIZE
    if len(given) > 1:
        raise unexpected()  # as in Kong
    try:
        size = float(given[0])
    except ValueError:
        raise coded(400, 9, "invalid size", "size must be a number") from None
    if not math.isfinite(size) or not size.is_integer() or not 1 <= size <= MOST_SIZE:
        raise coded(400, 9, "invalid size", f"size must be an integer between 1 and {MOST_SIZE}")
    return int(size)


def _offset(given: tuple[str, ...] | None) -> str:
    if given is None:
        return ""
    try:
        (after,) = json.loads(base64.urlsafe_b64decode(given[0]))
        if not isinstance(after, str):
            raise ValueError(after)
    except (ValueError, TypeError, RecursionError):
        why = f"'{given[0]}' is not a valid offset: bad json encoding"
        raise coded(400, 7, "invalid offset", why) from None
    return after
