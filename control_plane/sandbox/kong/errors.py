"""The refusals of the Admin API: `{message, name, code, fields}` with Kong's own codes and words.

1 invalid primary key     5 unique constraint violation     10 invalid unique …
2 schema violation        6 not found                       11 invalid options
3 primary key violation   7 invalid offset                  13 foreign keys unresolved
4 foreign key violation   9 invalid size
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Errors = dict[str, Any]  # mirrors the body: text, lists padded with None, nested records; entity-wide ones in "@entity"


class KongError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("message")))
        self.status = status
        self.body = body


def not_found() -> KongError:
    """The path, the parent or the entity is not there."""
    return KongError(404, {"message": "Not found"})


def unexpected() -> KongError:
    """What Kong answers where its own code fails."""
    return KongError(500, {"message": "An unexpected error occurred"})


def coded(status: int, code: int, name: str, message: str, fields: Mapping[str, Any] | None = None) -> KongError:
    """An error with one of Kong's codes."""
    body = {"code": code, "name": name, "message": message}
    return KongError(status, body if fields is None else {**body, "fields": fields})


def schema_violation(errors: Errors) -> KongError:
    """Code 2, with every mistake that was found."""
    parts = list(_sentences(errors))
    count = "schema violation" if len(parts) == 1 else f"{len(parts)} schema violations"
    return coded(400, 2, "schema violation", f"{count} ({'; '.join(parts)})", errors)


def absent_reference(field: str, row_id: str, collection: str) -> KongError:
    """Code 4: a foreign key by id that points to nothing."""
    message = f"the foreign key '{{id=\"{row_id}\"}}' does not reference an existing '{collection}' entity."
    return coded(400, 4, "foreign key violation", message, {field: {"id": row_id}})


def still_referenced(collection: str, by: str) -> KongError:
    """Code 4: a row that others refer to cannot be deleted."""
    message = f"an existing '{by}' entity references this '{collection}' entity"
    return coded(400, 4, "foreign key violation", message, {"@referenced_by": by})


def authority_in_use(row_id: str, service_id: str) -> KongError:
    """Code 4, in words of its own. From Kong's sources; not recorded."""
    message = f"ca certificate {row_id} is still referenced by services (id = {service_id})"
    return coded(400, 4, "foreign key violation", message)


def unresolved_reference(field: str, by: str, value: str, collection: str) -> KongError:
    """Code 13: a foreign key by name that points to nothing."""
    text = f"the foreign key cannot be resolved with '{{{by}={quoted(value)}}}' for an existing '{collection}' entity"
    message = f"foreign key unresolved ({field}.{by}: {text})"
    return coded(400, 13, "foreign keys unresolved", message, {field: {by: text}})


def taken(fields: Mapping[str, Any]) -> KongError:
    """Code 5: another row has these values."""
    return coded(409, 5, "unique constraint violation", f"UNIQUE violation detected on '{literal(fields)}'", fields)


def id_taken(row_id: str) -> KongError:
    """Code 3: another row has this id."""
    fields = {"id": row_id}
    return coded(409, 3, "primary key violation", f"primary key violation on key '{literal(fields)}'", fields)


def no_such_entity(fields: Mapping[str, Any]) -> KongError:
    """Code 6: a PATCH of what is not there."""
    what = f"with primary key '{literal(fields)}'" if "id" in fields else f"with '{literal(fields)}'"
    return coded(404, 6, "not found", f"could not find the entity {what}", fields)


def invalid_option(option: str, why: str) -> KongError:
    """Code 11: a query parameter or a ttl."""
    body = {"code": 11, "name": "invalid options", "message": f"invalid option ({option}: {why})"}
    return KongError(400, {**body, "options": {option: why}})


def literal(value: object) -> str:
    """A value as Kong quotes keys in messages: `{consumer=null,name="x"}`."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}={literal(value[key])}" for key in sorted(value)) + "}"
    return "null" if value is None else quoted(str(value))


def quoted(text: str) -> str:
    """Text as Lua's `%q` writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\\n") + '"'


def _sentences(errors: Errors) -> Iterator[str]:
    yield from errors.get("@entity", ())
    for name in sorted(errors.keys() - {"@entity"}):
        found = errors[name]
        if isinstance(found, str):
            yield f"{name}: {found}"
            continue
        inner = sorted(found.items()) if isinstance(found, Mapping) else enumerate(found, 1)
        for key, value in inner:
            if value is not None:
                yield f"{name}.{key}: {value if isinstance(value, str) else _pretty(value, '')}"


def _pretty(value: Any, indent: str) -> str:
    """Nested errors as Kong prints them: a Lua table over several lines."""
    if isinstance(value, str):
        return quoted(value)
    deeper = indent + "  "
    items = _table_items(value, deeper)
    return "{\n" + ",\n".join(f"{deeper}{item}" for item in items) + f"\n{indent}}}"


def _table_items(value: Mapping[str, Any] | Sequence[Any], indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            name = key if re.fullmatch(r"[A-Za-z_]\w*", key) else f"[{quoted(key)}]"
            yield f"{name} = {_pretty(value[key], indent)}"
        return
    gap = False
    for number, item in enumerate(value, 1):
        if item is None:
            gap = True
        else:
            yield (f"[{number}] = " if gap else "") + _pretty(item, indent)
