"""Limits: how often one service may call a level; for open data one address. A service's own limit goes before its
tenant's, and that before the level's, window by window.

On the route, so that the levels count apart. `local`: each node counts for itself, which is exact for one node.
`redis`: all nodes together. While Redis is away calls pass uncounted: limits share the load, they are nobody's rights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from control_plane.catalog.model import Level, Redis, Service
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing
from control_plane.problems import ConfigurationError, Origin, Problem

WINDOWS = ("second", "minute", "hour", "day", "month", "year")


def on_levels(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if not one.live:
        return
    for level in one.api.levels:
        if level.limit:
            by = "consumer" if one.api.auth else "ip"
            config = _config(gateway, level.limit, by, level.origin)
            route = one.route(level)
            yield Plugin("rate-limiting", config, level.origin, one.belongs, within=one.name, route=route)


def on_consumer(gateway: Gateway, service: Service) -> Iterator[Plugin]:
    tenant = gateway.catalog.tenants[service.tenant]
    if not service.limits and not tenant.limits:
        return
    for one, level, _ in gateway.opened.levels(service):
        place = one.api.name, level.name
        own, tenants = service.limits.get(place, {}), tenant.limits.get(place, {})
        if (own or tenants) and one.api.auth:
            limit = {**level.limit, **tenants, **own}
            yield _of_consumer(gateway, service, one, level, limit, service.origin if own else tenant.limits_origin)


def _of_consumer(
    gateway: Gateway, service: Service, one: Standing, level: Level, limit: Mapping[str, int], origin: Origin | None
) -> Plugin:
    return Plugin(
        "rate-limiting",
        _config(gateway, limit, "consumer", origin),
        origin,
        (f"tenant:{service.tenant}", *one.belongs),
        within=service.name,
        route=one.route(level),
        consumer=service.name,
    )


def _config(gateway: Gateway, limit: Mapping[str, int], by: str, origin: Origin | None) -> dict[str, object]:
    _longer_is_more(limit, origin)
    kong = gateway.catalog.environment.kong
    redis = kong.redis if kong else None
    return {
        **{window: limit.get(window) for window in WINDOWS},
        "limit_by": by,
        "policy": "redis" if redis else "local",
        **({"redis": _redis(redis), "sync_rate": -1} if redis else {}),  # -1: each call is counted before it goes on
        "fault_tolerant": True,
        "hide_client_headers": False,
        "header_name": None,
        "path": None,
    }


def _redis(redis: Redis) -> dict[str, object]:
    """The password is a reference that each node resolves itself, by the environment variable's name in Kong's way."""
    variable = redis.password_variable
    return {
        "host": redis.host,
        "port": redis.port,
        "database": redis.database,
        "username": redis.username,
        "password": f"{{vault://env/{variable.lower().replace('_', '-')}}}" if variable else None,
        "ssl": redis.tls,
        "ssl_verify": redis.tls and redis.verify,
        "server_name": redis.host if redis.tls else None,
        "timeout": redis.timeout * 1000,  # milliseconds
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
