"""key-auth: a key in a header, the query or the body says who the consumer is."""

from __future__ import annotations

from typing import Any

from control_plane.sandbox.kong.proxy.arguments import body_args, encode_query, write_body
from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.plugins.authentication import either
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import unwire, wire


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    return either(exchange, instance, _authenticate)


def _authenticate(exchange: Exchange, instance: Instance) -> Reply | None:
    config = instance.config
    found: Any = None
    for name in config["key_names"]:
        found = _find(exchange, instance, wire(name))
        if found is not None:
            break
    if isinstance(found, list):
        return _refuse(exchange, instance, "Duplicate API key found")
    if not isinstance(found, str) or not found:
        return _refuse(exchange, instance, "No API key found in request")
    if config["hide_credentials"]:
        _hide(exchange, wire(name))
    snapshot, now = exchange.snapshot, exchange.node.now()
    credential = snapshot.keys.get(unwire(found))
    if credential is None or (credential.get("ttl") and credential["created_at"] + credential["ttl"] <= now):
        return _refuse(exchange, instance, "Unauthorized")
    consumer = snapshot.consumers.get(credential["consumer"]["id"])
    if consumer is None:
        return _refuse(exchange, instance, "Unauthorized")
    exchange.authenticate(consumer, credential)
    return None


def _refuse(exchange: Exchange, instance: Instance, message: str) -> Reply:
    realm = instance.config.get("realm")
    return exchange.error(401, message, {"WWW-Authenticate": f'Key realm="{realm}"' if realm else "Key"})


def _find(exchange: Exchange, instance: Instance, name: str) -> Any:
    """A text, a list where it was given more than once, or None."""
    config = instance.config
    found: Any = None
    if config["key_in_header"]:
        values = exchange.headers.all(name)
        found = values if len(values) > 1 else values[0] if values else None
    if found is None and config["key_in_query"]:
        found = exchange.query_args.get(name)
    if found is None and config["key_in_body"]:
        found = body_args(exchange).get(name)
    return found


def _hide(exchange: Exchange, name: str) -> None:
    exchange.headers.remove(name)
    if exchange.outgoing and name in exchange.query_args:
        exchange.outgoing.query = encode_query({key: v for key, v in exchange.query_args.items() if key != name})
    kind, args = exchange.headers.get("content-type") or "", body_args(exchange)
    if exchange.outgoing and name in args:
        left = {key: value for key, value in args.items() if key != name}
        exchange.outgoing.body = write_body(kind, left)
