"""From a catalog to a gateway and back: what apply writes, plan finds."""

from __future__ import annotations

import pytest

from control_plane.catalog.model import Catalog
from control_plane.engine.apply import Done
from control_plane.engine.plan import Delete
from control_plane.kong import KINDS
from control_plane.kong.client import COLLECTIONS
from control_plane.kong.taken_up import settle
from tests.building import (
    KEY,
    TOKEN,
    a_grant,
    a_platform,
    a_version,
    during,
    with_api,
    with_scope,
    with_service,
    with_tenant,
)
from tests.kong.world import World, every, lines

pytestmark = pytest.mark.servers


def a_rich_platform() -> Catalog:
    """Every kind and every policy at least once."""
    return a_platform(
        with_scope("road"),
        with_scope("river", period=during("2026-06-01", "2026-11-01")),
        with_scope("rainfall", disclosure="open"),
        with_tenant("mibu", in_realm_of="tochigi"),
        with_api(
            "ngsi-v2",
            a_version("v1", "/ngsi/v1", "deprecated", deprecated="2026-04-01", sunset="2027-03-31", successor="v2"),
            a_version("v2", "/ngsi/v2", upstream_path="/v2"),
            a_version("v3", "/ngsi/v3", "draft"),
            auth=(KEY, TOKEN),
            limits={"read": {"minute": 900, "month": 1_000_000}, "update": {"minute": 300}},
            allowed_ips=("127.0.0.0/8",),
        ),
        with_api(
            "files",
            a_version("v0", "/files/v0", "retired", successor="v1"),
            a_version("v1", "/files/v1"),
            scoping="path",
        ),
        with_api("open", a_version("v1", "/open/v1"), auth=(), scoping="none", limits={"read": {"minute": 60}}),
        with_service(
            "portal",
            a_grant("ngsi-v2", "read", scopes=["road", "river"], period=during("2026-04-01", "2027-04-01")),
            a_grant("files", "read", "update", scopes=["road"]),
            auth=(KEY, TOKEN),
            allowed_ips=("127.0.0.1", "203.0.113.0/24"),
            limits={("ngsi-v2", "read"): {"minute": 1200}},
        ),
        with_service("sensor", updating="ngsi-v2", tenant="mibu", auth=(TOKEN,)),
    )


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_plan_after_apply_is_empty(world, parallel):
    outcomes = world.apply(a_rich_platform(), parallel)
    assert len(outcomes) > 40


def test_a_catalog_in_another_order_plans_nothing(world):
    def of(*parts):
        return a_platform(*parts)

    parts = [
        with_api("ngsi-v2"),
        with_api("files", scoping="path"),
        with_service("portal", a_grant("ngsi-v2", "read", scopes=["road", "river"]), reading="files"),
        with_service("line", reading="ngsi-v2"),
    ]
    world.apply(of(*parts))
    turned = [
        with_service("line", reading="ngsi-v2"),
        with_service("portal", a_grant("files"), a_grant("ngsi-v2", "read", scopes=["river", "road"])),
        with_api("files", scoping="path"),
        with_api("ngsi-v2"),
    ]
    assert not world.plan(of(*turned))


def test_a_plan_without_changes_reads_each_list_once_and_no_secret(world, monkeypatch):
    world.apply(a_rich_platform())
    world.vault.revealed.clear()
    asked = []
    client = world.client()
    dated = client.http.dated
    monkeypatch.setattr(client.http, "dated", lambda path, query=None: asked.append(path) or dated(path, query))
    assert not world.plan(a_rich_platform(), client)
    assert sorted(asked) == sorted(f"/{collection}" for collection in COLLECTIONS)
    assert world.vault.revealed == []


def test_a_change_of_one_grant_is_few_writes(world):
    world.apply(a_platform(with_service("portal", reading="ngsi-v2"), with_service("line", reading="ngsi-v2")))
    plan = world.plan(
        a_platform(
            with_service("portal", reading="ngsi-v2", updating="ngsi-v2"), with_service("line", reading="ngsi-v2")
        )
    )
    assert sorted(lines(plan)) == [
        "create kong.acl nasushiobara.portal ngsi-v2.v2:update",
        "update kong.plugin ngsi-v2.v2 ngsi-v2.v2.post-function",
    ]


def test_rights_are_taken_away_before_anything_else(world):
    world.apply(a_platform(with_service("portal", reading="ngsi-v2", updating="ngsi-v2")))
    after = a_platform(with_service("portal", reading="ngsi-v2"), with_service("line", reading="ngsi-v2"))
    plan = world.plan(after)
    assert lines(plan)[0] == "delete kong.acl nasushiobara.portal ngsi-v2.v2:update"
    assert len(plan.waves[0].changes) == 1
    world.apply(after)


