"""The plan names whose callers may be refused while nodes take a change up, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from control_plane.catalog.model import Catalog
from control_plane.render.document import About, plan_document
from control_plane.render.plan import plan_lines
from tests.building import KEY, TOKEN, a_grant, a_platform, a_version, during, with_api, with_service
from tests.kong.world import World

ABOUT = About("tochigi", "production", datetime(2026, 11, 21, tzinfo=UTC))

pytestmark = pytest.mark.servers


def a_catalog(*levels: str, path: str = "/ngsi", auth: tuple = (KEY,), until: str = "2027-04-01") -> Catalog:
    methods = {"read": ("GET",), "update": ("POST",)}
    return a_platform(
        with_api("ngsi-v2", a_version("v2", path), auth=auth, levels={one: methods[one] for one in levels or ["read"]}),
        with_api("weather", a_version("v1", "/weather")),
        with_service("portal", a_grant("ngsi-v2", "read", period=during("2026-04-01", until))),
    )


@pytest.mark.parametrize(
    "after",
    [a_catalog(path="/orion"), a_catalog(auth=(KEY, TOKEN)), a_catalog("read", "update")],
    ids=["another path", "another way to prove oneself", "another level"],
)
def test_callers_of_a_version_whose_path_levels_or_authentication_change_may_be_refused(world: World, after):
    world.apply(a_catalog())
    assert world.plan(after).meanwhile == ("ngsi-v2.v2",)


@pytest.mark.parametrize("after", [a_catalog(), a_catalog(until="2028-04-01")], ids=["nothing", "a grant"])
def test_what_changes_nothing_for_others_refuses_nobody(world: World, after):
    world.apply(a_catalog())
    assert world.plan(after).meanwhile == ()


def test_an_api_or_a_version_under_another_name_says_so(world: World):
    world.apply(a_catalog())
    renamed = a_platform(
        with_api("orion", a_version("v3", "/ngsi")),
        with_api("weather", a_version("v1", "/weather")),
        with_service("portal", a_grant("orion", "read", period=during("2026-04-01", "2027-04-01"))),
    )
    plan = world.plan(renamed)
    assert plan.meanwhile == ("orion.v3",)
    assert "callers may be refused" in "\n".join(plan_lines(plan_document(plan, ABOUT)))


def test_a_new_api_has_no_callers_yet(world: World):
    assert world.plan(a_catalog()).meanwhile == ()
