"""What pydantic says, in our own words: one sentence per kind of error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from control_plane.catalog.source import Part
from control_plane.catalog.words import ID, PATTERNS, USERNAME, nearest

Fields = Callable[[tuple[Part, ...]], Mapping[str, FieldInfo]]


@dataclass(frozen=True)
class Said:
    message: str
    note: str | None = None
    help: str | None = None


def sentence(detail: Any, path: tuple[Part, ...], fields: Fields) -> Said:
    """One error of pydantic as a message: which field, what is wrong, what to write."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), list(fields(path[:-1])))
    if kind == "missing":
        return _missing(str(name), fields(path[:-1]).get(str(name)))
    message, help = _wrong(kind, value, context, str(name))
    return Said(f"'{name}': {message}" if name else message, None, help)


def _unknown(key: str, known: Sequence[str]) -> Said:
    near = nearest(key, known)
    return Said(f"unknown field '{key}'", help=near or f"known here: {', '.join(known)}")


def _missing(name: str, field: FieldInfo | None) -> Said:
    words = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    help = f"{name}: {' | '.join(map(str, words))}" if words else None
    return Said(f"'{name}' is missing", field.description if field else None, help)


def _wrong(kind: str, value: Any, context: Any, name: str) -> tuple[str, str | None]:
    if kind == "renkei":
        return context["sentence"], context["help"]
    if kind == "string_type":
        numbered = name in ("version", "versions", "successor") and isinstance(value, int)
        return f"a text is expected, not {shown(value)}", f"write v{value}" if numbered else _quoted(value)
    if kind == "int_type":
        unquoted = isinstance(value, str) and re.fullmatch(r"[1-9][0-9]*", value, re.ASCII)
        return f"a whole number is expected, not {shown(value)}", f"{name}: {value}" if unquoted else None
    if kind == "bool_type":
        return f"true or false is expected, not {shown(value)}", _truth(value, name)
    if kind == "list_type":
        single = isinstance(value, str | int) and not isinstance(value, bool)
        return f"a list is expected, not {shown(value)}", f"{name}: [{value}]" if single else None
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return f"a mapping is expected, not {shown(value)}", None
    if kind == "literal_error":
        return _none_of(value, context["expected"])
    if kind == "string_pattern_mismatch":
        return f"{PATTERNS[context['pattern']]}; not {shown(value)}", _repaired(value, context["pattern"])
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters are possible, not {len(value)}", None
    if kind == "too_short":
        return "at least one is needed", None
    if kind == "greater_than_equal":
        return f"at least {context['ge']} is possible, not {value}", None
    if kind == "less_than_equal":
        return f"at most {context['le']} is possible, not {value}", None
    if kind == "is_instance_of":
        return "a secret is named, never written", "!secret path#field"
    return f"the value does not fit ({kind})", None


def shown(value: Any) -> str:
    """A value in a sentence, by its kind and, where it is short, itself."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return f"the number {value}"
        case str():
            return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}…'"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return "a secret"


def _quoted(value: Any) -> str | None:
    if isinstance(value, bool):
        return '"true"' if value else '"false"'
    return f'quote it: "{value}"' if isinstance(value, int) else None


def _truth(value: Any, name: str) -> str | None:
    word = str(value).lower()
    if word in ("yes", "on", "y", "true", "1"):
        return f"{name}: true"
    return f"{name}: false" if word in ("no", "off", "n", "false", "0") else None


def _none_of(value: Any, expected: str) -> tuple[str, str | None]:
    """`expected` is pydantic's list of words: 'draft', 'published' or 'retired'."""
    words = re.findall(r"'([^']*)'", expected) or re.findall(r"[0-9]+", expected)
    told = f"{shown(value)} is none of {', '.join(words)}"
    exact = next((word for word in words if word.lower() == str(value).lower()), None)
    return told, f"write {exact}" if exact else nearest(str(value), words)


def _repaired(value: str, pattern: str) -> str | None:
    if pattern not in (ID, USERNAME):
        return None
    near = re.sub(r"[\s_]+", "-", value.strip().lower())
    return f"write {near}" if near != value and re.fullmatch(pattern, near, re.ASCII) else None
