"""What the YAML says about access, as plugins: one small file per policy.

    on_version(gateway, one)        plugins of an API version's service
    on_levels(gateway, one)         plugins of its levels' routes
    everywhere(catalog)             plugins for every call
    on_consumer(gateway, service)   plugins of a connected service: everywhere, on one API version, or on one route

A policy is added by its file and its line here. Kong runs one instance of a plugin for a request, the most specific
(consumer and route, consumer and service, consumer, route, service, global), and never merges two; so `plugin.placed`
owns the question of two policies that want the same plugin in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from control_plane.catalog.model import Catalog, Service
from control_plane.kong.policies import (
    access,
    access_log,
    addresses,
    answers,
    authentication,
    bots,
    correlation,
    cors,
    guard,
    lifecycle,
    lifetime,
    limits,
    metrics,
    security,
    size,
)
from control_plane.kong.policies.plugin import Plugin, placed
from control_plane.kong.view import Gateway, Standing, standing

ON_VERSION: tuple[Callable[[Gateway, Standing], Iterator[Plugin]], ...] = (
    authentication.on_version,
    access.on_version,
    guard.on_version,
    answers.on_version,
    addresses.on_version,
    correlation.on_version,
    size.on_version,
    lifecycle.on_version,
    lifetime.on_version,
    security.on_version,
    cors.on_version,
    bots.on_version,
)
ON_ROUTES: tuple[Callable[[Gateway, Standing], Iterator[Plugin]], ...] = (
    access.on_levels,
    limits.on_levels,
    cors.on_levels,
)
EVERYWHERE: tuple[Callable[[Catalog], Iterator[Plugin]], ...] = (access_log.everywhere, metrics.everywhere)
ON_CONSUMER: tuple[Callable[[Gateway, Service], Iterator[Plugin]], ...] = (addresses.on_consumer,)
ON_CONSUMERS_ROUTES: tuple[Callable[[Gateway, Service], Iterator[Plugin]], ...] = (limits.on_consumer,)


def plugins(catalog: Catalog) -> list[Plugin]:
    """Every plugin on a service or a consumer, or for every call, each place once."""
    seen = Gateway(catalog)
    return placed(
        [
            *(plugin for policy in EVERYWHERE for plugin in policy(catalog)),
            *(plugin for one in standing(catalog) for policy in ON_VERSION for plugin in policy(seen, one)),
            *(plugin for service in catalog.services() for policy in ON_CONSUMER for plugin in policy(seen, service)),
        ]
    )


def everywhere(catalog: Catalog) -> list[Plugin]:
    """The plugins for every call, of whatever service."""
    return placed(plugin for policy in EVERYWHERE for plugin in policy(catalog))


def names(catalog: Catalog) -> set[str]:
    """The names of all plugins that a node needs for the catalog. Most of the work is in the guards: none is made."""
    seen = Gateway(catalog)
    others = [policy for policy in ON_VERSION if policy is not guard.on_version]
    made = [
        *everywhere(catalog),
        *route_plugins(catalog),
        *(plugin for one in standing(catalog) for policy in others for plugin in policy(seen, one)),
        *(plugin for service in catalog.services() for policy in ON_CONSUMER for plugin in policy(seen, service)),
    ]
    guards = {guard.NAME for one in standing(catalog) if one.live}
    return guards | {plugin.name for plugin in made}


def route_plugins(catalog: Catalog) -> list[Plugin]:
    """Every plugin on a route, each place once."""
    seen = Gateway(catalog)
    return placed(
        [
            *(plugin for one in standing(catalog) for policy in ON_ROUTES for plugin in policy(seen, one)),
            *(p for service in catalog.services() for policy in ON_CONSUMERS_ROUTES for p in policy(seen, service)),
        ]
    )
