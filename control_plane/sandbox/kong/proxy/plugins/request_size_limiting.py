"""request-size-limiting: bodies up to a size; a chunked one is counted."""

from __future__ import annotations

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply

_UNITS = {"megabytes": 2**20, "kilobytes": 2**10, "bytes": 1}


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    config, incoming = instance.config, exchange.incoming
    if "content-length" not in incoming.headers and not incoming.chunked and config["require_content_length"]:
        return exchange.error(411, "A valid Content-Length header is required")
    if len(incoming.body) > config["allowed_payload_size"] * _UNITS[config["size_unit"]]:
        return exchange.error(417 if "expect" in incoming.headers else 413, "Request size limit exceeded")
    return None
