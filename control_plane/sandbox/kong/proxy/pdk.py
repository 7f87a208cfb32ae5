"""Kong's plugin development kit, as far as guards and log fields need it: what `call(name, …)` in cage.lua asks for.

Source: https://docs.konghq.com/gateway/latest/plugin-development/pdk/. Texts are wire text on both sides.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from control_plane.sandbox.kong.proxy.arguments import body_args, encode_query
from control_plane.sandbox.kong.proxy.exchange import Exchange, Outgoing
from control_plane.sandbox.kong.proxy.paths import escape, normalise
from control_plane.sandbox.kong.proxy.plugins.request_termination import shown
from control_plane.sandbox.kong.proxy.reply import JSON, Reply, page
from control_plane.sandbox.kong.proxy.router import python_regex
from control_plane.sandbox.kong.proxy.wire import Headers, parse_query, unescape, unwired, wire, wired

EARLY = ("rewrite", "access")


@dataclass
class Session:
    """A function's view of one request in one phase; `exited` is the answer that it gave itself."""

    exchange: Exchange
    phase: str
    exited: Reply | None = None

    def only_in(self, *phases: str) -> None:
        if self.phase not in phases:
            raise ValueError(f"function cannot be called in {self.phase} phase (only in: {', '.join(phases)})")

    @property
    def outgoing(self) -> Outgoing:
        self.only_in("access")
        if self.exchange.outgoing is None:
            raise ValueError("no upstream")
        return self.exchange.outgoing

    @property
    def response_headers(self) -> Headers:
        return self.exchange.reply.headers if self.exchange.reply else self.exchange.early_headers


def call(session: Session, name: str, *given: Any) -> Any:
    """What the function of this name gives. A value, or a tuple for several.

    Raises:
        ValueError: it may not be called so; the text is for the function's author.
        LookupError: there is no such function.
    """
    return _FUNCTIONS[name](session, *given)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("invalid value: must be a string, number or boolean")
    return value if isinstance(value, str) else f"{value:.14g}"


def _texts(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [_text(one) for one in value] if isinstance(value, list) else [_text(value)]


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", value):
        raise ValueError("invalid header name")
    return value


# ---------------------------------------------------------------- kong.request


def _header(headers: Headers, name: Any) -> str | None:
    if not isinstance(name, str):
        raise ValueError("header name must be a string")
    return headers.get(name.replace("_", "-"))


def _query_arg(session: Session, name: str) -> str | bool | None:
    found = session.exchange.query_args.get(name)
    return found[0] if isinstance(found, list) else found


def _raw_body(session: Session) -> str:
    session.only_in(*EARLY, "log")
    return session.exchange.incoming.body.decode("latin-1")


def _captures(session: Session) -> dict[str, Any]:
    match = session.exchange.match
    return {"named": dict(match.captures), "unnamed": list(match.groups)} if match else {"named": {}, "unnamed": []}


# ---------------------------------------------------------------- kong.service.request


def _set_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY)
    name, values = _name(name), _texts(value)
    if name.lower() == "host" and session.exchange.outgoing:
        session.exchange.outgoing.host = values[0]
    session.exchange.headers.set(name, *values)


def _add_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY)
    for one in _texts(value):
        session.exchange.headers.add(_name(name), one)


def _clear_header(session: Session, name: Any) -> None:
    session.only_in(*EARLY)
    session.exchange.headers.remove(_name(name))


def _set_headers(session: Session, headers: Any) -> None:
    for name, value in _table(headers).items():
        _set_header(session, name, value)


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    return value


def _set_path(session: Session, path: Any) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError("path must start with /")
    session.outgoing.path = escape(normalise(path))


def _set_query(session: Session, args: Any) -> None:
    session.outgoing.query = encode_query(dict(_table(args))) or None


def _set_raw_query(session: Session, query: Any) -> None:
    session.outgoing.query = _text(query) or None


def _set_method(session: Session, method: Any) -> None:
    if method not in ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        raise ValueError("invalid method")
    session.outgoing.method = method


def _set_scheme(session: Session, scheme: Any) -> None:
    if scheme not in ("http", "https"):
        raise ValueError("invalid scheme")
    session.outgoing.scheme = scheme


def _set_raw_body(session: Session, body: Any) -> None:
    session.outgoing.body = _text(body).encode("latin-1")


# ---------------------------------------------------------------- kong.response


def _exit(session: Session, status: Any, body: Any = None, headers: Any = None) -> None:
    session.only_in(*EARLY)
    lines = _exit_headers(status, headers)
    if body is None:
        reply = page(status, dict(lines)) if "content-type" not in lines else Reply(status, lines)
    elif isinstance(body, str):
        reply = Reply(status, lines, body.encode("latin-1"))
    else:
        if "content-type" not in lines:
            lines.add("Content-Type", JSON)
        reply = Reply(status, lines, _json(body))
    session.exited = reply


