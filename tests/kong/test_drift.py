"""What somebody does in Kong by hand: on our objects it is drift, beside them it is reported and never touched."""

from __future__ import annotations

import pytest

from tests.building import KEY, TOKEN, a_grant, a_platform, with_api, with_service
from tests.kong.world import World, lines

pytestmark = pytest.mark.servers

PLATFORM = a_platform(
    with_api("ngsi-v2", auth=(KEY, TOKEN), limits={"read": {"minute": 900}}),
    with_service("portal", a_grant("ngsi-v2", "read"), auth=(KEY, TOKEN), allowed_ips=("127.0.0.1",)),
)


@pytest.mark.parametrize(
    ("path", "body", "found"),
    [
        ("/services/ngsi-v2.v2", {"host": "evil.test"}, "service ngsi-v2.v2 ngsi-v2.v2"),
        ("/services/ngsi-v2.v2", {"tags": ["renkei:tochigi"]}, "service ngsi-v2.v2 ngsi-v2.v2"),
        ("/routes/ngsi-v2.v2.read", {"methods": ["GET", "HEAD", "POST"]}, "route ngsi-v2.v2 ngsi-v2.v2.read"),
        ("/routes/ngsi-v2.v2.read", {"paths": ["/"]}, "route ngsi-v2.v2 ngsi-v2.v2.read"),
        ("/routes/ngsi-v2.v2.read", {"hosts": ["x.test"]}, "route ngsi-v2.v2 ngsi-v2.v2.read"),
        ("/plugins/ngsi-v2.v2.acl", {"config": {"allow": ["everybody"]}}, "plugin ngsi-v2.v2 ngsi-v2.v2.acl"),
        ("/plugins/ngsi-v2.v2.acl", {"enabled": False}, "plugin ngsi-v2.v2 ngsi-v2.v2.acl"),
        ("/plugins/ngsi-v2.v2.jwt", {"protocols": ["https"]}, "plugin ngsi-v2.v2 ngsi-v2.v2.jwt"),
        (
            "/plugins/ngsi-v2.v2.key-auth",
            {"config": {"anonymous": "nasushiobara.portal"}},
            "plugin ngsi-v2.v2 ngsi-v2.v2.key-auth",
        ),
        (
            "/plugins/ngsi-v2.v2.post-function",
            {"config": {"access": ["return"]}},
            "plugin ngsi-v2.v2 ngsi-v2.v2.post-function",
        ),
        (
            "/plugins/ngsi-v2.v2.post-function",
            {"config": {"rewrite": ["kong.log('x')"]}},
            "plugin ngsi-v2.v2 ngsi-v2.v2.post-function",
        ),
        (
            "/plugins/ngsi-v2.v2.read.rate-limiting",
            {"config": {"minute": 9000, "hour": 100000}},
            "route-plugin ngsi-v2.v2 ngsi-v2.v2.read.rate-limiting",
        ),
        (
            "/plugins/nasushiobara.portal~ngsi-v2.v2.ip-restriction",
            {"config": {"allow": ["0.0.0.0/0"]}},
            "plugin nasushiobara.portal nasushiobara.portal~ngsi-v2.v2.ip-restriction",
        ),
        (
            "/consumers/nasushiobara.portal",
            {"tags": ["renkei:tochigi"]},
            "consumer nasushiobara.portal nasushiobara.portal",
        ),
    ],
)
def test_a_change_by_hand_is_found_and_mended(world: World, path, body, found):
    world.apply(PLATFORM)
    world.by_hand("PATCH", path, body)
    assert lines(world.plan(PLATFORM)) == [f"update kong.{found}"]
    world.apply(PLATFORM)


def test_a_key_that_was_changed_by_hand_is_put_back(world: World):
    world.apply(PLATFORM)
    row = world.by_hand("GET", "/consumers/nasushiobara.portal/key-auth")["data"][0]
    world.by_hand("PATCH", f"/key-auths/{row['id']}", {"key": "somebody knows it"})
    assert lines(world.plan(PLATFORM)) == ["update kong.key nasushiobara.portal primary"]
    world.apply(PLATFORM)
    assert world.by_hand("GET", f"/key-auths/{row['id']}")["key"] == world.key_of("portal")


def test_a_service_that_was_disabled_by_hand_is_published_again(world: World):
    world.apply(PLATFORM)
    world.by_hand("PATCH", "/services/ngsi-v2.v2", {"enabled": False})
    assert lines(world.plan(PLATFORM)) == ["create kong.publication ngsi-v2.v2 ngsi-v2.v2"]
    world.apply(PLATFORM)


