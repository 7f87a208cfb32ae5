"""Addresses that may call: those of the API, those of the service, and where both are given those in both.

Two things ask for them: the plugin ip-restriction, before calls are counted, and the guard, whose table changes
addresses and grants in one write: so that while both change nobody has the new data from the old addresses.

In Kong a consumer's ip-restriction takes the place of the API's, so what both allow is put on the consumer and each
API version that it was granted, together: one plugin, that comes, changes and goes in one write. On the consumer alone
it would open an API with addresses of its own until the other one is there. Kong runs ip-restriction after
authentication, so the consumer is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TypeAlias

from control_plane.catalog.model import Api, Service
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing

Network: TypeAlias = IPv4Network | IPv6Network
EVERYWHERE = ("0.0.0.0/0", "::/0")


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if one.live and one.api.allowed_ips:
        config = _config(networks(one.api.allowed_ips))
        yield Plugin("ip-restriction", config, one.api.origin, one.belongs, within=one.name, service=one.name)


def on_consumer(gateway: Gateway, service: Service) -> Iterator[Plugin]:
    if not service.allowed_ips:
        return
    belongs = (f"tenant:{service.tenant}",)
    own = networks(service.allowed_ips)
    versions = {one.name: one for one, _, _ in gateway.opened.levels(service)}
    for one in versions.values():
        if one.api.auth:
            both = intersection(own, networks(one.api.allowed_ips)) if one.api.allowed_ips else own
            yield Plugin(
                "ip-restriction",
                _config(both),
                service.origin,
                (*belongs, *one.belongs),
                within=service.name,
                service=one.name,
                consumer=service.name,
            )


def lines(api: Api, services: Iterable[Service]) -> Iterator[str]:
    """Lines of the guard's table: those of the API for everybody, and of each service besides; sorted."""
    named = {"*": api.allowed_ips, **({one.name: one.allowed_ips for one in services} if api.auth else {})}
    for who in sorted(named):
        if named[who]:
            yield f"from {who} {' '.join(_texts(networks(named[who])))}"


def networks(addresses: Iterable[str]) -> list[Network]:
    """Addresses and ranges as networks; the bits behind a prefix's length do not count."""
    return [ip_network(address, strict=False) for address in addresses]


def intersection(first: Iterable[Network], second: Iterable[Network]) -> list[Network]:
    """The addresses that are in both. Of two networks one holds the other, or they have nothing in common."""
    others = list(second)
    return [
        smaller
        for one in first
        for other in others
        for smaller in ([one] if _inside(one, other) else [other] if _inside(other, one) else [])
    ]


def _inside(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.subnet_of(other)
    return isinstance(other, IPv6Network) and one.subnet_of(other)


def _config(allowed: Iterable[Network]) -> dict[str, object]:
    """Kong wants a list that is not empty: where nobody may call, everybody is denied."""
    allow = _texts(allowed)
    return {"allow": allow or None, "deny": None if allow else list(EVERYWHERE), "status": 403}


def _texts(allowed: Iterable[Network]) -> list[str]:
    """The networks, none inside another one, sorted as texts."""
    nets = list(allowed)
    v4 = collapse_addresses(net for net in nets if isinstance(net, IPv4Network))
    v6 = collapse_addresses(net for net in nets if isinstance(net, IPv6Network))
    return sorted([*map(str, v4), *map(str, v6)])