def _error(session: Session, status: Any, message: Any = None, headers: Any = None) -> None:
    session.only_in(*EARLY)
    lines = _exit_headers(status, headers)
    reply = session.exchange.error(status, unwired(_text(message)) if message is not None else "Error")
    for name, value in lines:
        reply.headers.set(name, value)
    session.exited = reply


def _exit_headers(status: Any, headers: Any) -> Headers:
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError("code must be a number between 100 and 599")
    lines = Headers()
    for name, value in (_table(headers) if headers else {}).items():
        lines.set(_name(name), *_texts(value))
    return lines


def _json(value: Any) -> bytes:
    return json.dumps(unwired(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _set_response_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY, "header_filter")
    session.response_headers.set(_name(name), *_texts(value))


def _add_response_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY, "header_filter")
    for one in _texts(value):
        session.response_headers.add(_name(name), one)


def _clear_response_header(session: Session, name: Any) -> None:
    session.only_in(*EARLY, "header_filter")
    session.response_headers.remove(_name(name))


def _set_response_headers(session: Session, headers: Any) -> None:
    for name, value in _table(headers).items():
        _set_response_header(session, name, value)


def _reply(session: Session) -> Reply:
    if session.exchange.reply is None:
        raise ValueError("there is no response yet")
    return session.exchange.reply


def _set_status(session: Session, status: Any) -> None:
    session.only_in("header_filter")
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError("code must be a number between 100 and 599")
    _reply(session).status = status


def _source(session: Session) -> str:
    return "service" if _reply(session).from_upstream else "exit"


def _get_response_body(session: Session) -> str:
    session.only_in("body_filter")
    return _reply(session).body.decode("latin-1")


def _set_response_body(session: Session, body: Any) -> None:
    session.only_in("body_filter")
    _reply(session).body = _text(body).encode("latin-1")


# ---------------------------------------------------------------- kong.client, kong.router, kong.log


def _entity(row: Mapping[str, Any] | None) -> Any:
    return None if row is None else wired({name: value for name, value in row.items() if value is not None})


def _routed(row: Mapping[str, Any] | None) -> Any:
    return None if row is None else wired(shown(row))


def _serialize_value(session: Session, key: Any, value: Any = None, _options: Any = None) -> None:
    session.exchange.notes.setdefault("log", {})[_text(key)] = value


# ---------------------------------------------------------------- ngx


