"""Authentication, sentence by sentence: who a caller is, and what proves it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.catalog.model import Period
from control_plane.kong import view
from control_plane.kong.policies import chunk, guard
from tests.building import (
    KEY,
    SERVICE,
    TOKEN,
    USER,
    a_grant,
    a_platform,
    a_version,
    with_api,
    with_role,
    with_scope,
    with_service,
)
from tests.kong.tokens import ISSUER, bearer, token
from tests.kong.world import World, lines, seen_by_upstream

pytestmark = pytest.mark.servers

PATH = "/ngsi/v2/entities"


def taking(*auth, **more):
    """A platform whose API takes these ways, and a service that has them."""
    return a_platform(
        with_api("ngsi-v2", auth=auth, **more), with_service("portal", reading="ngsi-v2", auth=auth or (KEY,))
    )


def statuses(world: World) -> dict[str, int]:
    """What the gateway answers to each way of proving oneself."""
    key = {"apikey": world.key_of("portal")}
    shown = {"nothing": {}, "key": key, "token": bearer(token()), "both": {**key, **bearer(token())}}
    return {what: world.call(PATH, **headers).status_code for what, headers in shown.items()}


@pytest.mark.parametrize(
    ("auth", "taken"),
    [((KEY,), {"key", "both"}), ((TOKEN,), {"token", "both"}), ((KEY, TOKEN), {"key", "token", "both"})],
)
def test_an_api_takes_a_key_or_a_token_or_either_as_it_says(world, auth, taken):
    world.apply(taking(*auth))
    assert {what for what, status in statuses(world).items() if status == 200} == taken
    assert {status for what, status in statuses(world).items() if what not in taken} == {401}


def test_open_data_ask_for_neither(world):
    world.apply(a_platform(with_scope("road", disclosure="open"), with_api("ngsi-v2", auth=())))
    assert world.call(PATH).status_code == 200


def test_a_key_is_taken_from_a_header_alone_and_never_passed_upstream(world):
    world.apply(taking(KEY))
    key = world.key_of("portal")
    assert world.call(f"{PATH}?apikey={key}").status_code == 401
    assert world.call(PATH, Cookie=f"apikey={key}").status_code == 401
    heard = seen_by_upstream(world.call(PATH, apikey=key))
    assert key not in str(heard)


@pytest.fixture
def tokens(world: World) -> World:
    world.apply(taking(TOKEN))
    return world


def test_the_caller_is_the_client_that_the_token_was_issued_to(tokens):
    heard = seen_by_upstream(tokens.call(PATH, **bearer(token())))
    assert heard["headers"]["x-consumer-username"] == "nasushiobara.portal"


@pytest.mark.parametrize(
    "claims",
    [{"signed_by": "a stranger"}, {"exp": int(time.time()) - 1}, {"exp": None}, {"nbf": int(time.time()) + 86_400}],
    ids=["signature", "exp", "no exp", "nbf"],
)
def test_a_token_proves_something_only_by_its_realms_signature_and_in_its_time(tokens, claims):
    assert tokens.call(PATH, **bearer(token(**claims))).status_code == 401


def test_id_tokens_are_refused(tokens):
    assert tokens.call(PATH, **bearer(token(typ="ID", aud="nasushiobara.portal"))).status_code == 401
    assert tokens.call(PATH, **bearer(token(typ="ID"))).status_code == 401


def test_refresh_tokens_are_refused(tokens):
    assert tokens.call(PATH, **bearer(token(typ="Refresh", aud=ISSUER + "nasushiobara"))).status_code == 401
    assert tokens.call(PATH, **bearer(token(typ="Refresh"))).status_code == 401


@pytest.mark.parametrize("issuer", [ISSUER + "tochigi", ISSUER + "nasushiobara/", "https://elsewhere.example.jp", None])
def test_tokens_of_another_issuer_are_refused(tokens, issuer):
    assert tokens.call(PATH, **bearer(token(iss=issuer))).status_code == 401


@pytest.mark.parametrize(
    "audience", [None, "account", "utsunomiya", "tochigi-2", [], ["account", "utsunomiya"]], ids=str
)
def test_tokens_for_another_audience_are_refused(tokens, audience):
    answer = tokens.call(PATH, **bearer(token(aud=audience)))
    assert (answer.status_code, answer.json()["reason"]) == (401, "a token for another audience")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("client", ["nasushiobara.unknown", "tochigi.portal", "portal", "account-console", None])
def test_a_token_of_another_client_is_refused(tokens, client):
    assert tokens.call(PATH, **bearer(token(azp=client))).status_code == 401


@pytest.mark.parametrize("says", ["nasushiobara.gis", True, ["nasushiobara.portal"], ""], ids=str)
@pytest.mark.parametrize("session", [None, "5c0c"])
def test_a_token_is_the_services_own_only_when_it_says_so(tokens, says, session):
    answer = tokens.call(PATH, **bearer(token(service=says, sid=session)))
    told = "neither the service's own token nor that of a person"
    assert (answer.status_code, answer.json()["reason"]) == (401, told)


@pytest.mark.parametrize("session", [None, True, ["5c0c"]], ids=str)
def test_a_token_is_a_persons_only_when_somebody_has_signed_in(tokens, session):
    assert tokens.call(PATH, **bearer(token(service=None, sid=session))).status_code == 401


# ---------------------------------------------------------------- users


def of_a_person(*roles: str, **more) -> dict[str, str]:
    """The token of somebody who has signed in through the portal."""
    claims = {"service": None, "sid": "5c0c7d1a", "realm_access": {"roles": list(roles)}, **more}
    return bearer(token(**claims))


def for_users(*parts, callers=(SERVICE, USER), **more):
    """An API for users, and a portal that may read roads and rivers, and write roads."""
    return a_platform(
        with_scope("road"),
        with_scope("river"),
        with_api("ngsi-v2", auth=(TOKEN,), callers=callers, **more),
        with_service(
            "portal",
            a_grant("ngsi-v2", "read", scopes=["road", "river"]),
            a_grant("ngsi-v2", "update", scopes=["road"]),
            auth=(TOKEN,),
            redirect_uris=("https://portal.example.jp/callback",),
        ),
        *parts,
    )


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def test_an_api_for_services_refuses_users(world):
    world.apply(for_users(callers=(SERVICE,)))
    assert world.call(PATH, X_Data_Scope="road", **bearer(token())).status_code == 200
    assert refusal(world.call(PATH, X_Data_Scope="road", **of_a_person("data-user"))) == (403, "not for users")


def test_an_api_may_demand_a_user(world):
    world.apply(for_users(with_role("data-user", a_grant("ngsi-v2", scopes=["road"])), callers=(USER,)))
    assert refusal(world.call(PATH, X_Data_Scope="road", **bearer(token()))) == (403, "only for users")
    assert world.call(PATH, X_Data_Scope="road", **of_a_person("data-user")).status_code == 200


def test_what_a_user_may_do_through_a_portal_is_the_intersection_of_the_portals_grants_and_the_roles(world):
    grants = a_grant("ngsi-v2", scopes=["road", "dam"]), a_grant("ngsi-v2", "update", scopes=["dam", "river"])
    world.apply(for_users(with_role("data-user", *grants)))
    her = of_a_person("data-user")
    assert world.call(PATH, **bearer(token())).status_code == 403  # the portal itself has two, and must name one
    heard = seen_by_upstream(world.call(PATH, **her))
    assert heard["headers"]["fiware-servicepath"] == "/road/#"  # the one that is left is hers
    assert heard["headers"]["x-consumer-username"] == "nasushiobara.portal"
    assert refusal(world.call(PATH, X_Data_Scope="river", **her)) == (403, "data scope not granted")  # hers to write
    assert refusal(world.call(PATH, X_Data_Scope="dam", **her)) == (403, "data scope not granted")  # not the portal's
    assert refusal(world.call(PATH, "POST", **her)) == (403, "no data scope that a role is granted too")


def test_data_that_need_a_persons_consent_are_hers_only_with_a_token_that_tells_it(world):
    both = a_grant("ngsi-v2", scopes=["road", "river"])
    world.apply(for_users(with_scope("river", consent="川の見守りの登録内容"), with_role("data-user", both)))
    refused = (403, "data scope not granted")
    for said in (None, {}, {"road": True}, {"river": False}, {"river": "true"}, {"river": 1}, "river", ["river"]):
        assert refusal(world.call(PATH, X_Data_Scope="river", **of_a_person("data-user", data=said))) == refused
        assert world.call(PATH, **of_a_person("data-user", data=said)).status_code == 200  # road, which is left
    consented = of_a_person("data-user", data={"river": True})
    assert world.call(PATH, X_Data_Scope="river", **consented).status_code == 200
    assert world.call(PATH, X_Data_Scope="river", **bearer(token())).status_code == 200  # the service for itself


def test_where_nothing_else_is_left_the_missing_consent_is_named(world):
    hers = with_role("data-user", a_grant("ngsi-v2", scopes=["river"]))
    world.apply(for_users(with_scope("river", consent="川の見守りの登録内容"), hers))
    assert refusal(world.call(PATH, **of_a_person("data-user"))) == (403, "no consent of the person")


def test_without_a_role_that_has_a_grant_a_user_may_nothing(world):
    world.apply(for_users(with_role("data-user", a_grant("ngsi-v2", scopes=["road"])), with_role("auditor")))
    told = (403, "no role with a grant for this level of access")
    for roles in ((), ("auditor",), ("nasushiobara.portal",), ("role:data-user",), ("data-user 1",)):
        assert refusal(world.call(PATH, **of_a_person(*roles))) == told
    assert refusal(world.call(PATH, "POST", X_Data_Scope="road", **of_a_person("data-user"))) == told
    for access in ({}, {"roles": "data-user"}, {"roles": {"data-user": True}}, "data-user", ["data-user"], None):
        assert refusal(world.call(PATH, **of_a_person(realm_access=access))) == told


def test_the_roles_of_a_user_count_together(world):
    road, river = a_grant("ngsi-v2", scopes=["road"]), a_grant("ngsi-v2", scopes=["river"])
    world.apply(for_users(with_role("roads", road), with_role("rivers", river)))
    for scope in ("road", "river"):
        assert world.call(PATH, X_Data_Scope=scope, **of_a_person("roads", "rivers")).status_code == 200
    assert world.call(PATH, X_Data_Scope="river", **of_a_person("roads")).status_code == 403


def test_a_roles_grant_has_a_period_too(world):
    over = Period(None, datetime.now(UTC) - timedelta(seconds=60))
    world.apply(for_users(with_role("data-user", a_grant("ngsi-v2", scopes=["road"], period=over))))
    answer = world.call(PATH, X_Data_Scope="road", **of_a_person("data-user"))
    assert refusal(answer) == (403, "outside the period of access of the role")


def test_an_api_without_data_scopes_asks_for_both_grants_all_the_same(world):
    catalog = a_platform(
        with_api("forms", a_version("v1", "/forms/v1"), auth=(KEY, TOKEN), callers=(SERVICE, USER), scoping="none"),
        with_service("portal", reading="forms", auth=(KEY, TOKEN), redirect_uris=("https://portal.example.jp/cb",)),
        with_role("data-user", a_grant("forms")),
    )
    world.apply(catalog)
    assert world.call("/forms/v1/x", **of_a_person("data-user")).status_code == 200
    assert world.call("/forms/v1/x", **of_a_person("auditor")).status_code == 403
    assert world.call("/forms/v1/x", "POST", **of_a_person("data-user")).status_code == 403
    assert world.call("/forms/v1/x", apikey=world.key_of("portal")).status_code == 200


def test_a_plan_tells_what_a_role_is_granted(world):
    world.apply(for_users(with_role("data-user", a_grant("ngsi-v2", scopes=["road"]))))
    plan = world.plan(for_users(with_role("data-user", a_grant("ngsi-v2", scopes=["road", "river"]))))
    (change,) = plan
    (field,) = change.changes
    assert (str(change.key), field.path) == (
        "kong.plugin ngsi-v2.v2 ngsi-v2.v2.post-function",
        ("config", "guard", "grants"),
    )
    assert set(field.after) - set(field.before) == {"role:data-user read river,road - -"}


def test_a_role_alone_keeps_no_version_in_use():
    one = for_users(with_role("data-user", a_grant("ngsi-v2", scopes=["road"])))
    (standing,) = view.standing(one)
    said = chunk.read(guard.chunk(view.Gateway(one), standing))
    assert said and "role:data-user read road - -" in said["grants"]
    assert chunk.holders(said, one.as_of) == {"nasushiobara.portal"}


def test_a_change_of_the_realms_signing_key_is_drift_and_mended_by_apply(world):
    catalog = taking(TOKEN)
    world.apply(catalog)
    world.vault.keys["nasushiobara"] = "the realm's new key"
    assert world.call(PATH, **bearer(token(signed_by="the realm's new key"))).status_code == 401
    assert lines(world.plan(catalog)) == ["update kong.jwt nasushiobara.portal nasushiobara.portal"]
    world.apply(catalog)
    assert world.call(PATH, **bearer(token(signed_by="the realm's new key"))).status_code == 200
    assert world.call(PATH, **bearer(token())).status_code == 401
