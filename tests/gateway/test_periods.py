"""Periods: to the second in the platform's time zone, exact at request time even when nobody runs renkei; key `ttl` as
a second lock; `plan` says when the next change by date is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from control_plane.catalog.model import Catalog, Period
from control_plane.kong.keys import FARTHEST
from tests.building import NOON, a_grant, a_platform, a_version, during, with_api, with_scope, with_service, with_user
from tests.conftest import KongServer
from tests.gateway.timed import Timed, a_timed_world
from tests.kong.world import lines

pytestmark = pytest.mark.servers
SECOND = timedelta(seconds=1)
ENTITIES = "/ngsi/v2/entities"
KEYS = "/consumers/nasushiobara.portal/key-auth"


@pytest.fixture
def timed(kong_server: KongServer) -> Iterator[Timed]:
    with a_timed_world(kong_server.upstream_url) as world:
        world.at(NOON)
        yield world


def status(timed: Timed, at: datetime) -> int:
    timed.at(at)
    return timed.call(ENTITIES, apikey=timed.key_of("portal")).status_code


def holding(what: str, period: Period) -> Catalog:
    match what:
        case "grant":
            return a_platform(with_service("portal", a_grant(period=period)))
        case "scope":
            return a_platform(with_scope("road", period=period), with_service("portal", reading="ngsi-v2"))
        case _:
            return a_platform(with_service("portal", reading="ngsi-v2", period=period))


@pytest.mark.parametrize(("what", "over"), [("grant", 403), ("scope", 403), ("service", 401)])
def test_a_period_is_exact_at_request_time_even_when_nobody_runs_renkei(timed, what, over):
    period = Period(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    assert period.start
    assert period.end
    timed.apply(holding(what, period))
    assert status(timed, period.start - SECOND) == 403
    assert status(timed, period.start) == 200
    assert status(timed, period.end - SECOND) == 200
    assert status(timed, period.end) == over
    assert status(timed, period.end + timedelta(days=400)) == over


def test_a_period_of_an_api_version_is_exact_at_request_time_even_when_nobody_runs_renkei(timed):
    """Before it begins there is nothing; after its last day it is gone, for everybody and in the caller's language."""
    begins = NOON + timedelta(hours=1)
    old = a_version("v1", "/ngsi/v1", "deprecated", sunset="2026-10-07", successor="v2", start=begins)
    timed.apply(a_platform(with_api("ngsi-v2", old, a_version("v2")), with_service("portal", reading="ngsi-v2")))
    midnight = datetime(2026, 10, 8, tzinfo=ZoneInfo("Asia/Tokyo"))
    key = timed.key_of("portal")
    found = []
    for at in (begins - SECOND, begins, midnight - SECOND, midnight, midnight + timedelta(days=400)):
        timed.at(at)
        answers = [timed.call(f"/ngsi/{version}/x", apikey=key).status_code for version in ("v1", "v2")]
        found.append((*answers, timed.call("/ngsi/v1/x").status_code))
    assert found == [(404, 200, 404), (200, 200, 401), (200, 200, 401), (410, 200, 410), (410, 200, 410)]
    gone = timed.call("/ngsi/v1/x", Accept_Language="ja")
    assert gone.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert gone.json()["title"] == "提供終了"
    assert gone.json()["successor"] == "/ngsi/v2"
    assert "/ngsi/v2" in gone.headers["Link"]


def test_a_version_that_has_ended_is_drift_when_somebody_lets_it_answer_again(timed):
    catalog = a_platform(with_api("ngsi-v2", a_version("v1", state="deprecated", sunset="2026-10-04")))
    timed.apply(catalog)
    assert timed.call("/ngsi/v1/x").status_code == 410
    timed.by_hand("DELETE", "/plugins/ngsi-v2.v1.pre-function")
    assert lines(timed.plan(catalog)) == ["create kong.plugin ngsi-v2.v1 ngsi-v2.v1.pre-function"]


DUE = {
    "grant": (with_service("portal", a_grant(period=Period(NOON + timedelta(days=3), None))), 3.0),
    "scope": (with_scope("road", period=Period(None, NOON + timedelta(days=4))), 4.0),
    "service": (with_service("other", period=Period(None, NOON + timedelta(days=5))), 5.0),
    "user": (with_user("staff-1", period=Period(NOON + timedelta(days=6), None)), 6.0),
    "begin of a version": (with_api("files", a_version("v1", "/files/v1", start=NOON + timedelta(days=2))), 2.0),
    "sunset of a version": (with_api("maps", a_version("v1", "/maps/v1", "deprecated", sunset="2026-10-06")), 1.5),
}


@pytest.mark.parametrize("what", DUE)
def test_plan_says_when_the_next_change_by_date_is_due(what):
    part, days = DUE[what]
    assert a_platform(part).next_change() == NOON + timedelta(days=days)
    assert a_platform(part, at=NOON + timedelta(days=days)).next_change() is None
    everything = [part for part, _ in DUE.values()]
    later = [days for _, days in DUE.values() if days > 3]
    assert a_platform(*everything).next_change() == NOON + timedelta(days=1.5)
    assert a_platform(*everything, at=NOON + timedelta(days=3)).next_change() == NOON + timedelta(days=min(later))


