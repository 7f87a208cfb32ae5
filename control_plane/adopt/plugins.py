"""Which plugin counts where, as Kong decides it; and what a guard of ours says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control_plane.adopt.existing import Existing, Row
from control_plane.kong.policies import chunk

HARMLESS = {"correlation-id", "prometheus", "http-log", "file-log", "cors", "response-transformer"}


def plugin(
    existing: Existing,
    name: str,
    *,
    route: str | None = None,
    service: str | None = None,
    consumer: str | None = None,
) -> dict[str, Any] | None:
    """The configuration that counts: of the route, else of the service, else of every call."""
    places: list[tuple[str | None, str | None]] = [(route, None)] if route else []
    places += [(None, service)] if service else []
    places += [(None, None)] if not consumer or not places else []
    for on_route, on_service in places:
        for row in existing["plugins"]:
            at = (row["route"], row["service"] if not row["route"] else None, row["consumer"])
            if row["name"] == name and is_on(row) and at == (on_route, on_service, consumer):
                return dict(row.get("config") or {})
    return None


def is_on(row: Row) -> bool:
    return row.get("enabled") is not False


def guard_of(existing: Existing, service: str) -> Mapping[str, Any] | None:
    config = plugin(existing, "post-function", service=service) or {}
    said = [chunk.read(text) for text in config.get("access") or ()]
    return said[0] if len(said) == 1 else None


def setting(guard: Mapping[str, Any] | None, name: str) -> str | None:
    for setting in (guard or {}).get("settings", ()):
        key, _, value = str(setting).partition(" = ")
        if key == name:
            return value.strip('"')
    return None
