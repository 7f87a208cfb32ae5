"""What key-auth and jwt share: `anonymous`, and that either of several may suffice (logical OR)."""

from __future__ import annotations

from collections.abc import Callable

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply

Authenticate = Callable[[Exchange, Instance], Reply | None]


def either(exchange: Exchange, instance: Instance, authenticate: Authenticate) -> Reply | None:
    """Run `authenticate`; with `anonymous`, a failure makes the request the anonymous consumer's.

    Raises:
        LookupError: the anonymous consumer does not exist; Kong answers 500.
    """
    anonymous = instance.config.get("anonymous")
    if exchange.incoming.method == "OPTIONS" and not instance.config["run_on_preflight"]:
        return None
    if not anonymous:
        return authenticate(exchange, instance)
    if exchange.credential is not None:
        return None
    if authenticate(exchange, instance) is not None:
        consumer = exchange.snapshot.consumer(anonymous)
        if consumer is None:
            raise LookupError("no anonymous consumer")
        exchange.authenticate(consumer, None)
    return None
