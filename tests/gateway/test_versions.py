"""Versions: draft, published, deprecated, retired, removed; `Deprecation`, `Sunset`, `Link` to successor and migration
guide; retired answers 410 in the caller's language; who still uses a version; retiring a version in use."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import make_plan
from control_plane.engine.read import have, want
from control_plane.kong import KINDS, retiring, target
from control_plane.reports import Source, apis, services
from tests.building import a_platform, a_version, during, with_api, with_service
from tests.kong.world import World, lines

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
