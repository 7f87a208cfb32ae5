"""Each sentence of the reference page on how a call is decided, asked of the evaluator alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.access import ApiKey, Credentials, Decision, Request, Token, evaluate
from control_plane.access.callers import credentials_of
from control_plane.access.paths import ambiguous, normal
from control_plane.catalog.model import Catalog
from tests.building import (
    KEY,
    NOON,
    SERVICE,
    TOKEN,
    USER,
    a_grant,
    a_platform,
    a_version,
    during,
    with_api,
    with_role,
    with_scope,
    with_service,
    with_tenant,
)

PORTAL = Credentials(key=ApiKey("nasushiobara.portal"))
TICK = timedelta(microseconds=1)


def asked(
    catalog: Catalog,
    path: str = "/ngsi/v2/entities",
    method: str = "GET",
    credentials: Credentials = PORTAL,
    at: datetime = NOON,
    **more: str,
) -> Decision:
    return evaluate(catalog, Request(credentials, method, path, at, **more))


def a_token(**changed: object) -> Credentials:
    """An access token that the portal has got for itself, with something changed in it."""
    name = "nasushiobara.portal"
    said = {
        "client": name,
        "realm": "nasushiobara",
        "signed_by": "nasushiobara",
        "expires": NOON + timedelta(minutes=5),
        "audience": "tochigi",
        "service": name,
        **changed,
    }
    return Credentials(token=Token(**said))


@pytest.fixture
def platform() -> Catalog:
    return a_platform(
        with_scope("road"),
        with_scope("river", fiware=("tochigi", "/river/#", "/dam")),
        with_api("ngsi-v2", a_version("v1", "/ngsi/v1", "retired"), a_version("v2"), a_version("v3", state="draft")),
        with_service("portal", reading="ngsi-v2"),
        with_service("both", a_grant("ngsi-v2", "read", scopes=["road", "river"])),
    )


def test_a_granted_call_is_allowed_and_the_lines_that_open_it_are_named(platform):
    said = asked(platform)
    assert (said.status, said.allowed, said.scope) == (200, True, "road")
    assert said.fiware == ("tochigi", "/road/#")
    assert [line.what for line in said.because] == ["grant", "scope", "level"]
    assert str(said.because[0].origin) == "tenants/nasushiobara.yaml:25"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ngsi/v2", 200),
        ("/ngsi/v2/", 200),
        ("/ngsi/v2X", 404),
        ("/ngsi/v2%2Fentities", 404),
        ("/NGSI/v2/entities", 404),
        ("/ngsi//v2/entities", 200),
        ("/ngsi/x/../v2/entities", 200),
        ("/%6Egsi/v2/entities", 200),
        ("/ngsi/v2/a%2Fb", 403),
        ("/ngsi/v2/a%5cb", 403),
        ("/ngsi/v2/a\\b", 403),
        ("/ngsi/v2/a%00", 400),
        ("/ngsi/v2/a%zz", 400),
        ("/ngsi/../../v2", 400),
        ("ngsi/v2", 400),
        ("/ngsi/v1/entities", 410),
        ("/ngsi/v3/entities", 404),
        ("/ngsi/v2/entities?id=a%2Fb", 200),
    ],
)
def test_a_path_leads_to_a_version_or_to_none(platform, path, status):
    assert asked(platform, path).status == status


def test_a_retired_version_is_gone_for_everybody_and_whatever_the_method(platform):
    assert asked(platform, "/ngsi/v1/x", "PURGE", Credentials()).status == 410


def test_a_method_that_no_level_has_is_not_there(platform):
    assert asked(platform, method="OPTIONS").status == 404
    assert asked(platform, method="get").status == 404


def test_a_level_that_is_not_granted_is_refused(platform):
    said = asked(platform, method="POST")
    assert (said.status, said.reason) == (403, "update of v2 is not granted")


def test_who_shows_nothing_or_what_is_nobodys_is_refused(platform):
    assert asked(platform, credentials=Credentials()).status == 401
    assert asked(platform, credentials=Credentials(key=ApiKey(None))).status == 401
    assert asked(platform, credentials=a_token()).reason == "'ngsi-v2' takes no token"


@pytest.mark.parametrize(
    ("start", "end"), [("2026-10-01", "2026-11-01"), ("2026-10-01", None), (None, "2026-11-01")], ids=str
)
@pytest.mark.parametrize("where", ["grant", "service", "scope"])
def test_a_period_holds_from_its_first_instant_until_before_its_end(where, start, end):
    period = during(start, end)
    parts = {
        "grant": (with_service("portal", a_grant("ngsi-v2", period=period)),),
        "service": (with_service("portal", reading="ngsi-v2", period=period),),
        "scope": (with_scope("road", period=period), with_service("portal", reading="ngsi-v2")),
    }
    catalog = a_platform(*parts[where])
    if period.start:
        assert asked(catalog, at=period.start).status == 200
        assert asked(catalog, at=period.start - TICK).because[0].what == where
    if period.end:
        assert asked(catalog, at=period.end - TICK).status == 200
        assert asked(catalog, at=period.end).status == (401 if where == "service" else 403)  # its key ends with it
        assert asked(catalog, at=period.end).because[0].what == where


def test_two_grants_open_together_what_neither_opens_alone_and_no_more():
    early, late = during(None, "2026-10-05"), during("2026-10-05", None)
    catalog = a_platform(
        with_scope("river"),
        with_service("portal", a_grant("ngsi-v2", period=early), a_grant("ngsi-v2", scopes=["river"], period=late)),
    )
    border = late.start
    assert border
    assert asked(catalog, at=border - TICK).scope == "road"
    assert asked(catalog, at=border).scope == "river"
    assert asked(catalog, at=border, scope="road").status == 403


def test_a_service_with_several_scopes_names_one(platform):
    both = Credentials(key=ApiKey("nasushiobara.both"))
    assert "Name one in X-Data-Scope: river, road" in asked(platform, credentials=both).reason
    assert asked(platform, credentials=both, scope="river").fiware == ("tochigi", "/river/#,/dam")
    assert asked(platform, credentials=both, scope="").status == 403
    assert asked(platform, scope="river").status == 403


@pytest.mark.parametrize(
    ("path", "passed"),
    [("/river/north", True), ("/river/#", True), ("/dam", True), ("/dam/x", False), ("/riverX", False), ("/#", False),
     ("/river#", False), ("/river/../road", False), ("/river,/road", False), ("/river//x", False), ("", False)],
)  # fmt: skip
def test_a_service_path_is_passed_on_where_it_is_narrower(platform, path, passed):
    both = Credentials(key=ApiKey("nasushiobara.both"))
    said = asked(platform, credentials=both, scope="river", service_path=path)
    assert said.fiware == ("tochigi", path if passed else "/river/#,/dam")


def test_folders_end_where_their_segment_ends():
    catalog = a_platform(
        with_scope("road", paths=["/road", "/bridge/2026"]),
        with_api("files", a_version("v1", "/files/v1"), scoping="path"),
        with_service("portal", a_grant("files", "read")),
    )
    allowed = ("/road", "/road/a.csv", "/bridge/2026/x", "/r%6Fad")
    refused = ("", "/", "/roadX", "/Road", "/bridge", "/river/x", "/road//x", "/road/./x", "/road/x/../y", "/road/;x")
    assert {path for path in (*allowed, *refused) if asked(catalog, "/files/v1" + path).allowed} == set(allowed)


def test_addresses_of_the_api_and_of_the_service_must_both_hold():
    catalog = a_platform(
        with_api("ngsi-v2", allowed_ips=("203.0.113.0/24",)),
        with_service("portal", reading="ngsi-v2", allowed_ips=("203.0.113.7", "192.0.2.1")),
    )
    by_address = {one: asked(catalog, address=one).status for one in ("203.0.113.7", "203.0.113.8", "192.0.2.1", "::1")}
    assert by_address == {"203.0.113.7": 200, "203.0.113.8": 403, "192.0.2.1": 403, "::1": 403}
    assert asked(catalog).allowed


@pytest.mark.parametrize(("auth", "status"), [((KEY,), 401), ((TOKEN,), 401), ((KEY, TOKEN), 403)])
def test_where_either_is_taken_the_apis_addresses_come_before_the_caller(auth, status):
    catalog = a_platform(with_api("ngsi-v2", auth=auth, allowed_ips=("203.0.113.0/24",)))
    assert asked(catalog, credentials=Credentials(), address="192.0.2.1").status == status
    assert asked(catalog, credentials=Credentials(), address="203.0.113.1").status == 401


@pytest.fixture(params=[(TOKEN,), (KEY, TOKEN)], ids=["token", "either"])
def tokens(request) -> Catalog:
    return a_platform(
        with_tenant("mibu", in_realm_of="tochigi"),
        with_api("ngsi-v2", auth=request.param),
        with_service("portal", reading="ngsi-v2", auth=request.param),
        with_service("keyed", reading="ngsi-v2", auth=(KEY,)),
        with_service("sensor", reading="ngsi-v2", auth=(TOKEN,), tenant="mibu"),
    )


def test_an_access_token_of_the_services_own_realm_is_taken(tokens):
    assert asked(tokens, credentials=a_token()).allowed
    sensor = {"client": "mibu.sensor", "service": "mibu.sensor", "realm": "tochigi", "signed_by": "tochigi"}
    assert asked(tokens, credentials=a_token(**sensor)).allowed


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "ID"},
        {"kind": None},
        {"realm": "tochigi"},
        {"realm": None},
        {"signed_by": "tochigi"},
        {"expires": NOON},
        {"expires": None},
        {"not_before": NOON + timedelta(seconds=1)},
        {"client": "nasushiobara.nobody"},
        {"client": "nasushiobara.keyed"},
        {"audience": None},
        {"audience": "account"},
        {"audience": ("account", "utsunomiya")},
        {"service": None},
        {"service": "nasushiobara.keyed"},
    ],
    ids=str,
)
def test_any_other_token_is_refused(tokens, wrong):
    assert asked(tokens, credentials=a_token(**wrong)).status == 401


def test_the_platform_may_be_one_of_several_audiences(tokens):
    assert asked(tokens, credentials=a_token(audience=("account", "tochigi"))).allowed


@pytest.fixture
def users() -> Catalog:
    """A portal may read roads and rivers; people may through it what their roles say."""
    return a_platform(
        with_scope("river"),
        with_api("ngsi-v2", auth=(TOKEN,), callers=(SERVICE, USER)),
        with_api("alone", a_version("v1", "/alone/v1"), auth=(TOKEN,), callers=(USER,)),
        with_api("never", a_version("v1", "/never/v1"), auth=(KEY, TOKEN)),
        with_service(
            "portal",
            a_grant("ngsi-v2", scopes=["road", "river"], period=during("2026-04-01", "2027-04-01")),
            *(a_grant(name) for name in ("alone", "never")),
            auth=(KEY, TOKEN),
        ),
        with_role("data-user", a_grant("ngsi-v2", "read", "update"), a_grant("alone")),
        with_role("guest", a_grant("ngsi-v2", scopes=["river"], period=during("2026-10-01", "2026-11-01"))),
        with_role("editor", a_grant("ngsi-v2", scopes=["dam"]), includes=["data-user"]),
        with_role("dams", a_grant("ngsi-v2", scopes=["dam"])),
        with_role("auditor"),
    )


def a_person(catalog: Catalog, *roles: str) -> Credentials:
    service = catalog.tenants["nasushiobara"].services[0]
    return credentials_of(catalog, service, "token", NOON, roles)


def test_a_person_may_what_the_service_and_a_role_may_and_the_lines_of_both_are_told(users):
    said = asked(users, credentials=a_person(users, "data-user"))
    assert (said.allowed, said.scope, said.service) == (True, "road", "nasushiobara.portal")
    assert [line.what for line in said.because] == ["grant", "role", "scope", "level"]
    assert [str(line.origin) for line in said.because[:2]] == ["tenants/nasushiobara.yaml:25", "roles/platform.yaml:25"]


@pytest.mark.parametrize(
    ("roles", "scope", "method", "reason"),
    [
        (("data-user",), "river", "GET", "data scope 'river' is not granted"),
        (("data-user",), "road", "POST", "update of v2 is not granted"),
        (("auditor",), "road", "GET", "no role has a grant of read of v2"),
        ((), "road", "GET", "no role has a grant of read of v2"),
        (("dams",), "road", "GET", "no data are granted to nasushiobara.portal and to a role, both"),
        (("dams", "guest"), "road", "GET", "data scope 'road' is not granted"),
    ],
)
def test_what_one_of_both_lacks_a_person_may_not(users, roles, scope, method, reason):
    said = asked(users, credentials=a_person(users, *roles), scope=scope, method=method)
    assert (said.status, said.reason) == (403, reason)


def test_roles_count_together_and_included_ones_too(users):
    both = a_person(users, "guest", "editor")
    assert asked(users, credentials=both).reason.endswith("Name one in X-Data-Scope: river, road")
    assert {scope for scope in ("road", "river", "dam") if asked(users, credentials=both, scope=scope).allowed} == {
        "road",
        "river",
    }


def test_of_both_periods_each_must_hold(users):
    guest = a_person(users, "guest")
    token = replace(guest.token, expires=NOON + timedelta(days=400))
    shown = Credentials(token=token)

    def at(day: str) -> tuple[int, str]:
        said = asked(users, credentials=shown, at=during(day).start)
        return said.status, said.reason

    assert at("2026-10-31")[0] == 200
    assert at("2026-11-01") == (403, "outside the period of access of the role")
    assert at("2026-09-30") == (403, "outside the period of access of the role")
    assert at("2027-04-01") == (403, "outside the period of access")


def test_an_api_says_who_may_call_it(users):
    itself, person = a_token(expires=NOON + timedelta(minutes=1)), a_person(users, "data-user")
    assert asked(users, "/alone/v1/x", credentials=itself).reason == "alone is only for users"
    assert asked(users, "/alone/v1/x", credentials=person).allowed
    assert asked(users, "/never/v1/x", credentials=person).reason == "never is not for users"
    assert asked(users, "/never/v1/x", credentials=itself).allowed
    assert asked(users, "/never/v1/x").allowed


def test_a_token_that_is_signed_right_goes_before_a_key(tokens):
    key = ApiKey("nasushiobara.keyed")
    if KEY not in tokens.apis["ngsi-v2"].auth:
        assert asked(tokens, credentials=Credentials(key=key)).reason == "'ngsi-v2' takes no key"
        return
    assert asked(tokens, credentials=Credentials(key, a_token().token)).service == "nasushiobara.portal"
    assert asked(tokens, credentials=Credentials(key, a_token(kind="ID").token)).status == 401
    assert asked(tokens, credentials=Credentials(key, a_token(expires=NOON).token)).service == "nasushiobara.keyed"


def test_open_data_ask_nobody_and_hold_open_scopes_only():
    catalog = a_platform(
        with_scope("road"),
        with_scope("rainfall", disclosure="open"),
        with_api("open", a_version("v1", "/open/v1"), auth=(), limits={"read": {"minute": 60}}),
    )
    said = asked(catalog, "/open/v1/x", credentials=Credentials())
    assert (said.allowed, said.scope, said.service) == (True, "rainfall", None)
    assert [(limit.calls, limit.counted) for limit in said.limits] == [(60, "address")]
    assert asked(catalog, "/open/v1/x", credentials=Credentials(), scope="road").status == 403


def test_a_services_own_limit_goes_before_the_levels_span_by_span():
    catalog = a_platform(
        with_api("ngsi-v2", limits={"read": {"minute": 900, "month": 10_000}}),
        with_service("portal", reading="ngsi-v2", limits={("ngsi-v2", "read"): {"minute": 1800, "day": 5000}}),
    )
    found = {limit.span: (limit.calls, limit.of) for limit in asked(catalog).limits}
    assert found == {"minute": (1800, "service"), "day": (5000, "service"), "month": (10_000, "level")}


# ---------------------------------------------------------------- laws of paths

texts = st.text(st.sampled_from("/.a%2fFeE5cC;\\"), max_size=12).map(lambda text: "/" + text)


@given(texts)
@settings(max_examples=300)
def test_a_normal_path_is_normal_and_stays_plain(text):
    once = normal(text)
    if once is not None:
        assert "//" not in once
        assert not {".", ".."} & set(once.split("/"))
        assert normal(once) == once


@given(texts)
@settings(max_examples=300)
def test_a_path_that_is_plain_for_folders_is_its_own_normal_form_but_for_escapes(text):
    if ambiguous(text, folders=True) is None and "%" not in text:
        assert normal(text) == text
