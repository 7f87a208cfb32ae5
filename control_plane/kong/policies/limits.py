"""Limits: how often one service may call a level; for open data one address. A service's own limit goes before it.

On the route, so that the levels count apart. `local`: each node counts for itself, which is exact for one node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from control_plane.catalog.model import Level, Service
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing, granted_levels
from control_plane.problems import ConfigurationError, Origin, Problem

WINDOWS = ("second", "minute", "hour", "day", "month", "year")


def on_levels(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if not one.live:
        return
    for level in one.api.levels:
        if level.limit:
            by = "consumer" if one.api.auth else "ip"
            config = _config(level.limit, by, level.origin)
            route = one.route(level)
            yield Plugin("rate-limiting", config, level.origin, one.belongs, within=one.name, route=route)


def on_consumer(gateway: Gateway, service: Service) -> Iterator[Plugin]:
    """A service's own limit replaces the windows that it names; the level's others stay."""
    if not service.limits:
        return
    for one, level, _ in granted_levels(gateway.catalog, service):
        own = service.limits.get((one.api.name, level.name))
        if own and one.api.auth:
            yield _of_consumer(service, one, level, own)


def _of_consumer(service: Service, one: Standing, level: Level, own: Mapping[str, int]) -> Plugin:
    return Plugin(
        "rate-limiting",
        _config({**level.limit, **own}, "consumer", service.origin),
        service.origin,
        (f"tenant:{service.tenant}", *one.belongs),
        within=service.name,
        route=one.route(level),
        consumer=service.name,
    )


def _config(limit: Mapping[str, int], by: str, origin: Origin | None) -> dict[str, object]:
    _longer_is_more(limit, origin)
    return {
        **{window: limit.get(window) for window in WINDOWS},
        "limit_by": by,
        "policy": "local",
        "fault_tolerant": True,
        "hide_client_headers": False,
        "header_name": None,
        "path": None,
    }


def _longer_is_more(limit: Mapping[str, int], origin: Origin | None) -> None:
    """Kong refuses a limit that allows less in a longer window than in a shorter one."""
    given = [(window, limit[window]) for window in WINDOWS if window in limit]
    for (short, fewer), (long, more) in pairwise(given):
        if more < fewer:
            raise ConfigurationError(
                Problem(
                    f"a limit of {more} per {long} is less than {fewer} per {short}", origin, help="raise the longer"
                )
            )
