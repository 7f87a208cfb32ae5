"""The entities of one moment, arranged for the proxy: router, plugins by scope, consumers and their credentials.

A part is made anew only when its collections have changed: until then they are the same sequence of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.router import Router, Row

Scope = tuple[str | None, str | None, str | None]  # ids of route, service, consumer


@dataclass(frozen=True)
class Snapshot:
    """What the proxy works by."""

    router: Router
    services: Mapping[str, Row]
    plugins: Mapping[str, Mapping[Scope, Instance]]  # by name, then by scope
    consumers: Mapping[str, Row]
    consumer_names: Mapping[str, Row]
    groups: Mapping[str, tuple[str, ...]]  # ACL groups by consumer id
    keys: Mapping[str, Row]
    jwt_keys: Mapping[str, Row]
    upstreams: Mapping[str, Row]
    targets: Mapping[str, tuple[Row, ...]]  # by upstream id
    certificates: Mapping[str, Row]
    ca_certificates: Mapping[str, Row]

    def instance(self, name: str, route: str | None, service: str | None, consumer: str | None) -> Instance | None:
        """The one instance that runs: the most specific, a consumer's before a route's."""
        found = self.plugins.get(name)
        if not found:
            return None
        scopes = (
            (route, service, consumer),
            (route, None, consumer),
            (None, service, consumer),
            (route, service, None),
            (None, None, consumer),
            (route, None, None),
            (None, service, None),
            (None, None, None),
        )
        return next((found[scope] for scope in scopes if scope in found), None)

    def consumer(self, name: str) -> Row | None:
        """By id, else by username."""
        return self.consumers.get(name) or self.consumer_names.get(name)


class Compiler:
    """Makes snapshots and remembers their parts."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Sequence[object], Any]] = {}
        self._instances: dict[str, Instance] = {}

    def snapshot(self, rows: Mapping[str, Sequence[Row]]) -> Snapshot:
        """These rows by their collections, arranged."""

        def part(name: str, collections: Iterable[str], make: Callable[..., Any]) -> Any:
            return self._part(name, [rows[collection] for collection in collections], make)

        return Snapshot(
            router=part("router", ("routes", "services"), _router),
            services=part("services", ("services",), _by_id),
            plugins=part("plugins", ("plugins",), self._plugins),
            consumers=part("consumers", ("consumers",), _by_id),
            consumer_names=part("names", ("consumers",), lambda rows: _by("username", rows)),
            groups=part("groups", ("acls",), _groups),
            keys=part("keys", ("keyauth_credentials",), lambda rows: _by("key", rows)),
            jwt_keys=part("jwt", ("jwt_secrets",), lambda rows: _by("key", rows)),
            upstreams=part("upstreams", ("upstreams",), lambda rows: _by("name", rows)),
            targets=part("targets", ("targets",), _targets),
            certificates=part("certificates", ("certificates",), _by_id),
            ca_certificates=part("ca_certificates", ("ca_certificates",), _by_id),
        )

    def _part(self, name: str, rows: Sequence[Sequence[Row]], make: Callable[..., Any]) -> Any:
        known = self._parts.get(name)
        if known is None or any(a is not b for a, b in zip(known[0], rows, strict=True)):
            known = self._parts[name] = (rows, make(*rows))
        return known[1]

    def _plugins(self, rows: Iterable[Row]) -> dict[str, dict[Scope, Instance]]:
        """An instance outlives the compilation as long as its row is the same, and its Lua with it."""
        found: dict[str, dict[Scope, Instance]] = {}
        instances = {}
        for row in rows:
            known = self._instances.get(row["id"])
            instance = known if known is not None and known.row is row else Instance(row)
            instances[row["id"]] = instance
            if row["enabled"] and "http" in (row.get("protocols") or ("http",)):
                scope = (_ref(row, "route"), _ref(row, "service"), _ref(row, "consumer"))
                found.setdefault(row["name"], {})[scope] = instance
        self._instances = instances
        return found


def _router(routes: Iterable[Row], services: Iterable[Row]) -> Router:
    """Routes of a disabled service do not exist."""
    disabled = {row["id"] for row in services if not row["enabled"]}
    return Router(route for route in routes if _ref(route, "service") not in disabled and _speaks_http(route))


def _speaks_http(route: Row) -> bool:
    return bool({"http", "https"} & set(route.get("protocols") or ("http",)))


def _by_id(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in rows}


def _by(name: str, rows: Iterable[Row]) -> dict[str, Row]:
    return {row[name]: row for row in rows if row.get(name) is not None}


def _groups(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row["created_at"], row["id"])):
        found.setdefault(row["consumer"]["id"], []).append(row["group"])
    return {consumer: tuple(groups) for consumer, groups in found.items()}


def _targets(rows: Iterable[Row]) -> dict[str, tuple[Row, ...]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["upstream"]["id"], []).append(row)
    return {upstream: tuple(targets) for upstream, targets in found.items()}


def _ref(row: Row, name: str) -> str | None:
    other = row.get(name)
    return other["id"] if other else None
