"""A version that is in use is not taken from the gateway unasked: judged by what stands there."""

from __future__ import annotations

import pytest

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import make_plan
from control_plane.engine.read import have, want
from control_plane.engine.scope import narrow
from control_plane.kong import KINDS, retiring, target
from control_plane.problems import Problem
from tests.building import NOON, a_grant, a_platform, a_version, during, with_api, with_service, with_tenant
from tests.kong.world import World

pytestmark = pytest.mark.servers

OLD = {"deprecated": "2026-04-01", "sunset": "2027-03-31", "successor": "v2"}
AFTER_ITS_LAST_DAY = during("2027-04-01").start
ON_ITS_LAST_DAY = during("2027-03-31T23:59:59").start


def a_catalog(state: str | None, *services: object, at: object = NOON, **of_v1: object) -> Catalog:
    """ngsi-v2 with v1 in that state (None: not declared) beside the published v2, and the portal on both."""
    old = [a_version("v1", "/ngsi/v1", state, **of_v1)] if state else []
    given = services or (with_service("portal", reading="ngsi-v2"),)
    return a_platform(with_api("ngsi-v2", *old, a_version("v2", "/ngsi/v2")), *given, at=at)


def problems(world: World, catalog: Catalog, *allowed: str, only: tuple[str, ...] = ()) -> list[Problem]:
    """What stands against the plan for this catalog, as apply asks."""
    catalog = world.here(catalog)
    one = target(world.client(), 4, catalog)
    there = have([one])
    plan = make_plan(KINDS, *narrow(want([one], catalog, world.vault.version), there, only))
    return list(retiring.problems(catalog, plan, there, allowed))


@pytest.mark.parametrize(
    ("state", "would"), [("retired", "be retired"), ("draft", "be draft"), (None, "not be there any more")]
)
def test_a_version_in_use_does_not_leave_before_its_last_day_is_over(world, state, would):
    world.apply(a_catalog("deprecated", **OLD))
    (problem,) = problems(world, a_catalog(state, at=ON_ITS_LAST_DAY))
    assert problem.message == f"version 'ngsi-v2.v1' is in use and would {would}"
    assert "until 2027-03-31" in (problem.note or "")
    assert "--allow-retire ngsi-v2.v1" in (problem.help or "")
    assert problems(world, a_catalog(state, at=AFTER_ITS_LAST_DAY)) == []


def test_the_refusal_names_who_has_a_grant_with_the_line_that_gives_it(world):
    services = (
        with_service("portal", reading="ngsi-v2"),
        with_service("sensor", a_grant("ngsi-v2", "update"), tenant="mibu"),
        with_service("other", reading="files"),
    )
    world.apply(a_catalog("published", *services))
    (problem,) = problems(world, a_catalog("retired", *services))
    assert str(problem.origin) == "apis/ngsi-v2.yaml:9"
    told = (problem.note or "").splitlines()
    assert told[0] == "Its callers are told no last day."
    assert told[2:] == [
        "    mibu.sensor  tenants/mibu.yaml:25",
        "    nasushiobara.portal  tenants/nasushiobara.yaml:25",
    ]
    assert "state: deprecated" in (problem.help or "")


def test_a_grant_taken_away_in_the_same_change_still_counts(world):
    world.apply(a_catalog("published"))
    nobody = with_service("portal", a_grant("files", "read"))
    (problem,) = problems(world, a_catalog("retired", nobody))
    assert "nasushiobara.portal  its grant is no longer declared" in (problem.note or "")


def test_a_last_day_that_the_same_change_moves_into_the_past_is_not_what_callers_were_told(world):
    world.apply(a_catalog("deprecated", **OLD))
    moved = {"deprecated": "2026-04-01", "sunset": "2026-04-02", "successor": "v2"}
    assert len(problems(world, a_catalog("retired", **moved))) == 1


def test_a_grant_that_has_ended_is_no_use_and_one_that_has_not_begun_is(world):
    def portal(start, end):
        return with_service("portal", a_grant("ngsi-v2", "read", period=during(start, end)))

    for period, number in ((("2025-04-01", "2026-04-01"), 0), (("2027-04-01", None), 1)):
        world.apply(a_catalog("published", portal(*period)))
        assert len(problems(world, a_catalog("retired", portal(*period)))) == number


def test_a_version_that_nobody_may_call_is_retired_unasked(world):
    nobody = with_tenant("nasushiobara")
    world.apply(a_catalog("published", nobody))
    assert problems(world, a_catalog("retired", nobody)) == []


def test_an_open_version_is_used_by_everybody(world):
    def api(state):
        return a_platform(with_api("open", a_version("v1", "/open/v1", state), auth=(), scoping="none"))

    world.apply(api("published"))
    (problem,) = problems(world, api("retired"))
    assert "everybody may call it" in (problem.note or "")


def test_a_version_that_was_never_there_may_begin_as_retired(world):
    assert problems(world, a_catalog("retired")) == []
    world.apply(a_catalog("retired"))
    assert problems(world, a_catalog("published")) == [], "and may come back"


def test_the_named_version_may_go_and_no_other(world):
    def of(state):
        old = (a_version(name, f"/ngsi/{name}", state) for name in ("v1", "v3"))
        return a_platform(with_api("ngsi-v2", *old, a_version()), with_service("portal", reading="ngsi-v2"))

    world.apply(of("published"))
    (other,) = problems(world, of("retired"), "ngsi-v2.v1")
    assert "'ngsi-v2.v3'" in other.message
    assert problems(world, of("retired"), "ngsi-v2.v1", "ngsi-v2.v3") == []


@pytest.mark.parametrize(
    ("name", "why"), [("ngsi-v2.v2", "keeps it at the gateway"), ("ngsi-v2.v9", "no such version")]
)
def test_a_name_that_the_plan_does_not_end_is_refused(world, name, why):
    world.apply(a_catalog("published"))
    (problem,) = problems(world, a_catalog("published"), name)
    assert problem.message.startswith(f"--allow-retire {name} was given")
    assert why in (problem.note or "")


def test_the_same_command_may_be_given_again_after_a_run_that_was_killed(world):
    world.apply(a_catalog("published"))
    world.apply(a_catalog("retired"))
    assert problems(world, a_catalog("retired"), "ngsi-v2.v1") == []


@pytest.mark.parametrize(
    "only", ["kong.plugin", "kong.publication", "kong.route", "kong.acl", "nasushiobara", "ngsi-v2"]
)
@pytest.mark.parametrize("state", ["retired", None])
def test_a_part_of_the_platform_is_judged_by_the_whole_gateway(world, only, state):
    world.apply(a_catalog("published"))
    told = problems(world, a_catalog(state), only=(only,))
    ends_nothing = (only, state) == ("kong.publication", "retired")  # it stays switched on
    assert len(told) == (0 if ends_nothing else 1)


def test_a_guard_that_was_changed_by_hand_does_not_hide_who_is_let_in(world):
    world.apply(a_catalog("published"))
    (row,) = (
        one
        for one in world.by_hand("GET", "/plugins?size=1000")["data"]
        if one["instance_name"] == "ngsi-v2.v1.post-function"
    )
    world.by_hand("PATCH", f"/plugins/{row['id']}", {"config": {"access": ["return"]}})
    (problem,) = problems(world, a_catalog("retired"))
    assert "nasushiobara.portal" in (problem.note or "")