def test_a_removed_api_is_closed_first_then_its_routes_go_and_its_plugins_when_the_proxy_knows(world):
    world.apply(a_platform(with_service("portal", reading="ngsi-v2"), with_api("files", scoping="path")))
    after = a_platform(with_service("portal", reading="ngsi-v2"))
    plan = world.plan(after)
    assert all(isinstance(change, Delete) for change in plan)
    kinds = [sorted({change.key.kind for change in wave.changes}) for wave in plan.waves]
    assert kinds == [["kong.publication"], ["kong.route-plugin"], ["kong.route"], ["kong.plugin"], ["kong.service"]]
    assert [wave.settle for wave in plan.waves] == [False, False, False, True, False]
    world.apply(after)
    assert world.call("/files/v2").status_code == 404


def test_a_new_api_is_published_last_and_when_the_proxy_has_its_protection(world):
    plan = world.plan(a_platform(with_api("ngsi-v2")))
    assert [change.key.kind for change in plan.waves[-1].changes] == ["kong.publication"]
    assert plan.waves[-1].settle
    world.apply(a_platform(with_api("ngsi-v2")))
    assert world.by_hand("GET", "/services/ngsi-v2.v2")["enabled"] is True


def test_a_half_made_api_of_a_killed_run_is_completed(world):
    catalog = world.here(a_platform(with_service("portal", reading="ngsi-v2")))
    world.outcomes(catalog)
    world.by_hand("PATCH", "/services/ngsi-v2.v2", {"enabled": False})
    world.by_hand("DELETE", "/plugins/ngsi-v2.v2.read.acl")
    world.by_hand("DELETE", "/consumers/nasushiobara.portal/acls/ngsi-v2.v2:read")
    assert sorted(lines(world.plan(catalog))) == [
        "create kong.acl nasushiobara.portal ngsi-v2.v2:read",
        "create kong.publication ngsi-v2.v2 ngsi-v2.v2",
        "create kong.route-plugin ngsi-v2.v2 ngsi-v2.v2.read.acl",
    ]
    world.apply(catalog)


def test_every_create_may_be_repeated(world):
    catalog = a_rich_platform()
    first = [outcome.change for outcome in world.apply(catalog)]
    assert all(isinstance(outcome, Done) for outcome in world.outcomes(catalog))
    client = world.client()
    kinds = {kind.name: kind for kind in KINDS}
    for change in first:
        kinds[change.key.kind].create(client, change.want)
    world.by_hand("PATCH", "/services/files.v1", {"enabled": True})
    for name in ("ngsi-v2.v1", "ngsi-v2.v2", "files.v0", "open.v1"):
        world.by_hand("PATCH", f"/services/{name}", {"enabled": True})
    assert not world.plan(catalog)


def test_a_new_realm_key_is_a_change_of_the_credential_alone(world):
    catalog = a_platform(with_api(auth=(TOKEN,)), with_service("portal", reading="ngsi-v2", auth=(TOKEN,)))
    world.apply(catalog)
    world.vault.keys["nasushiobara"] = "nasushiobara, new"
    assert lines(world.plan(catalog)) == ["update kong.jwt nasushiobara.portal nasushiobara.portal"]
    world.apply(catalog)


def test_a_service_that_moves_from_key_to_token_loses_its_key_first(world):
    api = with_api(auth=(KEY, TOKEN))
    world.apply(a_platform(api, with_service("portal", reading="ngsi-v2", auth=(KEY,))))
    after = a_platform(api, with_service("portal", reading="ngsi-v2", auth=(TOKEN,)))
    assert lines(world.plan(after)) == [
        "delete kong.key nasushiobara.portal primary",
        "create kong.jwt nasushiobara.portal nasushiobara.portal",
    ]
    world.apply(after)


def test_without_the_proxys_address_settle_waits_twice_the_nodes_interval(world):
    waited = []
    client = World(world.server, probe=False).client()
    settle(client, waited.append)
    settle(client, waited.append)
    node = client.node()["configuration"]
    assert waited == [2 * max(node["worker_state_update_frequency"], node["db_update_frequency"])]


def test_a_marker_that_a_killed_run_left_is_removed_by_the_next_and_never_shown(world):
    old = {"name": "renkei-probe-x-plugin", "paths": ["/p"], "tags": ["renkei-probe"], "created_at": 1_700_000_000}
    world.by_hand("PUT", "/routes/renkei-probe-x-plugin", old)
    catalog = a_platform(with_api("ngsi-v2"))
    assert [found for found in world.plan(catalog).unmanaged if "probe" in str(found.key)] == []
    world.apply(catalog)
    assert world.by_hand("GET", "/routes?tags=renkei-probe")["data"] == []


def test_two_platforms_on_one_kong_leave_each_other_alone(world):
    world.apply(a_platform(with_service("portal", reading="ngsi-v2")))
    other = a_platform(with_api("files", scoping="path"), name="other")
    plan = world.plan(other)
    assert list(every(plan, "delete", "service")) == []
    world.apply(other)
    assert not world.plan(a_platform(with_service("portal", reading="ngsi-v2")))
