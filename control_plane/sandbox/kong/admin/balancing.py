"""Upstreams' targets and their health: paths that differ from those of other collections."""

from __future__ import annotations

from typing import Any

from control_plane.sandbox.kong import errors, writes
from control_plane.sandbox.kong.admin.call import Answer, Call, Node
from control_plane.sandbox.kong.admin.crud import Under, parent_of
from control_plane.sandbox.kong.entities import ENTITIES
from control_plane.sandbox.kong.rules import UUID
from control_plane.sandbox.kong.store import Row
from control_plane.sandbox.kong.writes import Parent, World

_UPSTREAMS, _TARGETS = ENTITIES["upstreams"], ENTITIES["targets"]


def upstream_named(world: World, name: str) -> Parent:
    """The upstream of the path, or 404."""
    parent = parent_of(world, Under(_UPSTREAMS, name, "upstream"))
    assert parent is not None  # only without a parent in the path
    return parent


def targets(node: Node, call: Call) -> Answer:
    """GET …/targets and …/targets/all: the newest first."""
    parent = upstream_named(node.world, call.segments[1])
    return Answer(200, {"data": _newest_first(node.world, parent), "next": None})


def replace_target(node: Node, call: Call) -> None:
    """A PUT of a target makes none: it must be there."""
    _target(node.world, upstream_named(node.world, call.segments[1]), call.segments[3])


def health(node: Node, call: Call) -> Answer:
    """GET …/health: of each target, or with `balancer_health=1` of the upstream as a whole."""
    parent = upstream_named(node.world, call.segments[1])
    upstream, rows = parent.row, _newest_first(node.world, parent)
    if call.query.get("balancer_health") == ("1",):
        data: Any = _of_balancer(node.world, upstream, rows[::-1])
    else:
        data = [_of_target(node.world, upstream, row) for row in rows]
    return Answer(200, {"data": data, "next": None, "node_id": node.node_id})


def mark(node: Node, call: Call) -> Answer:
    """PUT …/healthy and …/unhealthy."""
    parent = upstream_named(node.world, call.segments[1])
    target = _target(node.world, parent, call.segments[3])
    node.world.store.health.mark(parent.row["name"], target["target"], call.segments[-1] == "healthy")
    return Answer(204)


def _target(world: World, parent: Parent, name: str) -> Row:
    if not UUID.fullmatch(name) and ":" not in name:
        name = f"{name}:8000"
    row = writes.find(world, _TARGETS, name, parent)
    if row is None:
        raise errors.not_found()
    return row


def _newest_first(world: World, parent: Parent) -> list[Row]:
    rows = world.store.referring("targets", parent.foreign, parent.row["id"])
    return sorted(rows, key=lambda row: -row["created_at"])


def checked(upstream: Row) -> bool:
    """Whether any health check is on."""
    active, passive = upstream["healthchecks"]["active"], upstream["healthchecks"]["passive"]
    if active["healthy"]["interval"] or active["unhealthy"]["interval"]:
        return True
    return any(passive["unhealthy"][name] for name in ("http_failures", "tcp_failures", "timeouts"))


def _words(world: World, upstream: Row, target: Row) -> str:
    if not checked(upstream):
        return "HEALTHCHECKS_OFF"
    return "HEALTHY" if _healthy(world, upstream, target) else "UNHEALTHY"


def _healthy(world: World, upstream: Row, target: Row) -> bool:
    return world.store.health.is_healthy(upstream["name"], target["target"])


def _host(world: World, upstream: Row, target: Row) -> dict[str, Any]:
    host, _, port = target["target"].rpartition(":")
    weight = target["weight"]
    available = weight if _healthy(world, upstream, target) else 0
    return {
        "host": host,
        "port": int(port),
        "dns": "A",
        "nodeWeight": weight,
        "weight": {"total": weight, "available": available, "unavailable": weight - available},
    }


def _address(target: Row) -> dict[str, Any]:
    host, _, port = target["target"].rpartition(":")
    return {"ip": "127.0.0.1" if host == "localhost" else host, "port": int(port), "weight": target["weight"]}


def _of_target(world: World, upstream: Row, target: Row) -> dict[str, Any]:
    words = _words(world, upstream, target)
    addresses = [{**_address(target), "health": words}]
    return {**target, "health": words, "data": {**_host(world, upstream, target), "addresses": addresses}}


def _of_balancer(world: World, upstream: Row, rows: list[Row]) -> dict[str, Any]:
    hosts = [
        {**_host(world, upstream, row), "addresses": [{**_address(row), "healthy": _healthy(world, upstream, row)}]}
        for row in rows
    ]
    weight = {name: sum(host["weight"][name] for host in hosts) for name in ("total", "available", "unavailable")}
    threshold = upstream["healthchecks"]["threshold"]
    healthy = weight["available"] > 0 and weight["available"] * 100 >= threshold * weight["total"]
    words = "HEALTHY" if healthy else "UNHEALTHY"
    return {
        "id": upstream["id"],
        "health": words if checked(upstream) else "HEALTHCHECKS_OFF",
        "balancer_health": words,
        "details": {"healthy": healthy, "hosts": hosts, "weight": weight},
    }
