"""Bodies of requests: JSON, or a form whose values take the types of the schema."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from control_plane.sandbox.kong.admin.call import Call
from control_plane.sandbox.kong.entities import Body, Entity
from control_plane.sandbox.kong.errors import KongError, unexpected
from control_plane.sandbox.kong.schema import Field
from control_plane.sandbox.kong.writes import schema_of

FORM = "application/x-www-form-urlencoded"
_REFUSED = (
    "<html>\r\n<head><title>415 Unsupported Media Type</title></head>\r\n"
    "<body>\r\n<center><h1>415 Unsupported Media Type</h1></center>\r\n</body>\r\n</html>\r\n"
)
_MOST_PARTS = 20  # of a form's dotted name


class UnsupportedMediaType(Exception):
    """Answered in HTML, with status 415: the web server in front of Kong's code refuses it."""

    html = _REFUSED


def body_of(call: Call, entity: Entity | None) -> Body:
    """The body as an object; without one, an empty object.

    Raises:
        KongError: broken JSON, or JSON that is no object.
        UnsupportedMediaType: neither JSON nor a form.
    """
    kind = call.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json":
        return _json(call.body)
    if kind == FORM:
        nested = _nested(call.body.decode("utf-8", "replace"))
        return _typed(schema_of(entity, nested).entity, nested) if entity else nested
    if call.body or kind:
        raise UnsupportedMediaType
    return {}


def _json(raw: bytes) -> Body:
    try:
        value = json.loads(raw, parse_float=_number, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise KongError(400, {"message": "Cannot parse JSON body"}) from error
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise unexpected()
    return value


def _number(text: str) -> float | int:
    """Lua has one kind of number: 1e3 is an integer."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _no_constant(text: str) -> Any:
    raise ValueError(text)


def _nested(text: str) -> Body:
    """`config.allow[]=x` as nested objects and lists."""
    out: Body = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *above, last = name.split(".", _MOST_PARTS)
        inner = out
        for part in above:
            below = inner.setdefault(part, {})
            if not isinstance(below, dict):
                below = inner[part] = {}
            inner = below
        element = re.fullmatch(r"(.+)\[\d*\]", last)
        if element:
            already = inner.get(element[1])
            inner[element[1]] = [*already, value] if isinstance(already, list) else [value]
        elif isinstance(inner.get(last), str):
            inner[last] = [inner[last], value]
        else:
            inner[last] = value
    return out


def _typed(field: Field, value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, dict):
        return {
            name: _typed(field.fields[name], inner) if name in field.fields else inner for name, inner in value.items()
        }
    if field.type in ("array", "set"):
        elements = value if isinstance(value, list) else [value]
        return [_typed(field.elements, element) if field.elements else element for element in elements]
    if not isinstance(value, str):
        return value
    if field.type == "boolean":
        return {"true": True, "false": False}.get(value, value)
    if field.type in ("integer", "number"):
        try:
            return _number(value)
        except (ValueError, OverflowError):
            return value
    return value
