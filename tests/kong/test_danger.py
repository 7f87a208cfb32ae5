"""Drift knows danger: what widens access to something of ours is `security` and comes first; the rest does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from control_plane.kong import strangers
from control_plane.render.document import About, plan_document
from control_plane.render.drift import differences, drift_lines, has_drifted
from tests.building import KEY, TOKEN, a_grant, a_platform, during, with_api, with_service
from tests.kong.world import World, lines

PLATFORM = a_platform(
    with_api(
        "ngsi-v2",
        auth=(KEY, TOKEN),
        limits={"read": {"minute": 900}},
        allowed_ips=("127.0.0.0/8",),
    ),
    with_service("portal", a_grant("ngsi-v2", "read", period=during("2026-04-01", "2027-04-01")), auth=(KEY, TOKEN)),
)
ABOUT = About("tochigi", "production", datetime(2026, 11, 21, tzinfo=UTC))

# what is done by hand: method, path, body
WIDER = {
    "a service that leads elsewhere": ("PATCH", "/services/ngsi-v2.v2", {"host": "elsewhere.test"}),
    "a path more": ("PATCH", "/routes/ngsi-v2.v2.read", {"paths": ["/"]}),
    "a method more": ("PATCH", "/routes/ngsi-v2.v2.read", {"methods": ["GET", "HEAD", "POST"]}),
    "authentication off": ("PATCH", "/plugins/ngsi-v2.v2.key-auth", {"enabled": False}),
    "authentication gone": ("DELETE", "/plugins/ngsi-v2.v2.jwt", None),
    "a key in the query": ("PATCH", "/plugins/ngsi-v2.v2.key-auth", {"config": {"key_in_query": True}}),
    "a group more": ("PATCH", "/plugins/ngsi-v2.v2.read.acl", {"config": {"allow": ["ngsi-v2.v2:read", "all"]}}),
    "no guard": ("DELETE", "/plugins/ngsi-v2.v2.post-function", None),
    "a guard that lets pass": ("PATCH", "/plugins/ngsi-v2.v2.post-function", {"config": {"access": ["return"]}}),
    "code beside the guard": ("PATCH", "/plugins/ngsi-v2.v2.post-function", {"config": {"rewrite": ["return"]}}),
    "addresses more": ("PATCH", "/plugins/ngsi-v2.v2.ip-restriction", {"config": {"allow": ["0.0.0.0/0"]}}),
    "a limit raised": ("PATCH", "/plugins/ngsi-v2.v2.read.rate-limiting", {"config": {"minute": 9000}}),
    "a limit gone": ("DELETE", "/plugins/ngsi-v2.v2.read.rate-limiting", None),
}
NARROWER = {
    "a method less": ("PATCH", "/routes/ngsi-v2.v2.update", {"methods": ["POST"]}),
    "a host more": ("PATCH", "/routes/ngsi-v2.v2.read", {"hosts": ["x.test"]}),
    "a limit lowered": ("PATCH", "/plugins/ngsi-v2.v2.read.rate-limiting", {"config": {"minute": 9}}),
    "addresses less": ("PATCH", "/plugins/ngsi-v2.v2.ip-restriction", {"config": {"allow": ["127.0.0.1/32"]}}),
    "other time-outs": ("PATCH", "/services/ngsi-v2.v2", {"read_timeout": 1000}),
    "a service switched off": ("PATCH", "/services/ngsi-v2.v2", {"enabled": False}),
    "a route gone": ("DELETE", "/routes/ngsi-v2.v2.update", None),
    "a right gone": ("DELETE", "/consumers/nasushiobara.portal/acls/ngsi-v2.v2:read", None),
}
STRANGERS = {
    "a key": ("POST", "/consumers/nasushiobara.portal/key-auth", {"key": "made by hand"}),
    "a token's issuer": ("POST", "/consumers/nasushiobara.portal/jwt", {"key": "other"}),
    "a right": ("POST", "/consumers/nasushiobara.portal/acls", {"group": "ngsi-v2.v2:update"}),
    "rights for anybody": ("POST", "/consumers/renkei-anonymous-tochigi/acls", {"group": "ngsi-v2.v2:read"}),
    "a back door": ("POST", "/services/ngsi-v2.v2/routes", {"paths": ["/back"]}),
    "headers of a caller": ("POST", "/consumers/nasushiobara.portal/plugins", {"name": "request-transformer"}),
    "headers of a route": ("POST", "/routes/ngsi-v2.v2.read/plugins", {"name": "request-transformer"}),
    "a limit in the place of ours": (
        "POST",
        "/consumers/nasushiobara.portal/plugins",
        {"name": "rate-limiting", "config": {"minute": 99999}},
    ),
    "a log of every call": ("POST", "/plugins", {"name": "http-log", "config": {"http_endpoint": "http://x.test"}}),
    "code in every call": ("POST", "/plugins", {"name": "pre-function", "config": {"access": ["return"]}}),
}
HARMLESS = {
    "calls that are ended": ("POST", "/services/ngsi-v2.v2/plugins", {"name": "request-termination"}),
    "a number for each call": ("POST", "/routes/ngsi-v2.v2.read/plugins", {"name": "correlation-id"}),
}


def document(world: World, catalog=PLATFORM):
    return plan_document(world.plan(catalog), ABOUT)


def told(found):
    return [(one["is"], one["severity"]) for one in differences(found)]


@pytest.mark.servers
@pytest.mark.parametrize("name", WIDER)
def test_a_change_by_hand_that_widens_access_is_security_and_apply_mends_it(world: World, name):
    world.apply(PLATFORM)
    world.by_hand(*WIDER[name])
    found = document(world)
    assert [one["severity"] for one in differences(found)] == ["security"]
    [why] = [one["why"] for one in differences(found)]
    assert f"      {why}" in list(drift_lines(found))
    assert found["changes"][0]["origin"]["line"] >= 1
    assert has_drifted(found, "security")
    world.apply(PLATFORM)
    assert not has_drifted(document(world))


@pytest.mark.servers
@pytest.mark.parametrize("name", NARROWER)
def test_a_change_by_hand_that_gives_nobody_more_is_a_change(world: World, name):
    world.apply(PLATFORM)
    world.by_hand(*NARROWER[name])
    found = document(world)
    assert {one["severity"] for one in differences(found)} == {"change"}
    assert has_drifted(found)
    assert not has_drifted(found, "security")
    world.apply(PLATFORM)


@pytest.mark.servers
@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_that_opens_something_of_ours_is_security_and_says_how_to_remove_it(world: World, name):
    world.apply(PLATFORM)
    method, path, body = STRANGERS[name]
    world.by_hand(method, path, body)
    found = document(world)
    assert told(found) == [("not managed", "security")]
    [stranger] = [one for one in found["unmanaged"] if one["severity"] == "security"]
    world.apply(PLATFORM)
    assert told(document(world)) == [("not managed", "security")], "apply touches no stranger"
    verb, _, where = stranger["remove"].partition(" ")
    world.by_hand(verb, where)
    assert told(document(world)) == []


@pytest.mark.servers
@pytest.mark.parametrize("name", HARMLESS)
def test_a_stranger_on_ours_that_opens_nothing_is_a_change(world: World, name):
    world.apply(PLATFORM)
    world.by_hand(*HARMLESS[name])
    assert told(document(world)) == [("not managed", "change")]


@pytest.mark.servers
def test_a_plugin_of_others_that_is_switched_off_opens_nothing(world: World):
    world.apply(PLATFORM)
    world.by_hand("POST", "/services/ngsi-v2.v2/plugins", {"name": "request-transformer", "enabled": False})
    assert told(document(world)) == [("not managed", "change")]


@pytest.mark.servers
def test_a_key_changed_by_hand_is_security(world: World):
    world.apply(PLATFORM)
    row = world.by_hand("GET", "/consumers/nasushiobara.portal/key-auth")["data"][0]
    world.by_hand("PATCH", f"/key-auths/{row['id']}", {"key": "somebody knows it"})
    assert told(document(world)) == [("changed", "security")]


@pytest.mark.servers
def test_a_key_without_the_end_that_its_service_has_is_security(world: World):
    catalog = a_platform(with_service("portal", reading="ngsi-v2", period=during("2026-04-01", "2028-04-01")))
    world.apply(catalog)
    row = world.by_hand("GET", "/consumers/nasushiobara.portal/key-auth")["data"][0]
    kept = {"key": row["key"], "tags": row["tags"]}
    world.by_hand("PUT", f"/consumers/nasushiobara.portal/key-auth/{row['id']}", kept)
    assert told(document(world, catalog)) == [("changed", "security")]


@pytest.mark.servers
def test_a_key_of_a_realm_that_is_not_the_realms_is_security(world: World):
    world.apply(PLATFORM)
    world.vault.keys["nasushiobara"] = "another"
    assert told(document(world)) == [("changed", "security")]


@pytest.mark.servers
def test_a_service_of_others_to_the_same_server_is_security_once_a_route_leads_there(world: World):
    world.apply(PLATFORM)
    world.by_hand("PUT", "/services/legacy", {"url": world.server.upstream_url})
    assert told(document(world)) == []
    world.by_hand("PUT", "/routes/legacy", {"paths": ["/legacy"], "service": {"name": "legacy"}})
    assert told(document(world)) == [("not managed", "security")]
    assert "calls by legacy reach the same server as ngsi-v2.v2" in "\n".join(drift_lines(document(world)))


@pytest.mark.servers
def test_a_consumer_of_others_in_a_group_of_ours_is_security_and_in_another_one_is_not(world: World):
    world.apply(PLATFORM)
    world.by_hand("PUT", "/consumers/stranger", {})
    world.by_hand("POST", "/consumers/stranger/acls", {"group": "of-their-own"})
    assert told(document(world)) == []
    world.by_hand("POST", "/consumers/stranger/acls", {"group": "ngsi-v2.v2:read"})
    assert told(document(world)) == [("not managed", "security")]


@pytest.mark.servers
def test_a_route_of_others_that_takes_calls_of_ours_is_security(world: World):
    world.apply(PLATFORM)
    world.by_hand("PUT", "/services/legacy", {"url": "http://legacy.test"})
    world.by_hand("PUT", "/routes/legacy", {"paths": ["/"], "service": {"name": "legacy"}})
    assert told(document(world)) == [], "a shorter prefix takes only what ours leaves"
    world.by_hand("PATCH", "/routes/legacy", {"hosts": ["data.example.jp"]})
    assert told(document(world)) == [("not managed", "security")]


@pytest.mark.servers
def test_objects_of_others_that_do_nothing_to_ours_are_unmanaged(world: World):
    world.apply(PLATFORM)
    world.by_hand("PUT", "/services/legacy", {"url": "http://legacy.test"})
    world.by_hand("PUT", "/routes/legacy", {"paths": ["/legacy"], "service": {"name": "legacy"}})
    world.by_hand("POST", "/services/legacy/plugins", {"name": "request-transformer"})
    world.by_hand("PUT", "/consumers/somebody", {})
    world.by_hand("POST", "/consumers/somebody/key-auth", {"key": "k"})
    world.by_hand("POST", "/plugins", {"name": "prometheus"})
    found = document(world)
    assert told(found) == []
    assert {one["severity"] for one in found["unmanaged"]} == {"unmanaged"}


@pytest.mark.servers
def test_an_object_of_ours_whose_mark_was_taken_off_is_security(world: World):
    world.apply(PLATFORM)
    world.by_hand("PATCH", "/plugins/ngsi-v2.v2.acl", {"tags": []})
    assert told(document(world)) == [("without our mark", "security")]


@pytest.mark.servers
def test_security_comes_first_whatever_else_differs(world: World):
    world.apply(PLATFORM)
    world.by_hand(*NARROWER["other time-outs"])
    world.by_hand(*WIDER["a limit raised"])
    world.by_hand(*STRANGERS["a key"])
    world.by_hand(*HARMLESS["calls that are ended"])
    said = list(drift_lines(document(world)))
    places = [
        next(number for number, line in enumerate(said) if word in line)
        for word in (
            "Security: more is open",
            "not managed  key",
            "read.rate-limiting",
            "Other differences:",
            "request-termination",
            "read_timeout",
        )
    ]
    assert places == sorted(places)
    assert said[-1].endswith("Security: 2.")


@pytest.mark.servers
def test_a_grant_that_git_has_taken_back_is_security_until_apply_and_one_more_is_not(world: World):
    def with_period(end):
        return a_platform(
            with_api("ngsi-v2"), with_service("portal", a_grant("ngsi-v2", "read", period=during("2026-04-01", end)))
        )

    world.apply(with_period("2027-04-01"))
    shorter, longer = document(world, with_period("2026-10-01")), document(world, with_period("2028-04-01"))
    assert told(shorter) == [("changed", "security")]
    assert told(longer) == [("changed", "change")]


@pytest.mark.servers
@pytest.mark.parametrize(
    ("written", "severity"),
    [
        ("from * 127.0.0.0/8 192.0.2.0/24", "security"),  # one network more
        ("from * 126.0.0.0/7", "security"),  # a wider one
        ("", "security"),  # nobody is asked where he is
        ("from * 127.0.0.1", "change"),
        ("from * 127.0.0.0/9 127.128.0.0/9", "change"),  # the same ones in other words
    ],
)
def test_other_addresses_in_the_guard_are_security_where_somebody_more_may_call(world: World, written, severity):
    world.apply(PLATFORM)
    guard = "/plugins/ngsi-v2.v2.post-function"
    [text] = world.by_hand("GET", guard)["config"]["access"]
    [line] = [line for line in text.splitlines() if line.startswith("from *")]
    world.by_hand(
        "PATCH", guard, {"config": {"access": [text.replace(f"{line}\n", f"{written}\n" if written else "")]}}
    )
    assert told(document(world)) == [("changed", severity)]
    world.apply(PLATFORM)


@pytest.mark.servers
def test_what_is_not_published_yet_lacks_nothing(world: World):
    found = document(world)
    assert lines(world.plan(PLATFORM))
    assert {one["severity"] for one in differences(found)} == {"change"}


@pytest.mark.parametrize(
    ("path", "beginning"),
    [
        ("/orders", "/orders"),
        ("~/ngsi/v2(/|$)", "/ngsi/v2"),
        (r"~/v1\.0/a", "/v1.0/a"),
        ("~/orders?/x", "/order"),
        (r"~/a\d+", "/a"),
        ("~.*", ""),
    ],
)
def test_a_regular_expression_is_known_by_what_every_path_of_it_begins_with(path, beginning):
    assert strangers._beginning(path) == beginning


OURS = {"name": "ours", "methods": ["GET"], "paths": ["~/ngsi/v2(/|$)"]}


@pytest.mark.parametrize(
    ("theirs", "takes"),
    [
        ({"paths": ["/ngsi/v2/entities"]}, False),  # a prefix loses to an expression
        ({"paths": ["~/ngsi/v2/entities"]}, False),  # fewer fields
        ({"paths": ["~/ngsi/v2/entities"], "methods": ["GET"]}, True),
        ({"paths": ["~/ngsi/v2/entities"], "methods": ["POST"]}, False),
        ({"paths": ["~/other"], "methods": ["GET"]}, False),
        ({"hosts": ["data.example.jp"]}, True),
        ({"hosts": ["*.example.jp"]}, False),
        ({"paths": ["/ngsi"], "methods": ["GET"], "hosts": ["*.jp"], "headers": {"x": ["1"]}}, True),
    ],
)
def test_which_of_two_routes_takes_a_call_is_judged_as_kong_does(theirs, takes):
    assert (strangers.route({"name": "theirs", **theirs}, [OURS], on_ours=None, alive=True) is not None) is takes
