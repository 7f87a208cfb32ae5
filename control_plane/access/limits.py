"""How often: the service's own limit goes before the level's, span by span."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.access.requests import Limit
from control_plane.catalog.model import Api, Level, Service

SPANS = ("second", "minute", "hour", "day", "month", "year")


def limits(api: Api, level: Level, service: Service | None) -> tuple[Limit, ...]:
    return tuple(_limits(api, level, service))


def _limits(api: Api, level: Level, service: Service | None) -> Iterator[Limit]:
    own = service.limits.get((api.name, level.name), {}) if service else {}
    for span in SPANS:
        if service and span in own:
            yield Limit(span, own[span], "service", "service", service.origin)
        elif span in level.limit:
            yield Limit(span, level.limit[span], "level", "service" if service else "address", level.origin)
