"""Levels, named by the API's author, each methods and path patterns; a call that no level has is refused, and nothing
that a client writes makes one call pass for another."""

from __future__ import annotations

import pytest

from tests.building import a_grant, a_platform, a_version, with_api, with_service
from tests.kong.world import World, seen_by_upstream

pytestmark = pytest.mark.servers

OTHER_CALLS = [
    *("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-Forwarded-Method"),
    *("X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "X-Override-URL", "X-Forwarded-URI"),
]


def test_a_method_that_no_level_has_is_refused(world: World):
    world.apply(
        a_platform(
            with_api("orders", a_version("v1", "/orders/v1"), scoping="none", levels={"read": ["GET"]}),
            with_service("portal", a_grant("orders", "read")),
        )
    )
    key = world.key_of("portal")
    assert world.call("/orders/v1/x", apikey=key).status_code == 200
    for method in ("POST", "DELETE", "OPTIONS", "PURGE"):
        assert world.call("/orders/v1/x", method, apikey=key).status_code == 404


def test_orders_never_takes_orders_x(world: World):
    world.apply(
        a_platform(
            with_api("orders", a_version("v1", "/orders"), scoping="none"),
            with_service("portal", a_grant("orders", "read")),
        )
    )
    key = world.key_of("portal")
    for path, status in {"/orders": 200, "/orders/": 200, "/orders/7": 200, "/ordersX": 404, "/Orders": 404}.items():
        assert world.call(path, apikey=key).status_code == status, path


def test_no_header_tells_the_upstream_another_method_or_path_than_the_one_that_was_judged(world: World):
    world.apply(a_platform(with_api("orders", a_version("v1", "/orders"), auth=(), scoping="none")))
    spelt = [one for name in OTHER_CALLS for one in (name, name.replace("-", "_"), name.replace("-", "_", 1))]
    sent = {one.replace("_", "__").replace("-", "_"): "x" for one in spelt}
    heard = seen_by_upstream(world.call("/orders/7", **sent))["headers"]
    assert not {one.lower() for one in spelt} & heard.keys()
