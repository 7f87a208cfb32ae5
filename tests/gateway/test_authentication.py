"""Authentication, sentence by sentence: who a caller is, and what proves it."""

from __future__ import annotations

import time

import pytest

from tests.building import KEY, TOKEN, a_platform, with_api, with_scope, with_service
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


@pytest.mark.parametrize("says", [None, "nasushiobara.gis", True, ["nasushiobara.portal"]], ids=str)
def test_a_token_is_the_services_own_only_when_it_says_so(tokens, says):
    answer = tokens.call(PATH, **bearer(token(service=says)))
    assert (answer.status_code, answer.json()["reason"]) == (401, "not a token of the service itself")


def test_a_token_of_a_person_is_not_the_portals_own(tokens):
    assert tokens.call(PATH, **bearer(token(service=None, sid="5c0c", sub="a person"))).status_code == 401


def test_a_change_of_the_realms_signing_key_is_drift_and_mended_by_apply(world):
    catalog = taking(TOKEN)
    world.apply(catalog)
    world.vault.keys["nasushiobara"] = "the realm's new key"
    assert world.call(PATH, **bearer(token(signed_by="the realm's new key"))).status_code == 401
    assert lines(world.plan(catalog)) == ["update kong.jwt nasushiobara.portal nasushiobara.portal"]
    world.apply(catalog)
    assert world.call(PATH, **bearer(token(signed_by="the realm's new key"))).status_code == 200
    assert world.call(PATH, **bearer(token())).status_code == 401
