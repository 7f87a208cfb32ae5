"""request-termination: the gateway answers itself."""

from __future__ import annotations

import json
from typing import Any

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply, json_reply, page
from control_plane.sandbox.kong.proxy.serialize import shown
from control_plane.sandbox.kong.proxy.wire import Headers, unwired, wire

_DEFAULTS = {
    401: "Unauthorized",
    404: "Not found",
    405: "Method not allowed",
    500: "An unexpected error occurred",
    502: "Bad Gateway",
    503: "Service unavailable",
}


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    config = instance.config
    trigger = config.get("trigger")
    if trigger and trigger not in exchange.headers and wire(trigger) not in exchange.query_args:
        return None
    if config.get("echo"):
        return json_reply(config["status_code"], _echo(exchange))
    if config.get("body") is not None:
        kind = config.get("content_type")
        return Reply(
            config["status_code"], Headers([("Content-Type", wire(kind))] if kind else []), config["body"].encode()
        )
    message = config.get("message") or _DEFAULTS.get(config["status_code"])
    if message is None:
        return page(config["status_code"])
    return json_reply(config["status_code"], {"message": message})


def _echo(exchange: Exchange) -> dict[str, Any]:
    """The request as Kong saw it, with what it matched."""
    incoming = exchange.incoming
    try:
        body = json.loads(incoming.body)
    except ValueError:
        body = None
    said = {
        "request": {
            "scheme": exchange.origin.scheme,
            "host": exchange.origin.host,
            "port": incoming.port,
            "headers": unwired(exchange.headers.grouped()),
            "query": unwired(exchange.query_args),
            "method": incoming.method,
            "path": unwired(incoming.path),
            "raw_body": incoming.body.decode("utf-8", "replace"),
            "body": body,
            "uri_captures": {
                "named": dict(exchange.match.captures) if exchange.match else {},
                "unnamed": list(exchange.match.groups) if exchange.match else [],
            },
        },
        "kong": {"node_id": exchange.node.id, "worker_pid": 0, "hostname": "stand-in"},
        "request_id": exchange.request_id,
    }
    if exchange.route:
        said["matched_route"] = shown(exchange.route)
    if exchange.service:
        said["matched_service"] = shown(exchange.service)
    return said
