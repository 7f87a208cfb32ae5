"""request-transformer: method, path, headers, query and body of the request; values may hold `$(Lua expressions)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from control_plane.sandbox.kong.proxy.arguments import body_args, encode_query, write_body
from control_plane.sandbox.kong.proxy.exchange import Exchange, Outgoing
from control_plane.sandbox.kong.proxy.paths import escape
from control_plane.sandbox.kong.proxy.pdk import Session
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.plugins.functions import Chunk, functions
from control_plane.sandbox.kong.proxy.plugins.response_transformer import pairs
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import wire

# What a template may name besides Lua's own functions; anything else is nil.
_NAMES = """
local headers, query_params, shared = kong.request.get_headers(), kong.request.get_query(), kong.ctx.shared
local captures, uri_captures = kong.request.get_uri_captures(), {}
for place, text in ipairs(captures.unnamed) do uri_captures[place] = text end
for name, text in pairs(captures.named) do uri_captures[name] = text end
local kong, ngx = nil, nil
"""
Args = dict[str, Any]


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    """Raises LuaFailed: a template failed."""
    outgoing, config = exchange.outgoing, instance.config
    if outgoing is None:
        return None
    render = _renderer(exchange, instance)
    if config["replace"].get("uri"):
        outgoing.path = escape(render(wire(config["replace"]["uri"])))
    if config.get("http_method"):
        outgoing.method = config["http_method"].upper()
    _headers(exchange, instance, render)
    _query(exchange, outgoing, instance, render)
    _body(exchange, outgoing, instance, render)
    return None


def _headers(exchange: Exchange, instance: Instance, render: Callable[[str], str]) -> None:
    config, headers = instance.config, exchange.headers
    for name in config["remove"]["headers"]:
        headers.remove(wire(name))
    for old, new in pairs(config["rename"]["headers"]):
        values = headers.all(old)
        if values:
            headers.remove(old)
            headers.set(new, *values)
    for name, value in _rendered(config["replace"]["headers"], render):
        if name in headers:
            headers.set(name, value)
            if name.lower() == "host" and exchange.outgoing:
                exchange.outgoing.host = value
    for name, value in _rendered(config["add"]["headers"], render):
        if name not in headers:
            headers.set(name, value)
    for name, value in _rendered(config["append"]["headers"], render):
        headers.add(name, value)


def _query(exchange: Exchange, outgoing: Outgoing, instance: Instance, render: Callable[[str], str]) -> None:
    if _wanted(instance, "querystring"):
        outgoing.query = encode_query(_changed(exchange.query_args, instance, "querystring", render)) or None


def _body(exchange: Exchange, outgoing: Outgoing, instance: Instance, render: Callable[[str], str]) -> None:
    """JSON objects and forms; any other body stays as it is."""
    kind = exchange.headers.get("content-type") or ""
    if not _wanted(instance, "body") or not re.search("application/(json|x-www-form-urlencoded)", kind.lower()):
        return
    outgoing.body = write_body(kind, _changed(body_args(exchange), instance, "body", render))


def _wanted(instance: Instance, where: str) -> bool:
    return any(instance.config[action].get(where) for action in ("remove", "rename", "replace", "add", "append"))


def _changed(args: Args, instance: Instance, where: str, render: Callable[[str], str]) -> Args:
    config, found = instance.config, dict(args)
    for name in config["remove"][where]:
        found.pop(wire(name), None)
    for old, new in pairs(config["rename"][where]):
        if old in found:
            found[new] = found.pop(old)
    for name, value in _rendered(config["replace"][where], render):
        if name in found:
            found[name] = value
    for name, value in _rendered(config["add"][where], render):
        found.setdefault(name, value)
    for name, value in _rendered(config["append"][where], render):
        before = found.get(name)
        found[name] = value if before is None else [*(before if isinstance(before, list) else [before]), value]
    return found


def _rendered(entries: list[str], render: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    for name, value in pairs(entries):
        yield name, render(value)


def _renderer(exchange: Exchange, instance: Instance) -> Callable[[str], str]:
    def render(text: str) -> str:
        if "$(" not in text:
            return text
        lua = functions(exchange, instance)
        chunk = instance.once(
            f"template {text}", lambda: Chunk(lua.cage.load(_source(text), "template"), run_before=True)
        )
        return str(lua.run(Session(exchange, "access"), chunk, instance.id))

    return render


def _source(text: str) -> str:
    """The template as Lua that gives its text."""
    parts, rest = [], text
    while "$(" in rest:
        before, _, rest = rest.partition("$(")
        end = _closing(rest)
        parts += [_literal(before), f"tostring({rest[:end]})"]
        rest = rest[end + 1 :]
    return f"{_NAMES} return {' .. '.join([*parts, _literal(rest)])}"


def _closing(text: str) -> int:
    """Where the parenthesis closes that was opened before `text`."""
    depth = 1
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return place
    return len(text)


def _literal(text: str) -> str:
    return '"' + "".join(f"\\{ord(character):03d}" for character in text) + '"'
