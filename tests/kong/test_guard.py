"""Who may do what, asked through the proxy: the guard's Lua and the plugins around it."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.catalog.model import Period
from tests.building import (
    AN_ENVIRONMENT,
    KEY,
    TOKEN,
    a_grant,
    a_platform,
    a_version,
    in_environment,
    with_api,
    with_scope,
    with_service,
    with_tenant,
)
from tests.kong.tokens import ISSUER, bearer, token
from tests.kong.world import World, seen_by_upstream

pytestmark = pytest.mark.servers


def from_now(start: float | None = None, end: float | None = None) -> Period:
    """Seconds from now."""
    now = datetime.now(UTC)
    return Period(*(None if one is None else now + timedelta(seconds=one) for one in (start, end)))


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


@pytest.fixture
def fiware(world: World) -> World:
    world.apply(
        a_platform(
            with_scope("road"),
            with_scope("river", fiware=("tochigi", "/river/#", "/dam")),
            with_api("ngsi-v2", a_version("v1", "/ngsi/v1"), a_version("v2", "/ngsi/v2", upstream_path="/v2")),
            with_service("portal", a_grant("ngsi-v2", "read", scopes=["road"], versions=["v2"])),
            with_service("both", a_grant("ngsi-v2", "read", "update", scopes=["road", "river"])),
            with_service("none"),
            with_service("over", a_grant("ngsi-v2", "read", period=from_now(-7200, -3600))),
            with_service("early", a_grant("ngsi-v2", "read", period=from_now(3600, 7200))),
            with_service("ended", reading="ngsi-v2", period=from_now(None, -60)),
            with_service("local", reading="ngsi-v2", allowed_ips=("127.0.0.1",)),
            with_service("far", reading="ngsi-v2", allowed_ips=("203.0.113.0/24",)),
            at=datetime.now(UTC),
        )
    )
    return world


def test_a_granted_call_reaches_the_upstream_under_its_own_path(fiware):
    heard = seen_by_upstream(fiware.call("/ngsi/v2/entities?type=Road", apikey=fiware.key_of("portal")))
    assert (heard["path"], heard["query"]) == ("/v2/entities", "type=Road")


@pytest.mark.parametrize(
    ("asked", "upstream"), [("/ngsi/v2", "/v2"), ("/ngsi/v2/", "/v2/"), ("/ngsi/v2/a/b", "/v2/a/b")]
)
def test_the_public_prefix_is_replaced_by_the_upstreams(fiware, asked, upstream):
    assert seen_by_upstream(fiware.call(asked, apikey=fiware.key_of("portal")))["path"] == upstream


@pytest.mark.parametrize(
    "path", ["/ngsi/v2X", "/ngsi/v22/entities", "/ngsi/v2%2Fentities", "/ngsi/v2;a/entities", "/NGSI/v2/x"]
)
def test_a_prefix_ends_where_its_segment_ends(fiware, path):
    assert fiware.call(path, apikey=fiware.key_of("portal")).status_code == 404


def test_no_key_a_wrong_key_and_a_key_in_the_query_are_refused(fiware):
    key = fiware.key_of("portal")
    assert fiware.call("/ngsi/v2/entities").status_code == 401
    assert fiware.call("/ngsi/v2/entities", apikey="wrong").status_code == 401
    assert fiware.call(f"/ngsi/v2/entities?apikey={key}").status_code == 401


def test_a_level_that_was_not_granted_is_refused(fiware):
    assert fiware.call("/ngsi/v2/entities", "POST", apikey=fiware.key_of("portal")).status_code == 403
    assert fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("none")).status_code == 403


def test_a_version_that_was_not_granted_is_refused(fiware):
    assert fiware.call("/ngsi/v1/entities", apikey=fiware.key_of("portal")).status_code == 403
    assert fiware.call("/ngsi/v1/entities", apikey=fiware.key_of("local")).status_code == 200


def test_a_method_that_no_level_has_is_not_there(fiware):
    assert fiware.call("/ngsi/v2/entities", "OPTIONS", apikey=fiware.key_of("both")).status_code == 404


@pytest.mark.parametrize("service", ["over", "early"])
def test_a_call_outside_the_period_is_refused(fiware, service):
    answer = fiware.call("/ngsi/v2/entities", apikey=fiware.key_of(service))
    assert refusal(answer) == (403, "outside the period of access")


def test_a_service_that_has_ended_has_no_key(fiware):
    answer = fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("ended"))
    assert answer.status_code == 401


def test_a_period_ends_without_anybody_running_renkei(world):
    catalog = a_platform(with_service("portal", a_grant("ngsi-v2", period=from_now(-60, 3))))
    world.apply(catalog)
    begun = time.time()
    key = world.key_of("portal")
    seen_by_upstream(world.call("/ngsi/v2/entities", apikey=key))
    while time.time() < begun + 4:
        time.sleep(0.2)
    assert refusal(world.call("/ngsi/v2/entities", apikey=key)) == (403, "outside the period of access")


def test_the_fiware_headers_are_the_grants_whatever_the_client_sends(fiware):
    spoofed = {"Fiware_Service": "other", "Fiware_ServicePath": "/river"}
    heard = seen_by_upstream(fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("portal"), **spoofed))
    assert heard["headers"]["fiware-service"] == "tochigi"
    assert heard["headers"]["fiware-servicepath"] == "/road/#"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/road/north", "/road/north"),
        ("/road", "/road"),
        ("/road/north/#", "/road/north/#"),
        ("/roadX", "/road/#"),
        ("/road/../river", "/road/#"),
        ("/road,/river", "/road/#"),
        ("/#", "/road/#"),
        ("/", "/road/#"),
        ("/road//x", "/road/#"),
    ],
)
def test_a_client_may_narrow_its_service_path_and_never_widen_it(fiware, asked, given):
    answer = fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("portal"), Fiware_ServicePath=asked)
    assert seen_by_upstream(answer)["headers"]["fiware-servicepath"] == given


def test_a_service_with_several_scopes_chooses_one_and_gets_no_other(fiware):
    key = fiware.key_of("both")
    assert refusal(fiware.call("/ngsi/v2/entities", apikey=key))[0] == 403
    heard = seen_by_upstream(fiware.call("/ngsi/v2/entities", apikey=key, X_Data_Scope="river"))["headers"]
    assert heard["fiware-servicepath"] == "/river/#,/dam"
    assert "x-data-scope" not in heard
    answer = fiware.call("/ngsi/v2/entities", apikey=key, X_Data_Scope="population")
    assert refusal(answer) == (403, "data scope not granted")
    answer = fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("portal"), X_Data_Scope="river")
    assert refusal(answer) == (403, "data scope not granted")


def test_neither_the_key_nor_a_groups_header_of_the_client_reaches_the_upstream(fiware):
    key = fiware.key_of("portal")
    spoofed = {"X_Consumer_Groups": "admin", "X_Authenticated_Groups": "admin", "X_Consumer_Username": "root"}
    heard = seen_by_upstream(fiware.call("/ngsi/v2/entities", apikey=key, **spoofed))["headers"]
    assert not {"apikey", "x-consumer-groups", "x-authenticated-groups"} & heard.keys()
    assert heard["x-consumer-username"] == "nasushiobara.portal"
    assert key not in str(heard)


def test_headers_that_an_upstream_may_take_for_ours_do_not_reach_it_either(fiware):
    spoofed = {"Fiware__Service": "other", "Fiware__ServicePath": "/river", "X__Consumer__Username": "root"}
    heard = seen_by_upstream(fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("portal"), **spoofed))["headers"]
    assert not {name for name in heard if "_" in name}


def test_every_call_has_a_correlation_id_that_both_sides_see(fiware):
    answer = fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("portal"))
    assert answer.headers["X-Correlation-ID"] == seen_by_upstream(answer)["headers"]["x-correlation-id"]


def test_a_service_calls_from_its_own_addresses_only(fiware):
    assert fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("local")).status_code == 200
    assert fiware.call("/ngsi/v2/entities", apikey=fiware.key_of("far")).status_code == 403


def test_where_api_and_service_have_addresses_both_must_hold(world):
    world.apply(
        a_platform(
            with_api("near", a_version("v1", "/near/v1"), allowed_ips=("127.0.0.0/8",), scoping="none"),
            with_api("away", a_version("v1", "/away/v1"), allowed_ips=("203.0.113.0/24",), scoping="none"),
            with_service("portal", reading="near", allowed_ips=("127.0.0.1", "203.0.113.7")),
            with_service("wide", reading="away", allowed_ips=("0.0.0.0/0",)),
            with_service("plain", reading="away"),
            with_service("apart", reading="away", allowed_ips=("127.0.0.1",)),
        )
    )
    assert world.call("/near/v1/x", apikey=world.key_of("portal")).status_code == 200
    for service in ("wide", "plain", "apart"):
        assert world.call("/away/v1/x", apikey=world.key_of(service)).status_code == 403


@pytest.mark.parametrize("path", ["/ngsi/v2/a%2Fb", "/ngsi/v2/..%2fadmin", "/ngsi/v2/a%5Cb", "/ngsi/v2/a%00"])
def test_a_path_that_means_two_things_is_refused(fiware, path):
    assert fiware.call(path, apikey=fiware.key_of("portal")).status_code in (400, 403)


# ---------------------------------------------------------------- scoping by path


@pytest.fixture
def files(world: World) -> World:
    world.apply(
        a_platform(
            with_scope("road", paths=["/road", "/bridge/2026"]),
            with_scope("river"),
            with_api("files", a_version("v1", "/files/v1", upstream_path="/"), scoping="path"),
            with_service("portal", a_grant("files", "read", scopes=["road"])),
        )
    )
    return world


@pytest.mark.parametrize("path", ["/road", "/road/", "/road/a.csv", "/bridge/2026/x"])
def test_what_lies_in_a_granted_folder_is_given(files, path):
    heard = seen_by_upstream(files.call("/files/v1" + path, apikey=files.key_of("portal")))
    assert heard["path"] == path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/roadX",
        "/river/a.csv",
        "/bridge",
        "/bridge/2025",
        "/Road/x",
        "/road/../river/a",
        "/road/%2e%2e/river/a",
        "/road/..%2Friver",
        "/road//x",
        "/road/;x",
        "/road/a%3Bb",
        "/road/%2Fx",
        "/road/./x",
        "/road/%5c..",
        "/%72iver/a",
    ],
)
def test_what_lies_outside_or_is_not_plain_is_refused(files, path):
    assert files.call("/files/v1" + path, apikey=files.key_of("portal")).status_code == 403


# ---------------------------------------------------------------- open, retired, deprecated, limits


def test_open_data_needs_no_key_and_knows_no_callers_name(world):
    world.apply(
        a_platform(
            with_scope("road"),
            with_scope("rainfall", disclosure="open"),
            with_api("open", a_version("v1", "/open/v1"), auth=(), limits={"read": {"minute": 2}}),
        )
    )
    spoofed = {"X_Consumer_Username": "root", "X_Consumer_Groups": "admin", "X_Credential_Identifier": "x"}
    heard = seen_by_upstream(world.call("/open/v1/x", Fiware_ServicePath="/road", **spoofed))["headers"]
    assert heard["fiware-servicepath"] == "/rainfall/#"
    assert not {"x-consumer-username", "x-consumer-groups", "x-credential-identifier"} & heard.keys()
    assert refusal(world.call("/open/v1/x", X_Data_Scope="road"))[0] == 403
    assert world.call("/open/v1/x").status_code == 429


def test_a_limit_counts_per_service_and_its_own_goes_before_the_levels(world):
    world.apply(
        a_platform(
            with_api("ngsi-v2", limits={"read": {"hour": 2}}),
            with_service("portal", reading="ngsi-v2"),
            with_service("line", reading="ngsi-v2"),
            with_service("large", reading="ngsi-v2", limits={("ngsi-v2", "read"): {"hour": 3}}),
        )
    )

    def calls(service):
        return [world.call("/ngsi/v2/x", apikey=world.key_of(service)).status_code for _ in range(4)]

    assert calls("portal") == [200, 200, 429, 429]
    assert calls("line") == [200, 200, 429, 429]
    assert calls("large") == [200, 200, 200, 429]


def test_a_deprecated_version_says_so_and_still_answers(world):
    world.apply(
        a_platform(
            with_api(
                "ngsi-v2",
                a_version(
                    "v1",
                    "/ngsi/v1",
                    "deprecated",
                    deprecated="2026-04-01",
                    sunset="2027-03-31",
                    successor="v2",
                    guide="https://portal.example.jp/guide",
                ),
                a_version("v2", "/ngsi/v2"),
            ),
            with_service("portal", reading="ngsi-v2"),
        )
    )
    for answer in (world.call("/ngsi/v1/x", apikey=world.key_of("portal")), world.call("/ngsi/v1/x")):
        assert answer.headers["Deprecation"] == "@1774969200"
        assert answer.headers["Sunset"] == "Wed, 31 Mar 2027 15:00:00 GMT"
        assert '</ngsi/v2>; rel="successor-version"' in answer.headers["Link"]
        assert '<https://portal.example.jp/guide>; rel="deprecation"' in answer.headers["Link"]
    assert "Deprecation" not in world.call("/ngsi/v2/x", apikey=world.key_of("portal")).headers


def test_a_retired_version_is_gone_for_everybody_and_a_draft_was_never_there(world):
    def platform(state):
        versions = (
            a_version("v1", "/ngsi/v1", state, successor="v2"),
            a_version("v2", "/ngsi/v2"),
            a_version("v3", "/ngsi/v3", "draft"),
        )
        return a_platform(with_api("ngsi-v2", *versions), with_service("portal", reading="ngsi-v2"))  # fmt: skip

    world.apply(platform("published"))
    assert world.call("/ngsi/v1/x", apikey=world.key_of("portal")).status_code == 200
    world.apply(platform("retired"))
    for method in ("GET", "POST", "OPTIONS"):
        answer = world.call("/ngsi/v1/x", method)
        assert answer.status_code == 410
        assert answer.json()["detail"] == "ngsi-v2 v1 is no longer available. Its successor is at /ngsi/v2."
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert world.call("/ngsi/v3/x", apikey=world.key_of("portal")).status_code == 404
    world.apply(platform("published"))
    assert world.call("/ngsi/v1/x", apikey=world.key_of("portal")).status_code == 200
    assert world.call("/ngsi/v1/x").status_code == 401


def test_a_body_that_is_too_large_is_refused(world):
    world.apply(a_platform(with_api("ngsi-v2", max_body_mb=1), with_service("portal", updating="ngsi-v2")))
    key = world.key_of("portal")
    assert world.call("/ngsi/v2/x", "POST", b"x" * 1000, apikey=key).status_code == 200
    assert world.call("/ngsi/v2/x", "POST", b"x" * 1_100_000, apikey=key).status_code == 413


# ---------------------------------------------------------------- tokens


@pytest.fixture(params=[(TOKEN,), (KEY, TOKEN)], ids=["token", "either"])
def tokens(world: World, request) -> World:
    world.apply(
        a_platform(
            with_tenant("mibu", in_realm_of="tochigi"),
            with_api("ngsi-v2", auth=request.param),
            with_service("portal", reading="ngsi-v2", auth=request.param),
            with_service("sensor", reading="ngsi-v2", auth=(TOKEN,), tenant="mibu"),
        )
    )
    return world


def test_an_access_token_of_the_services_own_realm_is_taken(tokens):
    assert tokens.call("/ngsi/v2/x", **bearer(token())).status_code == 200
    assert tokens.call("/ngsi/v2/x", **bearer(token("sensor", tenant="mibu", realm="tochigi"))).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": None},
        {"iss": ISSUER + "tochigi"},
        {"iss": "https://elsewhere.test/realms/nasushiobara"},
        {"iss": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"azp": None},
        {"azp": "nasushiobara.unknown"},
        {"aud": None},
        {"aud": []},
        {"aud": "account"},
        {"aud": ["account", "utsunomiya"]},
        {"aud": {"tochigi": "tochigi"}},
        {"service": None},
        {"service": "nasushiobara.sensor"},
        {"service": True},
        {"signed_by": "somebody else"},
    ],
    ids=str,
)
def test_any_other_token_is_refused(tokens, claims):
    assert tokens.call("/ngsi/v2/x", **bearer(token(**claims))).status_code == 401


def test_the_platform_may_be_one_of_several_audiences(tokens):
    assert tokens.call("/ngsi/v2/x", **bearer(token(aud=["account", "tochigi"]))).status_code == 200


def test_a_token_does_not_give_another_level(tokens):
    assert tokens.call("/ngsi/v2/x", "POST", **bearer(token())).status_code == 403


def test_a_token_in_the_query_or_in_a_cookie_is_none(tokens):
    assert tokens.call(f"/ngsi/v2/x?jwt={token()}").status_code == 401
    assert tokens.call("/ngsi/v2/x", Cookie=f"jwt={token()}").status_code == 401
    assert tokens.call("/ngsi/v2/x").status_code == 401


def test_where_either_may_be_used_a_key_is_enough_and_is_not_passed_on(world):
    world.apply(
        a_platform(with_api("ngsi-v2", auth=(KEY, TOKEN)), with_service("portal", reading="ngsi-v2", auth=(KEY, TOKEN)))
    )
    key = world.key_of("portal")
    assert world.call("/ngsi/v2/x", apikey=key).status_code == 200
    heard = seen_by_upstream(world.call("/ngsi/v2/x", apikey=key, **bearer(token())))
    assert key not in str(heard)
    assert world.call("/ngsi/v2/x", apikey="wrong", **bearer(token())).status_code == 200
    assert world.call("/ngsi/v2/x", apikey="wrong").status_code == 401


def test_the_issuer_is_the_public_address_where_there_is_one(world):
    public = replace(AN_ENVIRONMENT.keycloak, public_url="https://id.example.jp/")
    world.apply(
        a_platform(
            in_environment(keycloak=public),
            with_api("ngsi-v2", auth=(TOKEN,)),
            with_service("portal", reading="ngsi-v2", auth=(TOKEN,)),
        )
    )
    assert world.call("/ngsi/v2/x", **bearer(token())).status_code == 401
    right = token(iss="https://id.example.jp/realms/nasushiobara")
    assert world.call("/ngsi/v2/x", **bearer(right)).status_code == 200


# ---------------------------------------------------------------- what still holds when something is taken away


@pytest.mark.parametrize("gone", ["ngsi-v2.v2.read.acl", "ngsi-v2.v2.acl", "ngsi-v2.v2.post-function"])
def test_a_stranger_stays_outside_when_one_protection_is_taken_away_by_hand(fiware, gone):
    fiware.by_hand("DELETE", f"/plugins/{gone}")
    fiware.wait()
    assert fiware.call("/ngsi/v2/x", apikey=fiware.key_of("none")).status_code == 403
    assert fiware.call("/ngsi/v2/x").status_code == 401


def test_a_route_that_a_stranger_adds_to_our_service_opens_nothing(fiware):
    fiware.by_hand("POST", "/services/ngsi-v2.v2/routes", {"name": "back-door", "paths": ["/back"]})
    fiware.wait()
    assert refusal(fiware.call("/back/x", apikey=fiware.key_of("portal"))) == (403, "no level of access has this call")
