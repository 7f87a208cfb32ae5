"""kong.response and kong.service.response: the answer, the gateway's own or the upstream's."""

from __future__ import annotations

import json
from typing import Any

from control_plane.sandbox.kong.proxy.pdk.session import (
    EARLY,
    Functions,
    Session,
    header_name,
    header_of,
    reply_of,
    table_of,
    text_of,
    texts_of,
)
from control_plane.sandbox.kong.proxy.reply import JSON, Reply, page
from control_plane.sandbox.kong.proxy.wire import Headers, unwired


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
    reply = session.exchange.error(status, unwired(text_of(message)) if message is not None else "Error")
    for name, value in lines:
        reply.headers.set(name, value)
    session.exited = reply


def _exit_headers(status: Any, headers: Any) -> Headers:
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError("code must be a number between 100 and 599")
    lines = Headers()
    for name, value in (table_of(headers) if headers else {}).items():
        lines.set(header_name(name), *texts_of(value))
    return lines


def _json(value: Any) -> bytes:
    return json.dumps(unwired(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _set_response_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY, "header_filter")
    session.response_headers.set(header_name(name), *texts_of(value))


def _add_response_header(session: Session, name: Any, value: Any) -> None:
    session.only_in(*EARLY, "header_filter")
    for one in texts_of(value):
        session.response_headers.add(header_name(name), one)


def _clear_response_header(session: Session, name: Any) -> None:
    session.only_in(*EARLY, "header_filter")
    session.response_headers.remove(header_name(name))


def _set_response_headers(session: Session, headers: Any) -> None:
    for name, value in table_of(headers).items():
        _set_response_header(session, name, value)


def _set_status(session: Session, status: Any) -> None:
    session.only_in("header_filter")
    if not isinstance(status, int) or not 100 <= status <= 599:
        raise ValueError("code must be a number between 100 and 599")
    reply_of(session).status = status


def _source(session: Session) -> str:
    return "service" if reply_of(session).from_upstream else "exit"


def _get_response_body(session: Session) -> str | None:
    session.only_in("body_filter")
    session.wants_body = True
    if not session.whole:
        return None
    return reply_of(session).body.decode("latin-1")


def _set_response_body(session: Session, body: Any) -> None:
    session.only_in("body_filter")
    session.wants_body = True
    if session.whole:
        reply_of(session).body = text_of(body).encode("latin-1")


FUNCTIONS: Functions = {
    "service.response.get_status": lambda s: reply_of(s).status if reply_of(s).from_upstream else None,
    "service.response.get_header": lambda s, name: header_of(reply_of(s).headers, name),
    "service.response.get_headers": lambda s, _most=None: reply_of(s).headers.grouped(),
    "response.exit": _exit,
    "response.error": _error,
    "response.get_status": lambda s: reply_of(s).status,
    "response.get_header": lambda s, name: header_of(s.response_headers, name),
    "response.get_headers": lambda s, _most=None: s.response_headers.grouped(),
    "response.get_source": _source,
    "response.set_status": _set_status,
    "response.set_header": _set_response_header,
    "response.add_header": _add_response_header,
    "response.clear_header": _clear_response_header,
    "response.set_headers": _set_response_headers,
    "response.get_raw_body": _get_response_body,
    "response.set_raw_body": _set_response_body,
}
