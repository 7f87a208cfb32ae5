"""How often: the service's own limit goes before its tenant's, and that before the level's, span by span."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.access.requests import Limit
from control_plane.catalog.model import Api, Catalog, Level, Service

SPANS = ("second", "minute", "hour", "day", "month", "year")


def limits(catalog: Catalog, api: Api, level: Level, service: Service | None) -> tuple[Limit, ...]:
    return tuple(_limits(catalog, api, level, service))


def _limits(catalog: Catalog, api: Api, level: Level, service: Service | None) -> Iterator[Limit]:
    place = api.name, level.name
    tenant = catalog.tenants[service.tenant] if service else None
    own = service.limits.get(place, {}) if service else {}
    tenants = tenant.limits.get(place, {}) if tenant else {}
    for span in SPANS:
        if service and span in own:
            yield Limit(span, own[span], "service", "service", service.origin)
        elif tenant and span in tenants:
            yield Limit(span, tenants[span], "tenant", "service", tenant.limits_origin)
        elif span in level.limit:
            yield Limit(span, level.limit[span], "level", "service" if service else "address", level.origin)