@pytest.mark.parametrize(
    "path",
    [
        "/plugins/ngsi-v2.v2.acl",
        "/plugins/ngsi-v2.v2.read.acl",
        "/plugins/ngsi-v2.v2.read.rate-limiting",
        "/plugins/nasushiobara.portal~ngsi-v2.v2.ip-restriction",
    ],
)
def test_a_plugin_that_was_moved_by_hand_is_moved_back_and_not_deleted(world: World, path):
    world.apply(PLATFORM)
    world.by_hand("PUT", "/services/foreign", {"url": "http://foreign.test"})
    there = world.by_hand("GET", path)
    moved = {name: there[name] for name in ("name", "tags", "config")} | {"service": {"name": "foreign"}}
    world.by_hand("PUT", path, moved)
    world.apply(PLATFORM)
    back = world.by_hand("GET", path)
    assert [back[place] for place in ("service", "route", "consumer")] == [
        there[place] for place in ("service", "route", "consumer")
    ]


def test_a_route_that_was_moved_by_hand_is_moved_back_and_not_deleted(world: World):
    world.apply(PLATFORM)
    foreign = world.by_hand("PUT", "/services/foreign", {"url": "http://foreign.test"})
    world.by_hand("PATCH", "/routes/ngsi-v2.v2.read", {"service": {"id": foreign["id"]}})
    world.apply(PLATFORM)


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("POST", "/consumers/nasushiobara.portal/key-auth", {"key": "made by hand"}, "kong.key"),
        ("POST", "/consumers/nasushiobara.portal/jwt", {"key": "other"}, "kong.jwt"),
        ("POST", "/consumers/nasushiobara.portal/acls", {"group": "ngsi-v2.v2:update"}, "kong.acl"),
        ("POST", "/services/ngsi-v2.v2/plugins", {"name": "cors"}, "kong.plugin"),
        ("POST", "/routes/ngsi-v2.v2.read/plugins", {"name": "cors"}, "kong.route-plugin"),
        ("POST", "/consumers/nasushiobara.portal/plugins", {"name": "request-termination"}, "kong.plugin"),
        ("POST", "/services/ngsi-v2.v2/routes", {"name": "back-door", "paths": ["/back"]}, "kong.route"),
        ("POST", "/services/ngsi-v2.v2/routes", {"paths": ["/nameless"]}, "kong.route"),
    ],
)
def test_a_stranger_on_our_object_is_reported_as_attached_and_left_alone(world: World, method, path, body, kind):
    world.apply(PLATFORM)
    made = world.by_hand(method, path, body)
    plan = world.plan(PLATFORM)
    assert lines(plan) == []
    assert [found.key.kind for found in plan.attached] == [kind]
    world.apply(PLATFORM)
    collection = {"kong.key": "key-auths", "kong.jwt": "jwts", "kong.acl": "acls", "kong.route": "routes"}
    assert world.by_hand("GET", f"/{collection.get(kind, 'plugins')}/{made['id']}")["id"] == made["id"]


def test_a_key_that_copies_our_tags_is_still_somebody_elses(world: World):
    world.apply(PLATFORM)
    ours = world.by_hand("GET", "/consumers/nasushiobara.portal/key-auth")["data"][0]
    world.by_hand("POST", "/consumers/nasushiobara.portal/key-auth", {"key": "copy", "tags": ours["tags"]})
    plan = world.plan(PLATFORM)
    assert lines(plan) == []
    assert len(plan.attached) == 1


def test_objects_of_others_are_unmanaged_and_not_attached(world: World):
    world.by_hand("PUT", "/services/legacy", {"url": "http://legacy.test"})
    world.by_hand("PUT", "/routes/legacy", {"paths": ["/legacy"], "service": {"name": "legacy"}})
    world.by_hand("PUT", "/consumers/somebody", {})
    world.by_hand("POST", "/consumers/somebody/key-auth", {"key": "k"})
    world.by_hand("POST", "/plugins", {"name": "prometheus"})
    world.apply(PLATFORM)
    plan = world.plan(PLATFORM)
    assert sorted({found.key.kind for found in plan.unmanaged}) == [
        "kong.consumer",
        "kong.key",
        "kong.plugin",
        "kong.route",
        "kong.service",
    ]
    assert plan.attached == ()


def test_something_of_others_under_a_name_that_we_want_is_a_conflict(world: World):
    world.by_hand("PUT", "/services/ngsi-v2.v2", {"url": "http://legacy.test"})
    assert [str(want.key) for want, _ in world.plan(PLATFORM).conflicts] == ["kong.service ngsi-v2.v2 ngsi-v2.v2"]


def test_what_was_taken_away_by_hand_is_made_again(world: World):
    world.apply(PLATFORM)
    world.by_hand("DELETE", "/consumers/nasushiobara.portal")
    world.by_hand("DELETE", "/plugins/ngsi-v2.v2.post-function")
    world.by_hand("DELETE", "/routes/ngsi-v2.v2.update")
    world.apply(PLATFORM)
