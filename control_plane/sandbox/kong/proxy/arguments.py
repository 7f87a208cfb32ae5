"""Arguments of a request in its query and its body, read and written as Kong does."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.wire import Query, parse_query, wired


def body_args(exchange: Exchange) -> dict[str, Any]:
    """The fields of a form or of a JSON object; nothing for any other body."""
    body = exchange.incoming.body
    if exchange.outgoing and exchange.outgoing.body is not None:
        body = exchange.outgoing.body
    kind = (exchange.headers.get("content-type") or "").lower()
    if "application/x-www-form-urlencoded" in kind:
        return dict(parse_query(body.decode("latin-1")))
    if "application/json" in kind:
        try:
            value = json.loads(body)
        except ValueError:
            return {}
        return wired(value) if isinstance(value, dict) else {}
    return {}


def write_body(kind: str, args: dict[str, Any]) -> bytes:
    """The fields as a body of this content type."""
    if "json" in kind.lower():
        return json.dumps(args, ensure_ascii=False, separators=(",", ":")).encode("latin-1", "replace")
    return encode_query(args).encode("latin-1")


def encode_query(args: Query) -> str:
    """Arguments as a query, sorted by name as Kong's `set_query` does."""
    parts = []
    for name, value in sorted(args.items()):
        for one in value if isinstance(value, list) else [value]:
            parts.append(_quoted(name) if one is True else f"{_quoted(name)}={_quoted(str(one))}")
    return "&".join(parts)


def _quoted(text: str) -> str:
    return quote(text.encode("latin-1"), safe="!'()*-._~")
