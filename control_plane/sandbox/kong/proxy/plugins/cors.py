"""cors: answers preflights and says which origins may read."""

from __future__ import annotations

import re

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import Headers, wire

_ORIGIN = "Access-Control-Allow-Origin"


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    config, headers = instance.config, exchange.headers
    if exchange.incoming.method != "OPTIONS" or "origin" not in headers:
        return None
    if "access-control-request-method" not in headers:
        return None
    exchange.notes["cors.answered"] = True
    if config["preflight_continue"]:
        return None
    said = Headers()
    _say_origin(exchange, instance, said)
    allowed = ",".join(config["headers"]) if config.get("headers") else headers.get("access-control-request-headers")
    if allowed:
        said.set("Access-Control-Allow-Headers", wire(allowed) if config.get("headers") else allowed)
    said.set("Access-Control-Allow-Methods", ",".join(config["methods"]))
    if config.get("max_age") is not None:
        said.set("Access-Control-Max-Age", f"{config['max_age']:g}")
    if config.get("private_network") and headers.get("access-control-request-private-network") == "true":
        said.set("Access-Control-Allow-Private-Network", "true")
    return Reply(200, said)


def header_filter(exchange: Exchange, instance: Instance, reply: Reply) -> None:
    if exchange.notes.get("cors.answered"):
        return
    _say_origin(exchange, instance, reply.headers)
    exposed = instance.config.get("exposed_headers")
    if exposed:
        reply.headers.set("Access-Control-Expose-Headers", wire(",".join(exposed)))


def _say_origin(exchange: Exchange, instance: Instance, headers: Headers) -> None:
    """Which origin may read the answer; none is named where the request's is foreign."""
    config = instance.config
    origins, asked = config.get("origins") or ["*"], exchange.headers.get("origin")
    if "*" in origins and not (config["credentials"] and asked):
        headers.set(_ORIGIN, "*")
        return
    headers.add("Vary", "Origin")
    if "*" in origins and asked:
        headers.set(_ORIGIN, asked)
    elif len(origins) == 1 and not _is_pattern(origins[0]):
        headers.set(_ORIGIN, wire(origins[0]))
    elif asked and any(_fits(origin, asked) for origin in origins):
        headers.set(_ORIGIN, asked)
    else:
        headers.remove(_ORIGIN)
    if config["credentials"]:
        headers.set("Access-Control-Allow-Credentials", "true")


def _is_pattern(origin: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9:/.\-]+", origin) is None


def _fits(origin: str, asked: str) -> bool:
    if not _is_pattern(origin):
        return origin.lower() == asked.lower()
    return re.search(origin, asked) is not None
