"""kong.request and kong.service.request: what came, and what goes on."""

from __future__ import annotations

from typing import Any

from control_plane.sandbox.kong.proxy.arguments import body_args, encode_query
from control_plane.sandbox.kong.proxy.paths import escape, normalise
from control_plane.sandbox.kong.proxy.pdk.session import (
    EARLY,
    Functions,
    Session,
    header_name,
    header_of,
    table_of,
    text_of,
    texts_of,
)


def _query_arg(session: Session, name: str) -> str | bool | None:
    found = session.exchange.query_args.get(name)
    return found[0] if isinstance(found, list) else found


def _raw_body(session: Session) -> str:
    session.only_in(*EARLY, "log")
    return session.exchange.incoming.body.decode("latin-1")


def _captures(session: Session) -> dict[str, Any]:
    match = session.exchange.match
    return {"named": dict(match.captures), "unnamed": list(match.groups)} if match else {"named": {}, "unnamed": []}


def _set_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY)
    name, values = header_name(name), texts_of(value)
    if name.lower() == "host" and session.exchange.outgoing:
        session.exchange.outgoing.host = values[0]
    session.exchange.headers.set(name, *values)


def _add_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY)
    for one in texts_of(value):
        session.exchange.headers.add(header_name(name), one)


def _clear_header(session: Session, name: Any) -> None:
    session.only_in(*EARLY)
    session.exchange.headers.remove(header_name(name))


def _set_headers(session: Session, headers: Any) -> None:
    for name, value in table_of(headers).items():
        _set_header(session, name, value)


def _set_path(session: Session, path: Any) -> None:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError("path must start with /")
    session.outgoing.path = escape(normalise(path))


def _set_query(session: Session, args: Any) -> None:
    session.outgoing.query = encode_query(dict(table_of(args))) or None


def _set_raw_query(session: Session, query: Any) -> None:
    session.outgoing.query = text_of(query) or None


def _set_method(session: Session, method: Any) -> None:
    if method not in ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        raise ValueError("invalid method")
    session.outgoing.method = method


def _set_scheme(session: Session, scheme: Any) -> None:
    if scheme not in ("http", "https"):
        raise ValueError("invalid scheme")
    session.outgoing.scheme = scheme


def _set_raw_body(session: Session, body: Any) -> None:
    session.outgoing.body = text_of(body).encode("latin-1")


FUNCTIONS: Functions = {
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
    "request.get_header": lambda s, name: header_of(s.exchange.headers, name),
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
}
