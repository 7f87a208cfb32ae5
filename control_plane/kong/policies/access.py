"""Levels: the service takes who is in any level's group, each route who is in its own level's.

Both are there so that a route whose acl was taken away by hand is still closed to strangers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing
from control_plane.problems import Origin


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if one.live and one.api.auth:
        yield _acl(one, (level.name for level in one.api.levels), None, one.api.origin)


def on_levels(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if one.live and one.api.auth:
        for level in one.api.levels:
            yield _acl(one, (level.name,), one.route(level), level.origin or one.api.origin)


def _acl(one: Standing, levels: Iterable[str], route: str | None, origin: Origin | None) -> Plugin:
    config = {
        "allow": sorted(one.group(level) for level in levels),
        "deny": None,
        "hide_groups_header": True,
        "always_use_authenticated_groups": False,
    }
    service = None if route else one.name
    return Plugin("acl", config, origin, one.belongs, within=one.name, service=service, route=route)