def _decode_base64(_session: Session, text: Any) -> str | None:
    try:
        return base64.b64decode(_text(text), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return None


def _encode_base64(_session: Session, text: Any, no_padding: Any = None) -> str:
    found = base64.b64encode(_text(text).encode("latin-1")).decode()
    return found.rstrip("=") if no_padding else found


def _parse_http_time(_session: Session, text: Any) -> int | None:
    try:
        return int(parsedate_to_datetime(_text(text)).timestamp())
    except ValueError:
        return None


def _pattern(pattern: Any, options: Any) -> re.Pattern[str]:
    flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
    wanted = [flags[letter] for letter in (options or "") if letter in flags]
    try:
        return re.compile(python_regex(_text(pattern)), sum(wanted))
    except re.error as error:
        raise ValueError("invalid pattern") from error


def _re_match(_session: Session, subject: Any, pattern: Any, options: Any = None) -> Any:
    found = _pattern(pattern, options).search(_text(subject))
    if found is None:
        return None
    groups = {place: text if text is not None else False for place, text in enumerate(found.groups(), 1)}
    return {0: found[0], **groups, **{name: text or False for name, text in found.groupdict().items()}}


def _re_find(_session: Session, subject: Any, pattern: Any, options: Any = None) -> Any:
    found = _pattern(pattern, options).search(_text(subject))
    return (found.start() + 1, found.end()) if found else None


def _var(session: Session, name: Any) -> Any:
    exchange, incoming = session.exchange, session.exchange.incoming
    if isinstance(name, str) and name.startswith("http_"):
        return exchange.headers.get(name[5:].replace("_", "-"))
    if isinstance(name, str) and name.startswith("arg_"):
        found = parse_query(incoming.query or "").get(name[4:])
        return found[0] if isinstance(found, list) else found
    values: dict[Any, Callable[[], Any]] = {
        "remote_addr": lambda: exchange.origin.ip,
        "request_method": lambda: incoming.method,
        "request_uri": lambda: incoming.target,
        "request_id": lambda: exchange.request_id,
        "uri": lambda: unescape(normalise(incoming.path)),
        "args": lambda: incoming.query,
        "host": lambda: exchange.origin.host,
        "scheme": lambda: "http",
        "server_port": lambda: str(incoming.port),
        "upstream_uri": lambda: exchange.outgoing.path if exchange.outgoing else None,
    }
    return values[name]() if name in values else None


def _utc(session: Session, form: str) -> str:
    return datetime.fromtimestamp(session.exchange.node.now(), UTC).strftime(form)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "request.get_method": lambda s: s.exchange.incoming.method,
    "request.get_scheme": lambda s: "http",
    "request.get_host": lambda s: (s.exchange.incoming.headers.get("host") or "").partition(":")[0].lower(),
    "request.get_port": lambda s: s.exchange.incoming.port,
    "request.get_http_version": lambda s: float(s.exchange.incoming.http_version),
    "request.get_path": lambda s: normalise(s.exchange.incoming.path),
    "request.get_raw_path": lambda s: s.exchange.incoming.path,
    "request.get_path_with_query": lambda s: s.exchange.incoming.target,
    "request.get_raw_query": lambda s: s.exchange.incoming.query or "",
    "request.get_query": lambda s, _most=None: s.exchange.query_args,
    "request.get_query_arg": _query_arg,
    "request.get_header": lambda s, name: _header(s.exchange.headers, name),
    "request.get_headers": lambda s, _most=None: s.exchange.headers.grouped(),
    "request.get_raw_body": _raw_body,
    "request.get_body": lambda s, *_: body_args(s.exchange),
    "request.get_start_time": lambda s: int(s.exchange.started * 1000),
    "request.get_uri_captures": _captures,
    "request.get_forwarded_scheme": lambda s: s.exchange.origin.scheme,
    "request.get_forwarded_host": lambda s: s.exchange.origin.host,
    "request.get_forwarded_port": lambda s: s.exchange.origin.port,
    "request.get_forwarded_path": lambda s: s.exchange.incoming.path,
    "request.get_forwarded_prefix": lambda s: s.exchange.match.path if s.exchange.match else None,
    "service.request.set_header": _set_header,
    "service.request.add_header": _add_header,
    "service.request.clear_header": _clear_header,
    "service.request.set_headers": _set_headers,
    "service.request.set_path": _set_path,
    "service.request.set_query": _set_query,
    "service.request.set_raw_query": _set_raw_query,
    "service.request.set_method": _set_method,
    "service.request.set_scheme": _set_scheme,
    "service.request.set_raw_body": _set_raw_body,
    "service.request.enable_buffering": lambda s: None,
    "service.response.get_status": lambda s: _reply(s).status if _reply(s).from_upstream else None,
    "service.response.get_header": lambda s, name: _header(_reply(s).headers, name),
    "service.response.get_headers": lambda s, _most=None: _reply(s).headers.grouped(),
    "response.exit": _exit,
    "response.error": _error,
    "response.get_status": lambda s: _reply(s).status,
    "response.get_header": lambda s, name: _header(s.response_headers, name),
    "response.get_headers": lambda s, _most=None: s.response_headers.grouped(),
    "response.get_source": _source,
    "response.set_status": _set_status,
    "response.set_header": _set_response_header,
    "response.add_header": _add_response_header,
    "response.clear_header": _clear_response_header,
    "response.set_headers": _set_response_headers,
    "response.get_raw_body": _get_response_body,
    "response.set_raw_body": _set_response_body,
    "client.get_ip": lambda s: s.exchange.incoming.peer,
    "client.get_forwarded_ip": lambda s: s.exchange.origin.ip,
    "client.get_port": lambda s: s.exchange.incoming.port,
    "client.get_forwarded_port": lambda s: s.exchange.origin.port,
    "client.get_protocol": lambda s, *_: s.exchange.origin.scheme,
    "client.get_consumer": lambda s: _entity(s.exchange.consumer),
    "client.get_credential": lambda s: _entity(s.exchange.credential),
    "router.get_route": lambda s: _routed(s.exchange.route),
    "router.get_service": lambda s: _routed(s.exchange.service),
    "log.set_serialize_value": _serialize_value,
    "ngx.now": lambda s: s.exchange.node.now(),
    "ngx.time": lambda s: int(s.exchange.node.now()),
    "ngx.today": lambda s: _utc(s, "%Y-%m-%d"),
    "ngx.utctime": lambda s: _utc(s, "%Y-%m-%d %H:%M:%S"),
    "ngx.http_time": lambda s, seconds: formatdate(seconds, usegmt=True),
    "ngx.parse_http_time": _parse_http_time,
    "ngx.decode_base64": _decode_base64,
    "ngx.encode_base64": _encode_base64,
    "ngx.escape_uri": lambda s, text, *_: quote(_text(text).encode("latin-1"), safe="-._~"),
    "ngx.unescape_uri": lambda s, text: unescape(_text(text)),
    "ngx.re.match": _re_match,
    "ngx.re.find": _re_find,
    "ngx.var": _var,
    "json.encode": lambda s, value: wire(json.dumps(unwired(value), ensure_ascii=False, separators=(",", ":"))),
    "json.decode": lambda s, text: wired(json.loads(_text(text).encode("latin-1"))),
}
