"""What an API's plan says about pages of other origins, robots and headers, asked through the proxy; and counters."""

from __future__ import annotations

import re
import time

import pytest
import requests

from control_plane.catalog.model import Asked, Cors
from tests.building import KEY, TOKEN, a_platform, a_version, in_environment, with_api, with_service
from tests.kong.world import World, lines, seen_by_upstream

pytestmark = pytest.mark.servers
PAGE, OTHER = "https://portal.example.jp", "https://elsewhere.example.jp"


def preflight(world: World, path: str = "/ngsi/v2/x", method: str = "GET", page: str = PAGE, **headers: str):
    return world.call(path, "OPTIONS", Origin=page, Access_Control_Request_Method=method, **headers)


@pytest.fixture(params=[(KEY,), (TOKEN,), (KEY, TOKEN), ()], ids=["key", "token", "either", "open"])
def pages(world: World, request) -> World:
    cors = Cors((PAGE,), max_age=600)
    world.apply(
        a_platform(
            with_api("ngsi-v2", auth=request.param, scoping="none", cors=cors, levels={"read": ["GET", "HEAD"]}),
            *([with_service("portal", reading="ngsi-v2")] if KEY in request.param else []),
        )
    )
    return world


def test_a_preflight_passes_without_credentials_and_does_not_reach_the_upstream(pages):
    answer = preflight(pages)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Methods"] == "GET,HEAD"
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "X-Kong-Upstream-Latency" not in answer.headers


def test_a_preflight_of_another_page_allows_it_nothing(pages):
    answer = preflight(pages, page=OTHER)
    assert answer.headers.get("Access-Control-Allow-Origin") in (None, PAGE)  # Kong names the one that may


def test_a_preflight_about_a_method_that_the_api_does_not_have_finds_no_route(pages):
    for method in ("POST", "DELETE", "TRACE", "OPTIONS", "x"):
        assert preflight(pages, method=method).status_code == 404


def test_options_that_is_no_preflight_finds_no_route_or_ends_there(pages):
    assert pages.call("/ngsi/v2/x", "OPTIONS").status_code == 404
    assert pages.call("/ngsi/v2/x", "OPTIONS", Origin=PAGE).status_code == 404
    refused = pages.call("/ngsi/v2/x", "OPTIONS", Access_Control_Request_Method="GET")
    assert refused.status_code in (401, 404)


def test_a_page_without_credentials_gets_what_everybody_without_them_gets(pages):
    open_to_all = "ngsi-v2.v2.acl" not in {row["instance_name"] for row in pages.by_hand("GET", "/plugins")["data"]}
    answer = pages.call("/ngsi/v2/x", Origin=PAGE)
    assert answer.status_code == (200 if open_to_all else 401)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE  # so that the page may read why
    assert "X-Correlation-ID" in answer.headers["Access-Control-Expose-Headers"]


def test_a_granted_key_does_not_take_options_to_the_upstream(world):
    world.apply(a_platform(with_api("ngsi-v2", cors=Cors(("*",))), with_service("portal", reading="ngsi-v2")))
    key = world.key_of("portal")
    no_origin = world.call("/ngsi/v2/x", "OPTIONS", apikey=key, Access_Control_Request_Method="GET")
    assert no_origin.status_code == 404
    assert no_origin.headers["Content-Type"].startswith("application/problem+json")
    assert world.call("/ngsi/v2/x", "OPTIONS", apikey=key, Origin=PAGE).status_code == 404
    assert world.call("/ngsi/v2/x", "POST", apikey=key, Origin=PAGE).status_code == 403
    assert world.call("/ngsi/v2/x", apikey=key, Origin=PAGE).headers["Access-Control-Allow-Origin"] == "*"


def test_a_level_that_takes_options_needs_its_grant_for_all_but_preflights(world):
    levels = {"read": ["GET"], "discover": ["OPTIONS"]}
    api = with_api("ngsi-v2", scoping="none", cors=Cors((PAGE,)), levels=levels)
    world.apply(a_platform(api, with_service("portal", reading="ngsi-v2")))
    assert preflight(world).status_code == 200
    assert world.call("/ngsi/v2/x", "OPTIONS").status_code == 401
    assert world.call("/ngsi/v2/x", "OPTIONS", apikey=world.key_of("portal")).status_code == 403


def test_cors_comes_and_goes_without_a_trace(world):
    with_cors = a_platform(with_api("ngsi-v2", cors=Cors((PAGE,))))
    without = a_platform(with_api("ngsi-v2"))
    world.apply(with_cors)
    world.apply(without)
    assert preflight(world).status_code == 404
    world.apply(with_cors)
    assert preflight(world).status_code == 200


