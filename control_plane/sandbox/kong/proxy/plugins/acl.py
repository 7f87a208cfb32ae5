"""acl: only consumers in certain groups, or all but those."""

from __future__ import annotations

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import wire


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    config = instance.config
    if exchange.consumer is None:
        return exchange.error(401, "Unauthorized")
    groups = exchange.snapshot.groups.get(exchange.consumer["id"], ())
    exchange.groups = groups
    allowed = not set(groups) & set(config["deny"]) if config.get("deny") else bool(set(groups) & set(config["allow"]))
    if not allowed:
        # An anonymous consumer may have a better answer if he says who he is.
        if exchange.credential is None:
            return exchange.error(401, "Unauthorized")
        return exchange.error(403, "You cannot consume this service")
    if not config["hide_groups_header"] and groups:
        exchange.headers.set("X-Consumer-Groups", wire(", ".join(groups)))
    return None
