"""Adoption: what stands in Kong in the place of what we declare becomes ours, and nothing but its mark changes."""

from __future__ import annotations

import pytest

from control_plane.engine.apply import Done
from control_plane.engine.plan import Update, make_plan
from control_plane.engine.resource import Key, Resource, state
from tests.building import KEY, TOKEN, a_grant, a_platform, with_api, with_service
from tests.engine.shelf import kind
from tests.kong.test_kinds import GATEWAY, parts
from tests.kong.world import World, lines, told


def strip(world: World) -> None:
    """Every mark and tag of ours off, as if somebody else had made all of it."""
    for collection in ("plugins", "routes", "services", "consumers", "key-auths", "acls", "jwts", "upstreams"):
        for row in world.by_hand("GET", f"/{collection}?size=1000")["data"]:
            if collection == "acls":
                where = f"/consumers/{row['consumer']['id']}/acls/{row['id']}"
            else:
                where = f"/{collection}/{row['id']}"
            world.by_hand("PATCH", where, {"tags": []})
            if collection == "upstreams":
                for target in world.by_hand("GET", f"{where}/targets?size=1000")["data"]:
                    world.by_hand("PATCH", f"{where}/targets/{target['id']}", {"tags": []})


def fields_that_change(plan):
    return {change.path for one in plan for change in (one.changes if isinstance(one, Update) else ())}


@pytest.mark.servers
def test_of_a_platform_without_its_marks_the_plan_shows_only_ownership_marks(world: World):
    catalog = a_platform(*parts())
    world.vault.own["upstreams/pool#key"] = GATEWAY.key
    world.apply(catalog)
    strip(world)
    assert world.plan(catalog).conflicts, "without --adopt nothing of it is touched"
    plan = world.plan(catalog, adopt=True)
    assert not plan.conflicts
    assert {line.split(" ")[0] for line in lines(plan)} == {"update"}
    assert fields_that_change(plan) == {("tags",)}
    assert plan.unmanaged == ()
    assert [told(one) for one in world.outcomes(catalog, adopt=True) if not isinstance(one, Done)] == []
    assert not world.plan(catalog), "afterwards it is ours"


@pytest.mark.servers
def test_a_key_of_another_consumer_goes_over_in_one_write_and_stays_the_callers(world: World):
    catalog = a_platform(with_service("portal", reading="ngsi-v2"))
    world.by_hand("PUT", "/consumers/portal-of-old", {})
    made = world.by_hand("POST", "/consumers/portal-of-old/key-auth", {"key": world.key_of("portal")})
    assert [told(one) for one in world.outcomes(catalog, adopt=True) if not isinstance(one, Done)] == []
    world.wait()
    [row] = world.by_hand("GET", "/consumers/nasushiobara.portal/key-auth")["data"]
    assert row["id"] == made["id"]
    assert not world.plan(catalog)
    answer = world.call("/ngsi/v2/entities", apikey=world.key_of("portal"))
    assert answer.status_code == 200
    world.by_hand("PATCH", f"/key-auths/{row['id']}", {"key": "somebody knows it"})
    world.apply(catalog)
    assert world.by_hand("GET", f"/key-auths/{made['id']}")["key"] == world.key_of("portal")


@pytest.mark.servers
def test_a_plugin_without_an_instance_name_is_adopted_where_it_stands(world: World):
    catalog = a_platform(with_api("ngsi-v2", auth=(KEY,)), with_service("portal", a_grant("ngsi-v2", "read")))
    world.apply(catalog)
    world.by_hand("PATCH", "/plugins/ngsi-v2.v2.acl", {"instance_name": None, "tags": [], "config": {"allow": ["all"]}})
    assert [told(one) for one in world.outcomes(catalog, adopt=True) if not isinstance(one, Done)] == []
    assert world.by_hand("GET", "/plugins/ngsi-v2.v2.acl")["config"]["allow"] == [
        "ngsi-v2.v2:read",
        "ngsi-v2.v2:update",
    ]
    assert not world.plan(catalog)


@pytest.mark.servers
def test_a_copy_of_an_adopted_keys_tags_is_somebody_elses(world: World):
    catalog = a_platform(with_service("portal", reading="ngsi-v2", auth=(KEY, TOKEN)))
    world.by_hand("PUT", "/consumers/old", {})
    world.by_hand("POST", "/consumers/old/key-auth", {"key": world.key_of("portal")})
    world.outcomes(catalog, adopt=True)
    [ours] = world.by_hand("GET", "/consumers/nasushiobara.portal/key-auth")["data"]
    world.by_hand("POST", "/consumers/nasushiobara.portal/key-auth", {"key": "copy", "tags": ours["tags"]})
    plan = world.plan(catalog)
    assert not plan
    assert len(plan.attached) == 1


def test_what_cannot_be_read_whole_stays_a_conflict_also_when_adopting():
    wanted = state([Resource(Key("a.box", "", "one"), {"size": 1})])
    there = state([Resource(Key("a.box", "", "one"), {}, owned=False)])
    assert len(make_plan([kind("a.box")], wanted, there, adopt=True).conflicts) == 1
    adoptable = make_plan([kind("a.box", adoptable=True)], wanted, there, adopt=True)
    assert not adoptable.conflicts
    assert [type(one) for one in adoptable] == [Update]