def test_a_retired_version_has_no_date_that_is_due():
    retired = a_version("v1", state="retired", sunset="2026-10-09", start=NOON + timedelta(days=1))
    assert a_platform(with_api("files", retired)).next_change() is None


def test_a_period_is_to_the_second_in_the_platforms_time_zone(timed):
    timed.apply(holding("grant", during("2026-10-06", "2026-10-08")))
    midnight = datetime(2026, 10, 6, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert midnight.astimezone(UTC).day == 5
    assert [status(timed, midnight + timedelta(seconds=one)) for one in (-1, 0)] == [403, 200]
    assert [status(timed, midnight + timedelta(days=2, seconds=one)) for one in (-1, 0)] == [200, 403]


# ---------------------------------------------------------------- key `ttl` as a second lock


def ending(days: float | None) -> Catalog:
    return holding("service", Period(None, None if days is None else NOON + timedelta(days=days)))


def row(timed: Timed) -> dict[str, Any]:
    (found,) = timed.by_hand("GET", KEYS)["data"]
    assert isinstance(found, dict)
    return found


def test_key_ttl_is_a_second_lock(timed):
    """The guard, acl and limits are taken away, as by somebody who wants the key to go on."""
    timed.apply(ending(10))
    for plugin in timed.by_hand("GET", "/plugins?size=1000")["data"]:
        if plugin["name"] in ("post-function", "acl"):
            timed.by_hand("DELETE", f"/plugins/{plugin['id']}")
    assert status(timed, NOON + timedelta(days=10) - SECOND) == 200
    assert status(timed, NOON + timedelta(days=10)) == 401


def test_a_key_that_was_not_changed_is_not_written_however_much_time_goes_by(timed):
    catalog = ending(10)
    timed.apply(catalog)
    written = row(timed)["created_at"]
    for days in (0.0001, 3, 9.9999):
        timed.at(NOON + timedelta(days=days))
        assert lines(timed.plan(catalog)) == []
    assert row(timed)["created_at"] == written


@pytest.mark.parametrize(("first", "then"), [(10, 20), (20, 10), (10, None), (None, 10)])
def test_an_end_that_comes_later_or_earlier_or_goes_moves_the_keys_end(timed, first, then):
    timed.apply(ending(first))
    changed = timed.plan(ending(then))
    assert "update kong.key nasushiobara.portal primary" in lines(changed)
    timed.apply(ending(then))
    assert row(timed)["ttl"] == (None if then is None else pytest.approx(then * 86400, abs=2))
    assert status(timed, NOON + timedelta(days=15)) == (401 if then == 10 else 200)


@pytest.mark.parametrize("by_hand", [{"ttl": 0}, {"ttl": 90_000_000}, {"ttl": 60}, {"tags": ["renkei:tochigi"]}])
def test_a_ttl_that_was_changed_by_hand_is_drift_and_mended(timed, by_hand):
    catalog = ending(10)
    timed.apply(catalog)
    timed.by_hand("PATCH", f"{KEYS}/{row(timed)['id']}", by_hand)
    assert len(list(timed.plan(catalog))) == 1
    timed.apply(catalog)
    assert status(timed, NOON + timedelta(days=10) - SECOND) == 200
    assert status(timed, NOON + timedelta(days=10)) == 401


def test_a_service_that_has_not_begun_has_its_key_and_the_guard_refuses(timed):
    timed.apply(holding("service", Period(NOON + timedelta(days=1), None)))
    assert status(timed, NOON) == 403
    assert row(timed)["ttl"] is None


def test_a_service_that_has_ended_has_no_key_and_gets_it_back_when_it_goes_on(timed):
    timed.apply(ending(10))
    timed.at(NOON + timedelta(days=10))
    assert timed.by_hand("GET", KEYS)["data"] == []
    later = a_platform(
        with_service("portal", reading="ngsi-v2", period=Period(None, NOON + timedelta(days=10))),
        at=NOON + timedelta(days=11),
    )
    assert lines(timed.plan(later)) == []
    timed.apply(ending(30))
    assert status(timed, NOON + timedelta(days=12)) == 200
    timed.apply(ending(-1))
    assert timed.by_hand("GET", KEYS)["data"] == []


def test_an_end_that_is_farther_than_kong_can_count_comes_when_it_is_nearer(timed):
    """Kong takes a ttl of 100,000,000 s at the most, a little more than three years."""
    end = NOON + FARTHEST + timedelta(days=1)
    service = with_service("portal", reading="ngsi-v2", period=Period(None, end))
    timed.apply(a_platform(service))
    assert row(timed)["ttl"] is None
    timed.at(NOON + timedelta(days=2))
    timed.apply(a_platform(service, at=NOON + timedelta(days=2)))
    assert [status(timed, end - SECOND), status(timed, end)] == [200, 401]
