"""Where a request is sent: a service's own host, or one of the targets of the upstream that has this name.

Targets are taken by smooth weighted round robin; those of weight 0 and those that health checks hold for dead are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.node import Node
from control_plane.sandbox.kong.proxy.router import Row


@dataclass(frozen=True)
class Address:
    """A peer; `upstream` and `target` name it for the health checks."""

    host: str
    port: int
    host_header: str  # what the Host header is, unless it is preserved or set
    upstream: Row | None = None
    target: str | None = None


def choose(exchange: Exchange, service: Row, scheme: str, already: set[tuple[str, int]]) -> Address | None:
    """The next peer, one that was not tried yet if there is one; None when an upstream has none that may be used."""
    upstream = exchange.snapshot.upstreams.get(service["host"])
    if upstream is None:
        return Address(service["host"], service["port"], host_header(service["host"], service["port"], scheme))
    peers = _peers(exchange, upstream)
    fresh = {name: peer for name, peer in peers.items() if (peer[0], peer[1]) not in already}
    if not peers:
        return None
    name = _next(exchange.node.kept.setdefault("balancer", {}).setdefault(upstream["name"], {}), fresh or peers)
    host, port, _ = peers[name]
    named = upstream.get("host_header")
    return Address(host, port, host_header(named or host, port, scheme), upstream, name)


def report(node: Node, address: Address, what: str, status: int | None = None) -> None:
    """Passive health checks: a "tcp_failure" or "timeout", or an answer with its status."""
    if address.upstream is None or address.target is None:
        return
    passive = address.upstream["healthchecks"]["passive"]
    name, health = address.upstream["name"], node.store.health
    if what == "http":
        if status in passive["unhealthy"]["http_statuses"]:
            what = "http_failure"
        elif status in passive["healthy"]["http_statuses"]:
            what = "success"
        else:
            return
    limit = passive["healthy"]["successes"] if what == "success" else passive["unhealthy"][_LIMITS[what]]
    if limit and health.count(name, address.target, what) >= limit:
        health.mark(name, address.target, healthy=what == "success")


_LIMITS = {"http_failure": "http_failures", "tcp_failure": "tcp_failures", "timeout": "timeouts"}


def host_header(host: str, port: int, scheme: str) -> str:
    """Host and port; the port is left out where it is the scheme's own."""
    return host if port == {"http": 80, "https": 443}.get(scheme) else f"{host}:{port}"


def _peers(exchange: Exchange, upstream: Row) -> dict[str, tuple[str, int, int]]:
    found = {}
    for row in exchange.snapshot.targets.get(upstream["id"], ()):
        if row["weight"] > 0 and exchange.node.store.health.is_healthy(upstream["name"], row["target"]):
            host, _, port = row["target"].rpartition(":")
            found[row["target"]] = (host.strip("[]"), int(port), row["weight"])
    return found


def _next(state: dict[str, int], peers: Mapping[str, Any]) -> str:
    """Smooth weighted round robin: each peer gains its weight, the richest is taken and pays the sum."""
    for gone in state.keys() - peers.keys():
        del state[gone]
    for name, (_, _, weight) in peers.items():
        state[name] = state.get(name, 0) + weight
    best = max(peers, key=lambda name: state[name])
    state[best] -= sum(weight for _, _, weight in peers.values())
    return best
