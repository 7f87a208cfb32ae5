"""correlation-id: every request has an id, the client's own if it brings one."""

from __future__ import annotations

import itertools
import uuid

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import wire


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    name = wire(instance.config["header_name"])
    found = exchange.headers.get(name)
    if not found:
        found = _generate(exchange, instance)
        exchange.headers.set(name, found)
    exchange.notes["correlation_id"] = found
    exchange.notes.setdefault("log", {})["correlation_id"] = found
    return None


def header_filter(exchange: Exchange, instance: Instance, reply: Reply) -> None:
    if instance.config["echo_downstream"]:
        name = wire(instance.config["header_name"])
        known = exchange.notes.get("correlation_id") or exchange.headers.get(name)
        reply.headers.set(name, known or _generate(exchange, instance))


def _generate(exchange: Exchange, instance: Instance) -> str:
    memory = exchange.node.kept
    match instance.config["generator"]:
        case "uuid":
            return str(uuid.uuid4())
        case "tracker":
            ip, port = exchange.origin.ip, exchange.incoming.port
            return f"{ip}-{port}-{exchange.request_id[:8]}-{exchange.started:.3f}"
        case _:
            prefix = memory.setdefault("correlation-id", (str(uuid.uuid4()), itertools.count(1)))
            return f"{prefix[0]}#{next(prefix[1])}"
