"""response-transformer: headers and JSON fields of the answer, also of an answer that Kong gives itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import wire


def header_filter(exchange: Exchange, instance: Instance, reply: Reply) -> None:
    """Of two `add` for one header the last counts: whether it is there is asked before the first."""
    config, headers = instance.config, reply.headers
    for name in config["remove"]["headers"]:
        headers.remove(wire(name))
    for old, new in pairs(config["rename"]["headers"]):
        values = headers.all(old)
        if values:
            headers.remove(old)
            headers.set(new, *values)
    for name, value in pairs(config["replace"]["headers"]):
        if name in headers:
            headers.set(name, value)
    present = {name.lower() for name, _ in headers}
    for name, value in pairs(config["add"]["headers"]):
        if name.lower() not in present:
            headers.set(name, value)
    for name, value in pairs(config["append"]["headers"]):
        headers.add(name, value)
    if _changes_body(instance, reply):
        headers.remove("content-length")


def body_filter(exchange: Exchange, instance: Instance, reply: Reply) -> Callable[[bytes], bytes] | None:
    """JSON bodies alone are changed."""
    return (lambda body: _transformed(body, instance.config)) if _changes_body(instance, reply) else None


def _changes_body(instance: Instance, reply: Reply) -> bool:
    wanted = any(instance.config[action]["json"] for action in ("remove", "rename", "replace", "add", "append"))
    return wanted and "application/json" in (reply.headers.get("content-type") or "").lower()


def _transformed(body: bytes, config: Mapping[str, Any]) -> bytes:
    try:
        value = json.loads(body)
    except ValueError:
        return body
    if not isinstance(value, dict):
        return body
    for name in config["remove"]["json"]:
        value.pop(name, None)
    for old, new in _split(config["rename"]["json"]):
        if old in value:
            value[new] = value.pop(old)
    for name, item in _typed(config["replace"]):
        if name in value:
            value[name] = item
    for name, item in _typed(config["add"]):
        value.setdefault(name, item)
    for name, item in _typed(config["append"]):
        before = value.get(name)
        value[name] = [*before, item] if isinstance(before, list) else [item] if before is None else [before, item]
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def pairs(entries: Iterable[str]) -> Iterator[tuple[str, str]]:
    """ "name:value" entries as wire text."""
    for name, value in _split(entries):
        yield wire(name), wire(value)


def _split(entries: Iterable[str]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        name, _, value = entry.partition(":")
        yield name.strip(), value.strip()


def _typed(action: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields with their values in the types that `json_types` names, text where it names none."""
    types = action.get("json_types") or []
    for place, (name, text) in enumerate(_split(action["json"])):
        match types[place] if place < len(types) else "string":
            case "number":
                yield name, _number(text)
            case "boolean":
                yield name, text == "true"
            case _:
                yield name, text


def _number(text: str) -> int | float | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return None
