"""Answers that Kong itself gives: errors that follow Accept, JSON of plugins, nginx's pages for a bare status.

Source: recorded in proxy-no-route, proxy-termination and proxy-functions.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from control_plane.sandbox.kong.proxy.wire import Headers, wire

JSON = "application/json; charset=utf-8"
_HTML = """<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <title>Error</title>
  </head>
  <body>
    <h1>Error</h1>
    <p>{message}.</p>
    <p>request_id: {request_id}</p>
  </body>
</html>
"""
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<error>
  <message>{message}</message>
  <requestid>{request_id}</requestid>
</error>
"""
_PLAIN = "{message}\nrequest_id: {request_id}\n"
_FORMATS = {"text/html": _HTML, "application/xml": _XML, "text/plain": _PLAIN, "application/json": None}
_PAGE = "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</body>\r\n</html>\r\n"
_PAGES = {
    301: "Moved Permanently", 302: "Found", 303: "See Other", 307: "Temporary Redirect", 308: "Permanent Redirect",
    400: "Bad Request", 401: "Authorization Required", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Not Allowed", 406: "Not Acceptable", 408: "Request Time-out", 409: "Conflict", 410: "Gone",
    411: "Length Required", 412: "Precondition Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Large",
    415: "Unsupported Media Type", 416: "Requested Range Not Satisfiable", 421: "Misdirected Request",
    429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Temporarily Unavailable", 504: "Gateway Time-out", 505: "HTTP Version Not Supported",
    507: "Insufficient Storage",
}  # fmt: skip


@dataclass
class Reply:
    """What goes back to the client; filters change it on its way. `stream` is an upstream's body, not read yet."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None
    from_upstream: bool = False
    close: Callable[[], None] = lambda: None  # when nothing more is read from the stream


def error(
    accept: str | None, request_id: str, status: int, message: str, headers: Mapping[str, str] | None = None
) -> Reply:
    """An error of Kong's own in the format that the client prefers; `message` is Unicode."""
    kind = _preferred(accept or "")
    template = _FORMATS[kind]
    if template is None:
        text = json.dumps({"message": message, "request_id": request_id}, ensure_ascii=False, separators=(",", ":"))
    else:
        text = template.format(message=message, request_id=request_id)
    lines = Headers([("Content-Type", f"{kind}; charset=utf-8")])
    for name, value in (headers or {}).items():
        lines.add(name, wire(value))
    return Reply(status, lines, text.encode())


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer of a plugin, as `kong.response.exit` gives it: without a request id, whatever Accept says."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    lines = Headers([("Content-Type", JSON)])
    for name, text in (headers or {}).items():
        lines.set(name, wire(text))
    return Reply(status, lines, body)


def page(status: int, headers: Mapping[str, str] | None = None) -> Reply:
    """A status without a body: nginx fills in its page, if it has one."""
    lines = Headers((name, value) for name, value in (headers or {}).items())
    reason = _PAGES.get(status)
    if reason is None:
        return Reply(status, lines)
    lines.set("Content-Type", "text/html" if status in (301, 302, 303) else "text/html; charset=UTF-8")
    return Reply(status, lines, _PAGE.format(f"{status} {reason}").encode())


def _preferred(accept: str) -> str:
    """The format with the highest quality; the first of equals; JSON where nothing fits."""
    best, quality = "application/json", 0.0
    for item in accept.split(","):
        kind, _, parameters = item.partition(";")
        weight = _quality(parameters)
        known = _known(kind.strip().lower())
        if known and weight > quality:
            best, quality = known, weight
    return best


def _known(kind: str) -> str | None:
    if kind in ("*/*", "application/*"):
        return "application/json"
    return "text/plain" if kind == "text/*" else kind if kind in _FORMATS else None


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
