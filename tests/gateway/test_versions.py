"""Versions: draft, published, deprecated, retired, removed; `Deprecation`, `Sunset`, `Link` to successor and migration
guide; retired answers 410 in the caller's language; who still uses a version; retiring a version in use."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from control_plane.catalog.model import Catalog, Default
from control_plane.engine.plan import make_plan
from control_plane.engine.read import have, want
from control_plane.kong import KINDS, retiring, target
from control_plane.reports import Source, apis, services
from tests.building import a_grant, a_platform, a_version, during, with_api, with_service
from tests.kong.world import World, lines, seen_by_upstream

pytestmark = pytest.mark.servers

GUIDE = "https://developer.example.jp/guide/ngsi-v2"
ENDING = {"deprecated": "2026-04-01", "sunset": "2027-03-31", "successor": "v2", "guide": GUIDE}


def with_v1(state: str | None, at: str = "2026-10-05", **more: str) -> Catalog:
    """ngsi-v2 with v1 in that state (None: removed) beside the published v2, and a portal that may read both."""
    old = (a_version("v1", "/ngsi/v1", state, **more),) if state else ()
    api = with_api("ngsi-v2", *old, a_version("v2", "/ngsi/v2"))
    noon = during(f"{at}T12:00").start
    assert noon
    return a_platform(api, with_service("portal", reading="ngsi-v2"), at=noon)


# ---------------------------------------------------------------- the sentence, part by part


@pytest.mark.parametrize(
    ("state", "status"), [("draft", 404), ("published", 200), ("deprecated", 200), ("retired", 410), (None, 404)]
)
def test_a_version_is_draft_published_deprecated_retired_or_removed(world: World, state, status):
    world.apply(with_v1("published"))
    world.apply(with_v1(state, **(ENDING if state == "deprecated" else {})))
    assert world.call("/ngsi/v1/entities", apikey=world.key_of("portal")).status_code == status
    assert world.call("/ngsi/v2/entities", apikey=world.key_of("portal")).status_code == 200


def test_a_deprecated_version_says_so_with_its_sunset_and_links_to_successor_and_migration_guide(world: World):
    world.apply(with_v1("deprecated", **ENDING))
    said = world.call("/ngsi/v1/entities", apikey=world.key_of("portal")).headers
    assert said["Deprecation"] == "@1774969200", "2026-04-01T00:00 in Tokyo (RFC 9745)"
    assert parsedate_to_datetime(said["Sunset"]) == during("2027-04-01").start, "the last day is over (RFC 8594)"
    assert '</ngsi/v2>; rel="successor-version"' in said["Link"]
    assert f'<{GUIDE}>; rel="deprecation"' in said["Link"]
    successor = world.call("/ngsi/v2/entities", apikey=world.key_of("portal")).headers
    assert {"Deprecation", "Sunset"}.isdisjoint(successor.keys())


@pytest.mark.parametrize(("language", "title"), [("ja", "提供終了"), ("en", "Gone")])
def test_a_retired_version_answers_410_with_a_body_in_the_callers_language(world: World, language, title):
    world.apply(with_v1("retired", successor="v2", guide=GUIDE))
    answer = world.call("/ngsi/v1/entities", Accept_Language=language)
    assert (answer.status_code, answer.json()["title"]) == (410, title)
    assert (answer.json()["successor"], answer.json()["guide"]) == ("/ngsi/v2", GUIDE)


def against(world: World, catalog: Catalog, *allowed: str) -> list[str]:
    """What apply has against this catalog, in the first words of each message."""
    catalog = world.here(catalog)
    one = target(world.client(), 4, catalog)
    there = have([one])
    plan = make_plan(KINDS, want([one], catalog, world.vault.version), there)
    return [problem.message for problem in retiring.problems(catalog, plan, there, allowed)]


def test_retiring_a_version_in_use_needs_the_sunset_date_to_have_passed_or_allow_retire(world: World):
    world.apply(with_v1("deprecated", **ENDING))
    in_use = ["version 'ngsi-v2.v1' is in use and would be retired"]
    assert against(world, with_v1("retired", at="2027-03-31")) == in_use
    assert against(world, with_v1("retired", at="2027-04-01")) == []
    assert against(world, with_v1("retired", at="2026-10-05"), "ngsi-v2.v1") == []


def test_who_still_uses_a_version_is_in_the_service_list(world: World):
    catalog = with_v1("deprecated", **ENDING)
    world.apply(catalog)
    assert world.call("/ngsi/v1/entities", apikey=world.key_of("portal")).status_code == 200
    source = Source("platform", "test", "", catalog.as_of, catalog.platform.zone)
    (service,) = services(catalog, None, source).plain()
    assert (service["service_id"], service["versions"]) == ("nasushiobara.portal", ["v1:deprecated", "v2"])
    v1, v2 = apis(catalog, None, source).plain()
    assert (v1["version"], v1["service_id"], v1["sunset"], v1["successor"]) == (
        "v1", "nasushiobara.portal", "2027-03-31", "v2"
    )  # fmt: skip
    assert (v2["version"], v2["lifecycle"]) == ("v2", "published")


# ---------------------------------------------------------------- and back


def test_a_version_that_was_retired_can_come_back_and_the_plan_shows_it(world: World):
    world.apply(with_v1("retired"))
    plan = lines(world.plan(with_v1("published")))
    assert "create kong.route ngsi-v2.v1 ngsi-v2.v1.read" in plan
    assert "delete kong.route ngsi-v2.v1 ngsi-v2.v1.retired" in plan
    world.apply(with_v1("published"))
    assert world.call("/ngsi/v1/entities", apikey=world.key_of("portal")).status_code == 200


# ---------------------------------------------------------------- a default version


def with_a_default(world: World) -> World:
    versions = (
        a_version("v1", "/ngsi/v1", upstream_path="/v1"),
        a_version("v2", "/ngsi/v2", upstream_path="/v2"),
        a_version("v3", "/ngsi/v3", "draft"),
        a_version("v0", "/ngsi/v0", "retired", successor="v2"),
    )
    world.apply(
        a_platform(
            with_api(
                "ngsi-v2",
                *versions,
                scoping="none",
                default=Default("v2", "/ngsi"),
                levels={"read": ["GET"], "admin": ["GET", "DELETE"]},
                level_paths={"admin": ["/admin"]},
            ),
            with_service("portal", a_grant("ngsi-v2", "read", versions=["v2"])),
            with_service("old", a_grant("ngsi-v2", "read", versions=["v1"])),
            with_service("admin", a_grant("ngsi-v2", "admin")),
        )
    )
    return world


@pytest.mark.parametrize(
    ("service", "path", "upstream"),
    [
        ("portal", "/ngsi/entities", "/v2/entities"),
        ("portal", "/ngsi", "/v2"),
        ("portal", "/ngsi/", "/v2/"),
        ("portal", "/ngsi/v2/entities", "/v2/entities"),
        ("portal", "/ngsi/v22/entities", "/v2/v22/entities"),
        ("admin", "/ngsi/admin/users", "/v2/admin/users"),
        ("admin", "/ngsi/v1/admin/users", "/v1/admin/users"),
        ("old", "/ngsi/v1/entities", "/v1/entities"),
    ],
)
def test_a_default_version_is_for_callers_without_one(world: World, service: str, path: str, upstream: str):
    answer = with_a_default(world).call(path, apikey=world.key_of(service))
    assert seen_by_upstream(answer)["path"] == upstream


def test_the_default_gives_the_rights_on_its_version_and_no_others(world: World):
    with_a_default(world)
    assert world.call("/ngsi/entities", apikey=world.key_of("old")).status_code == 403
    assert world.call("/ngsi/v1/entities", apikey=world.key_of("portal")).status_code == 403
    assert world.call("/ngsi/admin", apikey=world.key_of("portal")).status_code == 403
    assert world.call("/ngsi/entities").status_code == 401
    assert world.call("/ngsix/entities", apikey=world.key_of("portal")).status_code == 404


def test_the_default_never_takes_what_lies_in_another_version(world: World):
    key = with_a_default(world).key_of("portal")
    assert world.call("/ngsi/v3/entities", apikey=key).status_code == 403
    for method in ("GET", "DELETE", "PURGE"):
        assert world.call("/ngsi/v0/entities", method).status_code == 410
    world.by_hand("PATCH", "/services/ngsi-v2.v1", {"enabled": False})
    world.wait()
    for path in ("/ngsi/v1", "/ngsi/v1/entities", "/ngsi/%761/entities", "/ngsi//v1/entities"):
        assert world.call(path, apikey=key).status_code == 403


@pytest.mark.parametrize("first", ["orders", "orders-archive"])
def test_a_disabled_service_lets_no_other_take_its_calls(world: World, first: str):
    """No two versions' paths may lie in each other, so the router finds no other one."""
    paths = {"orders": "/orders", "orders-archive": "/orders-archive"}
    apis = [with_api(name, a_version("v1", path), scoping="none") for name, path in paths.items()]
    grants = [a_grant(name, "read") for name in paths]
    world.apply(a_platform(*apis, with_service("portal", *grants)))
    key = world.key_of("portal")
    assert world.call(paths[first] + "/x", apikey=key).status_code == 200
    world.by_hand("PATCH", f"/services/{first}.v1", {"enabled": False})
    world.wait()
    assert world.call(paths[first] + "/x", apikey=key).status_code == 404
