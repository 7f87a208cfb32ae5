"""ngx and cjson, as far as functions in the cage may use them."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from control_plane.sandbox.kong.proxy.paths import normalise
from control_plane.sandbox.kong.proxy.pdk.session import Functions, Session, text_of
from control_plane.sandbox.kong.proxy.router import python_regex
from control_plane.sandbox.kong.proxy.serialize import request_size, response_size
from control_plane.sandbox.kong.proxy.wire import parse_query, unescape, unwired, wire, wired


def _decode_base64(_session: Session, text: Any) -> str | None:
    try:
        return base64.b64decode(text_of(text), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return None


def _encode_base64(_session: Session, text: Any, no_padding: Any = None) -> str:
    found = base64.b64encode(text_of(text).encode("latin-1")).decode()
    return found.rstrip("=") if no_padding else found


def _parse_http_time(_session: Session, text: Any) -> int | None:
    try:
        return int(parsedate_to_datetime(text_of(text)).timestamp())
    except ValueError:
        return None


def _pattern(pattern: Any, options: Any) -> re.Pattern[str]:
    flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
    wanted = [flags[letter] for letter in (options or "") if letter in flags]
    try:
        return re.compile(python_regex(text_of(pattern)), sum(wanted))
    except re.error as error:
        raise ValueError("invalid pattern") from error


def _re_match(_session: Session, subject: Any, pattern: Any, options: Any = None) -> Any:
    found = _pattern(pattern, options).search(text_of(subject))
    if found is None:
        return None
    groups = {place: text if text is not None else False for place, text in enumerate(found.groups(), 1)}
    return {0: found[0], **groups, **{name: text or False for name, text in found.groupdict().items()}}


def _re_find(_session: Session, subject: Any, pattern: Any, options: Any = None) -> Any:
    found = _pattern(pattern, options).search(text_of(subject))
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
        "request_length": lambda: str(request_size(exchange)),
        "bytes_sent": lambda: str(response_size(exchange)),
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


FUNCTIONS: Functions = {
    "ngx.now": lambda s: s.exchange.node.now(),
    "ngx.time": lambda s: int(s.exchange.node.now()),
    "ngx.today": lambda s: _utc(s, "%Y-%m-%d"),
    "ngx.utctime": lambda s: _utc(s, "%Y-%m-%d %H:%M:%S"),
    "ngx.http_time": lambda s, seconds: formatdate(seconds, usegmt=True),
    "ngx.parse_http_time": _parse_http_time,
    "ngx.decode_base64": _decode_base64,
    "ngx.encode_base64": _encode_base64,
    "ngx.escape_uri": lambda s, text, *_: quote(text_of(text).encode("latin-1"), safe="-._~"),
    "ngx.unescape_uri": lambda s, text: unescape(text_of(text)),
    "ngx.re.match": _re_match,
    "ngx.re.find": _re_find,
    "ngx.var": _var,
    "json.encode": lambda s, value: wire(json.dumps(unwired(value), ensure_ascii=False, separators=(",", ":"))),
    "json.decode": lambda s, text: wired(json.loads(text_of(text).encode("latin-1"))),
}
