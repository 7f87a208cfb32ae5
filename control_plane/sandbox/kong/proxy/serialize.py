"""The entry that a log plugin writes for one request.

Source: recorded in proxy-logs. It is Kong's, with Kong's habits: Authorization is redacted, an apikey is not.
"""

from __future__ import annotations

from typing import Any

from control_plane.sandbox.kong.proxy.exchange import Exchange, Try
from control_plane.sandbox.kong.proxy.node import WORKSPACE
from control_plane.sandbox.kong.proxy.router import Row
from control_plane.sandbox.kong.proxy.wire import unwired

_REDACTED = ("authorization", "proxy-authorization")


def entry(exchange: Exchange) -> dict[str, Any]:
    """The whole entry, with the fields that plugins and functions set or removed.

    Raises:
        ValueError: a field lies below one that is no table; the entry is lost then, as in Kong.
    """
    found = {
        "request": _request(exchange),
        "response": _response(exchange),
        "latencies": _latencies(exchange),
        "client_ip": exchange.origin.ip,
        "started_at": int(exchange.started * 1000),
        "upstream_status": ", ".join(map(str, exchange.upstream_statuses)),
        "upstream_uri": _upstream_uri(exchange),
        "source": "upstream" if exchange.reply and exchange.reply.from_upstream else "kong",
        "workspace": WORKSPACE,
        "workspace_name": "default",
    }
    if exchange.route:
        found["route"] = shown(exchange.route)
        found["tries"] = [_try(one) for one in exchange.tries]
    if exchange.service:
        found["service"] = shown(exchange.service)
    if exchange.consumer:
        found["consumer"] = {name: value for name, value in exchange.consumer.items() if value is not None}
    if exchange.credential:
        found["authenticated_entity"] = {"id": exchange.credential["id"]}
    for path, value in exchange.notes.get("log", {}).items():
        _set(found, path.split("."), unwired(value))
    return found


def _set(found: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a field, or remove it where the value is None; what lies above it is made."""
    node = found
    for name in path[:-1]:
        below = node.setdefault(name, {})
        if not isinstance(below, dict):
            raise ValueError(f"{name} is no table")
        node = below
    if value is None:
        node.pop(path[-1], None)
    else:
        node[path[-1]] = value


def _request(exchange: Exchange) -> dict[str, Any]:
    incoming, origin = exchange.incoming, exchange.origin
    headers = exchange.headers.grouped()
    headers.update({name: "REDACTED" for name in _REDACTED if name in headers})
    return {
        "id": exchange.request_id,
        "method": incoming.method,
        "uri": unwired(incoming.target),
        "url": unwired(f"{origin.scheme}://{origin.host}:{origin.port}{incoming.target}"),
        "size": request_size(exchange),
        "querystring": unwired(exchange.query_args),
        "headers": unwired(headers),
    }


def _response(exchange: Exchange) -> dict[str, Any]:
    reply = exchange.reply
    return {
        "status": reply.status if reply else 0,
        "headers": unwired(reply.headers.grouped()) if reply else {},
        "size": response_size(exchange),
    }


def request_size(exchange: Exchange) -> int:
    """Bytes of the request as it came."""
    incoming = exchange.incoming
    lines = sum(len(name) + len(value) + 4 for name, value in incoming.headers)
    return len(incoming.method) + len(incoming.target) + 12 + lines + 2 + len(incoming.body)


def response_size(exchange: Exchange) -> int:
    """Bytes of the answer as it went."""
    lines = sum(len(name) + len(value) + 4 for name, value in exchange.reply.headers) if exchange.reply else 0
    return 17 + lines + 2 + exchange.sent


def _latencies(exchange: Exchange) -> dict[str, int]:
    """Milliseconds: in all, in Kong, until the upstream's headers (-1 if it was not asked), and for its body."""
    total = milliseconds(exchange.started, exchange.node.now())
    if exchange.upstream_begun is None or exchange.upstream_answered is None:
        return {"request": total, "kong": total, "proxy": -1, "receive": 0}
    proxy = milliseconds(exchange.upstream_begun, exchange.upstream_answered)
    receive = milliseconds(exchange.upstream_answered, exchange.node.now())
    return {"request": total, "kong": max(0, total - proxy - receive), "proxy": proxy, "receive": receive}


def milliseconds(begin: float, end: float) -> int:
    """Never negative, should the clock be set back."""
    return max(0, round((end - begin) * 1000))


def _upstream_uri(exchange: Exchange) -> str:
    outgoing = exchange.outgoing
    if outgoing is None:
        return ""
    return str(unwired(outgoing.path if outgoing.query is None else f"{outgoing.path}?{outgoing.query}"))


def _try(one: Try) -> dict[str, Any]:
    started = int(one.started * 1000)
    found = {
        "ip": one.ip,
        "port": one.port,
        "balancer_start": started,
        "balancer_start_ns": started * 1_000_000,
        "balancer_latency": 0,
        "balancer_latency_ns": 0,
    }
    return found if one.failure is None else {**found, "state": "failed", "code": one.failure}


def shown(row: Row) -> dict[str, Any]:
    """An entity as plugins see it: without what is null, with its workspace."""
    return {**{name: value for name, value in row.items() if value is not None}, "ws_id": WORKSPACE}
