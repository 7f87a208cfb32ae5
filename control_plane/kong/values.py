"""Kong's JSON as values that can be compared: lists without an order are sets, those with one are tuples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from control_plane.engine.values import Fields, Value, plain
from control_plane.kong.client import Row

# Lists whose order Kong does not look at, by the name of their field. Whatever is not here keeps its order.
SETS = frozenset(
    {
        "tags",
        "methods",
        "protocols",
        "allow",
        "deny",
        "key_names",
        "header_names",
        "uri_param_names",
        "cookie_names",
        "claims_to_verify",
        "http_statuses",
        "ca_certificates",
    }
)


def value(name: str, found: Any) -> Value:
    """One field's value in the shape in which wanted and found are compared."""
    if found is None or isinstance(found, str | frozenset):
        return found  # a set is one already
    if isinstance(found, dict):
        return {str(inner): value(str(inner), one) for inner, one in found.items()}
    if isinstance(found, list | tuple | set):
        items = (value("", one) for one in found)
        return frozenset(items) if name in SETS else tuple(items)
    if isinstance(found, float) and found.is_integer():
        return int(found)  # Lua has one sort of number
    return found  # type: ignore[no-any-return]  # a JSON scalar, or a reference from the client's boundary


def values(found: Mapping[str, Any]) -> Fields:
    return {name: value(name, one) for name, one in found.items()}


def declared(row: Row, names: Iterable[str]) -> Fields:
    """The fields of an entity that we declare; `tags` always, as an empty set where Kong has none."""
    return {**{name: value(name, row.get(name)) for name in names}, "tags": row["tags"]}


def flat(row: Row, foreign: str) -> Row:
    """The entity with the id of what it refers to, in the place of the reference."""
    reference = row.get(foreign)
    return {**row, foreign: reference["id"]} if isinstance(reference, Mapping) else row


def body(fields: Fields, *foreign: str) -> dict[str, object]:
    """Fields as the JSON that Kong takes; those of `foreign` hold the id of another entity."""
    found = {name: plain(one) for name, one in fields.items()}
    return found | {name: {"id": found[name]} for name in foreign if found.get(name) is not None}
