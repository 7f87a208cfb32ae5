"""The rules that a field's schema may state, in the order in which Kong applies them, with Kong's words.

Each takes the rule's argument and the value (never None) and returns what is wrong, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from control_plane.sandbox.kong.luapattern import found

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

Rule = Callable[[Any, Any], str | None]


def is_regex(text: str) -> bool:
    """Whether it compiles; Python's dialect stands in for PCRE, whose named groups lack the P."""
    try:
        re.compile(re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", text))
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _eq(wanted: Any, value: Any) -> str | None:
    return None if value == wanted else f"value must be {'null' if wanted is None else wanted}"


def _not_one_of(refused: list[Any], value: Any) -> str | None:
    return f"must not be one of: {', '.join(map(str, refused))}" if value in refused else None


def _one_of(allowed: list[Any], value: Any) -> str | None:
    return None if value in allowed else f"expected one of: {', '.join(map(str, allowed))}"


def _gt(limit: float, value: float) -> str | None:
    return None if value > limit else f"value must be greater than {limit}"


def _timestamp(_: bool, value: float) -> str | None:
    return None if value >= 0 else "expected a valid timestamp"


def _uuid(_: bool, value: str) -> str | None:
    return None if UUID.fullmatch(value) else "expected a valid UUID"


def _is_regex(_: bool, value: str) -> str | None:
    return None if is_regex(value) else f"not a valid regex: {value}"


def _between(limits: list[float], value: float) -> str | None:
    return None if limits[0] <= value <= limits[1] else f"value should be between {limits[0]} and {limits[1]}"


def _len_eq(length: int, value: Any) -> str | None:
    return None if len(value) == length else f"length must be {length}"


def _len_min(length: int, value: Any) -> str | None:
    return None if len(value) >= length else f"length must be at least {length}"


def _starts_with(prefix: str, value: str) -> str | None:
    return None if value.startswith(prefix) else f"should start with: {prefix}"


def _match_none(refused: list[dict[str, str]], value: str) -> str | None:
    return next((rule["err"] for rule in refused if found(rule["pattern"], value)), None)


def _match(pattern: str, value: str) -> str | None:
    return None if found(pattern, value) else f"invalid value: {value}"


def _match_all(wanted: list[dict[str, str]], value: str) -> str | None:
    return next((rule["err"] for rule in wanted if not found(rule["pattern"], value)), None)


def _match_any(wanted: dict[str, Any], value: str) -> str | None:
    if any(found(pattern, value) for pattern in wanted["patterns"]):
        return None
    return str(wanted.get("err", f"invalid value: {value}"))


def _contains(wanted: Any, value: list[Any]) -> str | None:
    return None if wanted in value else f"expected to contain: {wanted}"


def _mutually_exclusive_subsets(subsets: list[list[str]], value: list[str]) -> str | None:
    used = [subset for subset in subsets if not set(subset).isdisjoint(value)]
    if len(used) < 2:
        return None
    return "these sets are mutually exclusive: " + ", ".join(f"({', '.join(map(repr, subset))})" for subset in used)


RULES: dict[str, Rule] = {
    "eq": _eq,
    "not_one_of": _not_one_of,
    "one_of": _one_of,
    "gt": _gt,
    "timestamp": _timestamp,
    "uuid": _uuid,
    "is_regex": _is_regex,
    "between": _between,
    "len_eq": _len_eq,
    "len_min": _len_min,
    "starts_with": _starts_with,
    "match_none": _match_none,
    "match": _match,
    "match_all": _match_all,
    "match_any": _match_any,
    "contains": _contains,
    "mutually_exclusive_subsets": _mutually_exclusive_subsets,
}
