"""ip-restriction: deny, then allow, by address or block."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    config, ip = instance.config, exchange.origin.ip
    deny = instance.once("deny", lambda: _networks(config.get("deny") or ()))
    allow = instance.once("allow", lambda: _networks(config.get("allow") or ()))
    if _among(ip, deny) or (allow and not _among(ip, allow)):
        return exchange.error(config.get("status") or 403, config.get("message") or f"IP address not allowed: {ip}")
    return None


def _networks(blocks: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(block, strict=False) for block in blocks)


def _among(ip: str, networks: Iterable[Network]) -> bool:
    address = ipaddress.ip_address(ip)
    return any(address.version == network.version and address in network for network in networks)
