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


# ---------------------------------------------------------------- levels with paths


LEVELS = {
    "read": ["GET", "HEAD"],
    "subscribe": ["POST"],
    "history": ["GET"],
    "admin": ["GET", "DELETE"],
}
PATHS = {"subscribe": ["/subscriptions"], "history": ["/entities/*/history"], "admin": ["/admin"]}


def broker(world: World) -> World:
    world.apply(
        a_platform(
            with_api(
                "broker",
                a_version("v2", "/broker/v2", upstream_path="/v2"),
                scoping="none",
                levels=LEVELS,
                level_paths=PATHS,
            ),
            *(with_service(level, a_grant("broker", level)) for level in LEVELS),
        )
    )
    return world


@pytest.mark.parametrize(
    ("level", "method", "path"),
    [
        ("read", "GET", ""),
        ("read", "GET", "/"),
        ("read", "HEAD", "/admin"),
        ("read", "GET", "/administrators"),
        ("read", "GET", "/entities/Room1"),
        ("read", "GET", "/entities/history"),
        ("read", "GET", "/entities//history"),
        ("history", "GET", "/entities/Room1/history"),
        ("history", "GET", "/entities/history/history/"),
        ("history", "GET", "/entities/urn:ngsi-ld:Room:1/history/2026"),
        ("admin", "GET", "/admin"),
        ("admin", "GET", "/admin/"),
        ("admin", "DELETE", "/admin/users/7"),
        ("admin", "GET", "/%61dmin/users"),
        ("subscribe", "POST", "/subscriptions"),
        ("subscribe", "POST", "/subscriptions/7"),
    ],
)
def test_a_level_is_methods_and_path_patterns_and_the_most_specific_one_decides(world: World, level, method, path):
    broker(world)
    plain = "//" not in path
    for other in LEVELS:
        answer = world.call("/broker/v2" + path, method, apikey=world.key_of(other))
        assert answer.status_code == (200 if other == level and plain else 403), other
        if other == level and plain and method != "HEAD":
            assert seen_by_upstream(answer)["path"] == ("/v2" + path).replace("%61", "a")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/entities"),
        ("POST", "/subscriptionsX"),
        ("DELETE", "/subscriptions"),
        ("DELETE", "/Admin"),
        ("POST", ""),
    ],
)
def test_a_method_and_path_that_no_level_has_are_refused(world: World, method, path):
    broker(world)
    for level in LEVELS:
        assert world.call("/broker/v2" + path, method, apikey=world.key_of(level)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/ADMIN", "/Admin/users", "/entities/Room1/History", "/entities/Room1/HISTORY/x"),
        *("/x%2Fadmin", "/x/..%2Fadmin", "/admin%2Fusers", "/entities/..;/admin", "/;/admin", "//admin", "/./admin"),
        *("/x/../admin", "/x/%2e%2e/admin", "/%2561dmin", "/x%252Fadmin", "/entities/Room1%5Chistory", "/%3B/admin"),
    ],
)
def test_case_and_encoded_slashes_never_widen_a_grant(world: World, path: str):
    broker(world)
    for level in LEVELS:
        assert world.call("/broker/v2" + path, apikey=world.key_of(level)).status_code == 403, level


def test_a_limit_is_the_levels_and_no_other_levels_calls_count(world: World):
    limits = {"read": {"hour": 2}, "admin": {"hour": 1}}
    world.apply(
        a_platform(
            with_api(
                "broker", a_version("v2", "/broker/v2"), scoping="none", levels=LEVELS, level_paths=PATHS, limits=limits
            ),
            with_service("portal", a_grant("broker", "read", "admin")),
        )
    )
    key = world.key_of("portal")
    paths = ("/admin", "/x", "/admin/y", "/x", "/x")
    assert [world.call("/broker/v2" + path, apikey=key).status_code for path in paths] == [200, 200, 429, 200, 429]


@pytest.mark.parametrize("gone", ["admin", "history"])
def test_where_the_route_of_a_more_specific_level_is_missing_no_other_level_takes_its_calls(world: World, gone: str):
    path = {"admin": "/broker/v2/admin", "history": "/broker/v2/entities/Room1/history"}[gone]
    key = broker(world).key_of("read")
    world.by_hand("DELETE", f"/routes/broker.v2.{gone}")
    world.wait()
    assert world.call(path, apikey=key).status_code == 403
    assert world.call("/broker/v2/x", apikey=key).status_code == 200


def test_without_the_guard_the_calls_of_a_level_with_paths_lead_nowhere(world: World):
    broker(world).by_hand("DELETE", "/plugins/broker.v2.post-function")
    world.wait()
    heard = seen_by_upstream(world.call("/broker/v2/admin/users", apikey=world.key_of("admin")))
    assert heard["path"] == "/v2/broker/v2/admin/users"


def test_a_route_that_takes_more_methods_by_hand_gives_nobody_more(world: World):
    broker(world).by_hand("PATCH", "/routes/broker.v2.read", {"methods": ["GET", "HEAD", "DELETE"]})
    world.wait()
    assert world.call("/broker/v2/x", "DELETE", apikey=world.key_of("read")).status_code == 403
