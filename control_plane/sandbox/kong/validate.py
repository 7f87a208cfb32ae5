"""The interpreter of Kong's schema language: defaults, then what is wrong with a value."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from control_plane.sandbox.kong.errors import Errors
from control_plane.sandbox.kong.rules import RULES, UUID
from control_plane.sandbox.kong.schema import Field

Value = Any  # JSON
_ARTICLE = {"integer": "an", "array": "an"}


def filled(record: Field, given: Mapping[str, Value]) -> dict[str, Value]:
    """All fields of the record: what was given, else the default, else null. Unknown fields stay, to be refused."""
    out = {
        name: _shaped(field, given[name]) if name in given else _default(field) for name, field in record.fields.items()
    }
    out.update({name: value for name, value in given.items() if name not in record.fields})
    for old, path in record.shorthands.items():
        value = out.pop(old, None)
        if value is not None:
            _set(out, path, value)
    return out


def shown(record: Field, value: Mapping[str, Value]) -> dict[str, Value]:
    """The record as Kong shows it: old names repeat the values of the new ones."""
    out = {
        name: shown(record.fields[name], inner)
        if isinstance(inner, Mapping) and name in record.fields and record.fields[name].type == "record"
        else inner
        for name, inner in value.items()
    }
    return {**out, **{old: _get(value, path) for old, path in record.shorthands.items()}}


def merged(record: Field, old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, Value]:
    """A PATCH: records are merged field by field, all else is replaced."""
    out = {name: value for name, value in old.items() if name not in record.shorthands}
    for name, value in new.items():
        field = record.fields.get(name)
        before = out.get(name)
        if field and field.type == "record" and isinstance(value, Mapping) and isinstance(before, Mapping):
            out[name] = merged(field, before, value)
        else:
            out[name] = value
    return out


def errors_in(record: Field, value: Mapping[str, Value]) -> Errors:
    """What is wrong with each field; empty if all is well."""
    found = {name: "unknown field" for name in value if name not in record.fields and name not in record.shorthands}
    for name, field in record.fields.items():
        error = error_in(field, value.get(name))
        if error:
            found[name] = error
    return found


def error_in(field: Field, value: Value) -> Any:
    """What is wrong with one value: text, or for lists and records a list or a mapping of texts; None if nothing."""
    if value is None:
        return "required field missing" if field.required else None
    if "eq" in field.raw and (error := RULES["eq"](field.raw["eq"], value)):
        return error
    error = _error_in_type(field, value)
    if error:
        return error
    for rule, argument in field.rules:
        if error := RULES[rule](argument, value):
            return field.raw.get("err", error) if rule == "match" else error
    return field.check(value) if field.check else None


def _error_in_type(field: Field, value: Value) -> Any:
    match field.type:
        case "foreign":
            return _error_in_reference(value)
        case "array" | "set":
            return _errors_in_list(field, value) if isinstance(value, list) else f"expected {_a(field.type)}"
        case "map":
            return _error_in_map(field, value) if isinstance(value, dict) else "expected a map"
        case "record":
            return errors_in(field, value) if isinstance(value, dict) else "expected a record"
        case kind:
            return None if _is(kind, value) else f"expected {_a(kind)}"


def _is(kind: str, value: Value) -> bool:
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    return not isinstance(value, bool) and isinstance(value, int if kind == "integer" else int | float)


def _a(kind: str) -> str:
    return f"{_ARTICLE.get(kind, 'a')} {kind}"


def _error_in_reference(value: Value) -> Errors | None:
    row_id = value.get("id") if isinstance(value, Mapping) else None
    if row_id is None:
        return {"id": "missing primary key"}
    if not isinstance(row_id, str) or not UUID.fullmatch(row_id):
        return {"id": "expected a valid UUID"}
    return {key: "unknown field" for key in value if key != "id"} or None


def _errors_in_list(field: Field, value: list[Value]) -> list[Any] | None:
    if field.elements is None:
        return None
    errors = [error_in(field.elements, element) for element in value]
    while errors and errors[-1] is None:
        errors.pop()
    return errors or None


def _error_in_map(field: Field, value: Mapping[str, Value]) -> Any:
    for key, inner in value.items():
        error = (error_in(field.keys, key) if field.keys else None) or (
            error_in(field.values, inner) if field.values else None
        )
        if error:
            return error
    return None


def _default(field: Field) -> Value:
    default = field.raw.get("default")
    if field.type == "record" and (default is not None or field.required) and field.fields:
        return filled(field, default or {})
    return copy.deepcopy(default)


def _shaped(field: Field, value: Value) -> Value:
    """An empty list and an empty object are the same to Lua; a set holds each value once."""
    if field.type == "record" and field.fields and (isinstance(value, dict) or value == []):
        return filled(field, value or {})
    if field.type == "map" and value == []:
        return {}
    if field.type in ("array", "set") and value == {}:
        return []
    if field.type == "set" and isinstance(value, list) and all(isinstance(element, str) for element in value):
        return list(dict.fromkeys(value))
    return value


def _get(record: Mapping[str, Value], path: tuple[str, ...]) -> Value:
    value: Value = record
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _set(record: dict[str, Value], path: tuple[str, ...], value: Value) -> None:
    for name in path[:-1]:
        inner = record.get(name)
        if not isinstance(inner, dict):
            return
        record = inner
    record[path[-1]] = value