def test_a_preflights_route_that_was_widened_by_hand_is_drift(world):
    catalog = a_platform(with_api("ngsi-v2", cors=Cors((PAGE,))))
    world.apply(catalog)
    for change in ({"headers": None}, {"methods": ["OPTIONS", "GET"]}):
        world.by_hand("PATCH", "/routes/ngsi-v2.v2.cors_preflight", change)
        assert lines(world.plan(catalog)) == ["update kong.route ngsi-v2.v2 ngsi-v2.v2.cors_preflight"]
        world.apply(catalog)


# ---------------------------------------------------------------- robots


def test_robots_are_refused_where_the_plan_says_so_and_only_there(world):
    world.apply(
        a_platform(
            with_api("quiet", a_version("v1", "/quiet"), auth=(), scoping="none", bot_detection=Asked()),
            with_api("loud", a_version("v1", "/loud"), auth=(), scoping="none"),
        )
    )
    robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    assert world.call("/quiet/x", User_Agent=robot).status_code == 403
    assert world.call("/quiet/x", User_Agent="Mozilla/5.0 Firefox/140.0").status_code == 200
    assert world.call("/quiet/x").status_code == 200
    assert world.call("/loud/x", User_Agent=robot).status_code == 200


# ---------------------------------------------------------------- headers


@pytest.fixture
def careful(world: World) -> World:
    versions = (
        a_version("v0", "/ngsi/v0", "retired"),
        a_version("v1", "/ngsi/v1", "deprecated", deprecated="2026-04-01", sunset="2027-03-31", successor="v2"),
        a_version("v2", "/ngsi/v2"),
    )
    world.apply(
        a_platform(
            with_api("ngsi-v2", *versions, security_headers=Asked()),
            with_api("open", a_version("v1", "/open"), auth=(), scoping="none", security_headers=Asked()),
            with_api("plain", a_version("v1", "/plain"), auth=(), scoping="none"),
            with_service("portal", reading="ngsi-v2"),
        )
    )
    return world


def test_every_answer_tells_a_browser_to_be_careful(careful):
    key = careful.key_of("portal")
    granted, refused = careful.call("/ngsi/v2/x", apikey=key), careful.call("/ngsi/v2/x")
    for answer in (granted, refused, careful.call("/open/x"), careful.call("/ngsi/v0/x")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    for answer in (granted, refused):
        assert answer.headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in careful.call("/open/x").headers


def test_what_the_upstream_is_made_of_stays_untold(careful):
    told = seen_by_upstream(careful.call("/plain/x"))
    assert told["upstream"]
    assert "Server" in careful.call("/plain/x").headers
    assert "Server" not in careful.call("/open/x").headers


def test_a_deprecated_version_keeps_its_own_headers_beside_them(careful):
    answer = careful.call("/ngsi/v1/x", apikey=careful.key_of("portal"))
    assert answer.headers["Deprecation"] == "@1774969200"
    assert answer.headers["Sunset"] == "Wed, 31 Mar 2027 15:00:00 GMT"
    assert '</ngsi/v2>; rel="successor-version"' in answer.headers["Link"]
    assert answer.headers["Cache-Control"] == "no-store"


# ---------------------------------------------------------------- counters


def samples(world: World, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    found = {}
    for line in requests.get(f"{world.server.admin_url}/metrics", timeout=10).text.splitlines():
        if line.startswith(f"{name}{{"):
            labels, _, value = line.removeprefix(name).rpartition(" ")
            found[tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))] = float(value)
    return found


def test_calls_are_counted_by_version_level_status_and_service(world):
    world.apply(a_platform(in_environment(metrics=Asked()), with_service("counted", reading="ngsi-v2")))
    before = samples(world, "kong_http_requests_total")
    for _ in range(3):
        world.call("/ngsi/v2/x?secret=1", apikey=world.key_of("counted"))
    world.call("/ngsi/v2/x")
    common = {"service": "ngsi-v2.v2", "route": "ngsi-v2.v2.read", "workspace": "default"}
    granted = {**common, "code": "200", "source": "service", "consumer": "nasushiobara.counted"}
    refused = {**common, "code": "401", "source": "kong", "consumer": ""}
    deadline = time.monotonic() + 10
    while True:
        after = samples(world, "kong_http_requests_total")
        grew = [after.get(key, 0) - before.get(key, 0) for key in (_labels(granted), _labels(refused))]
        if grew == [3, 1]:
            break
        assert time.monotonic() < deadline, grew
        time.sleep(0.1)
    assert "secret" not in requests.get(f"{world.server.admin_url}/metrics", timeout=10).text


def _labels(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def test_without_metrics_nothing_is_counted(world):
    world.apply(a_platform(with_service("uncounted", reading="ngsi-v2")))
    world.call("/ngsi/v2/x", apikey=world.key_of("uncounted"))
    time.sleep(0.2)
    assert not any("uncounted" in str(key) for key in samples(world, "kong_http_requests_total"))
