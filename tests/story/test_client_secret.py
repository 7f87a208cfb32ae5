"""A service's client secret turns over on a real Keycloak: both are taken for a while, a kill anywhere is mended."""

from __future__ import annotations

import multiprocessing
import os
import secrets
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from control_plane.keycloak import turning
from control_plane.secrets import files
from tests.conftest import KeycloakServer, KongServer
from tests.story.killed import WRITES
from tests.story.world import World

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

MAIN, NEXT, PREVIOUS = "client_secret", "client_secret_next", "client_secret_previous"
FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, keycloak_server: KeycloakServer, kong_server: KongServer
) -> Iterator[World]:
    """One platform for all of these tests: a realm takes a while to make."""
    found = World(tmp_path_factory.mktemp("secrets"), keycloak_server, kong_server)
    found.empty_kong()
    found.apply()
    yield found
    found.clean_up()


@pytest.fixture
def world(place: World) -> Iterator[World]:
    """What a test leaves is ended after it."""
    tenant = place.directory / "tenants" / "city.yaml"
    text = tenant.read_text("utf-8")
    yield place
    tenant.write_text(text, encoding="utf-8")
    place.keycloak_by_hand("PUT", "/client-policies/policies", {"policies": []})
    place.keycloak_by_hand("PUT", "/client-policies/profiles", {"profiles": []})
    if store(place).keys() & {NEXT, PREVIOUS}:
        rotate(place, "--with-a-gap")


def store(world: World, service: str = "portal") -> dict[str, str]:
    return dict(files.Files(world.directory / "secrets").read(f"services/{world.tenant}.{service}") or {})


def takes(world: World, secret: str, service: str = "portal") -> bool:
    """Whether Keycloak gives the service a token for it."""
    form = {"grant_type": "client_credentials", "client_id": f"{world.tenant}.{service}", "client_secret": secret}
    return "access_token" in world.asks_for_a_token(form)


def client(world: World, service: str = "portal") -> dict[str, Any]:
    found: list[dict[str, Any]] = world.keycloak_by_hand("GET", f"/clients?clientId={world.tenant}.{service}").json()
    return found[0]


def policies(world: World) -> list[str]:
    return [one["name"] for one in world.keycloak_by_hand("GET", "/client-policies/policies").json()["policies"]]


def rotate(world: World, *words: str, service: str = "portal") -> Any:
    said = world.renkei("rotate", "client-secret", f"{world.tenant}.{service}", "--yes", *words)
    assert said.code == 0, said.err + said.out
    return said


def assert_nothing_to_do(world: World) -> None:
    said = world.renkei("plan", "--exit-code")
    assert said.code == 0, said.out + said.err


def wait_for_the_end(world: World) -> None:
    time.sleep(max(0.0, int(client(world)["attributes"][turning.UNTIL]) - time.time()) + 1.1)


def test_both_secrets_are_taken_until_the_end_and_then_the_new_one_alone(world):
    old = store(world)[MAIN]
    said = rotate(world, "--keep", "5s")
    new, until = store(world)[MAIN], store(world)["client_secret_previous_until"]
    assert new != old == store(world)[PREVIOUS]
    assert [takes(world, one) for one in (old, new)] == [True, True]
    assert f"until {until}" in said.out
    assert_nothing_to_do(world)
    assert world.renkei("drift").code == 0
    assert f"until {until}: nothing to do before" in rotate(world).out
    wait_for_the_end(world)
    assert [takes(world, one) for one in (old, new)] == [False, True]
    assert "the service has one" in rotate(world).out
    assert store(world).keys() & {NEXT, PREVIOUS, "client_secret_previous_until"} == set()
    assert policies(world) == []
    assert [name for name in client(world)["attributes"] if "rotat" in name or "expiration" in name] == []
    assert_nothing_to_do(world)


def test_an_apply_in_between_undoes_nothing(world):
    old = store(world)[MAIN]
    rotate(world)
    world.edit("tenants/city.yaml", "地域ポータル", "地域ポータル改")
    world.apply()
    assert client(world)["name"] == "地域ポータル改"
    assert [takes(world, one) for one in (old, store(world)[MAIN])] == [True, True]
    assert rotate(world, "--json").json["steps"] == ["wait"]
    world.edit("tenants/city.yaml", "地域ポータル改", "地域ポータル")
    world.apply()


def test_other_policies_of_the_realm_stay_as_they_are(world):
    profile = {
        "name": "of others",
        "executors": [{"executor": "pkce-enforcer", "configuration": {"auto-configure": False}}],
    }
    any_client = [{"condition": "any-client", "configuration": {}}]
    policy = {"name": "of others", "enabled": False, "conditions": any_client, "profiles": ["of others"]}
    world.keycloak_by_hand("PUT", "/client-policies/profiles", {"profiles": [profile]})
    world.keycloak_by_hand("PUT", "/client-policies/policies", {"policies": [policy]})
    before = [world.keycloak_by_hand("GET", f"/client-policies/{what}").json() for what in ("profiles", "policies")]
    rotate(world)
    assert sorted(policies(world)) == ["of others", "renkei-rotation"]
    rotate(world, "--with-a-gap")
    after = [world.keycloak_by_hand("GET", f"/client-policies/{what}").json() for what in ("profiles", "policies")]
    assert after == before


def test_with_a_gap_the_old_one_is_refused_at_once_and_the_question_says_so(world):
    old = store(world)[MAIN]
    said = rotate(world, "--with-a-gap")
    assert "the old one no more" in said.out
    assert [takes(world, one) for one in (old, store(world)[MAIN])] == [False, True]
    assert PREVIOUS not in store(world)
    assert_nothing_to_do(world)


def test_with_a_gap_also_ends_a_second_secret_that_is_taken(world):
    """It has become known to others."""
    old = store(world)[MAIN]
    rotate(world)
    known = store(world)[MAIN]
    rotate(world, "--with-a-gap")
    assert [takes(world, one) for one in (old, known, store(world)[MAIN])] == [False, False, True]
    assert store(world).keys() & {NEXT, PREVIOUS} == set()
    assert policies(world) == []


def test_no_secret_is_in_what_is_told(world):
    before = store(world)
    said = rotate(world, "--json")
    assert said.json["steps"] == said.json["done"] == ["new", "switch", "store"]
    assert said.json["keep_seconds"] == 2 * 24 * 3600
    told = said.out + said.err + rotate(world).out + world.renkei("plan", "--json").out
    told += world.renkei("drift", "--json").out
    assert [one for one in (before[MAIN], store(world)[MAIN]) if one in told] == []


METER = """\
  - service: METER
    title: 計測
    auth: [token]
    grants: [{api: ngsi-v2, levels: [read], scopes: [road]}]
"""


@pytest.fixture
def meter(world: World) -> Iterator[str]:
    """A second service of the same realm, gone afterwards; the store keeps what it had, so each has another name."""
    name = f"meter-{secrets.token_hex(2)}"
    tenant = world.directory / "tenants" / "city.yaml"
    before = tenant.read_text("utf-8")
    world.edit("tenants/city.yaml", "services:\n", "services:\n" + METER.replace("METER", name))
    world.apply()
    yield name
    tenant.write_text(before, encoding="utf-8")
    world.apply()


def test_the_policy_stays_for_as_long_as_any_secret_of_the_realm_turns_over(world, meter):
    old = store(world, meter)[MAIN]
    rotate(world)
    rotate(world, service=meter)
    rotate(world, "--with-a-gap")
    assert policies(world) == ["renkei-rotation"]
    assert [takes(world, one, meter) for one in (old, store(world, meter)[MAIN])] == [True, True]
    rotate(world, "--with-a-gap", service=meter)
    assert policies(world) == []


def test_an_old_secret_ends_when_the_service_is_renamed_or_gets_keys(world, meter):
    """The new one goes on under the new name, and the plan is empty after one apply."""
    gauge = meter.replace("meter", "gauge")
    old = store(world, meter)[MAIN]
    rotate(world, service=meter)
    world.edit("tenants/city.yaml", f"service: {meter}", f"service: {gauge}\n    previously: {meter}")
    world.apply()
    assert [takes(world, one, gauge) for one in (old, store(world, gauge)[MAIN])] == [False, True]
    assert_nothing_to_do(world)

    old = store(world, gauge)[MAIN]
    rotate(world, service=gauge)
    assert takes(world, old, gauge)
    keys = 'client_auth: {keys_url: "https://gauge.example.jp/jwks"}'
    world.edit("tenants/city.yaml", "title: 計測", f"title: 計測\n    {keys}")
    world.apply()
    assert not takes(world, old, gauge)
    assert turning.ROTATED not in client(world, gauge)["attributes"]
    assert_nothing_to_do(world)


# ---------------------------------------------------------------- killed


def killed(world: World, number: int, *words: str) -> bool:
    """A run that kills itself right after its Nth write to Keycloak or to the store; False when it makes fewer."""

    def run() -> None:
        count, send, replaces = 0, requests.Session.send, files._replace

        def counted() -> None:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

        def sending(self: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
            answer = send(self, request, **more)
            if request.method in WRITES and "/openid-connect/token" not in str(request.url):
                counted()
            return answer

        def replacing(*given: Any) -> None:
            replaces(*given)
            counted()

        requests.Session.send = sending  # type: ignore[method-assign]
        files._replace = replacing
        os._exit(world.renkei("rotate", "client-secret", f"{world.tenant}.portal", "--yes", *words).code)

    process = FORK.Process(target=run)
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def test_killed_after_each_write_the_service_is_served_the_plan_is_empty_and_the_same_command_goes_on(world):
    """Beside the old one in the store, index; index, policy with its profile, client; store, index."""
    number = 0
    while True:
        number += 1
        old = store(world)[MAIN]
        if not killed(world, number):
            break
        assert takes(world, old), number
        assert takes(world, store(world)[MAIN]), number
        assert_nothing_to_do(world)
        rotate(world)
        assert [takes(world, one) for one in (old, store(world)[MAIN])] == [True, True], number
        rotate(world, "--with-a-gap")
    assert number == 9


def test_killed_after_each_write_of_its_end_the_same_command_comes_to_it(world):
    number = 0
    while True:
        number += 1
        rotate(world, "--keep", "1s")
        wait_for_the_end(world)
        if not killed(world, number):
            break
        assert_nothing_to_do(world)
        assert takes(world, store(world)[MAIN])
        if PREVIOUS in store(world):
            rotate(world)
        assert store(world).keys() & {NEXT, PREVIOUS} == set()
        assert policies(world) == []
    assert number == 6


def test_killed_on_the_way_with_a_gap_the_same_command_goes_on(world):
    number = 0
    while True:
        number += 1
        if not killed(world, number, "--with-a-gap"):
            break
        assert_nothing_to_do(world)
        rotate(world, "--with-a-gap")
        assert takes(world, store(world)[MAIN])
        assert store(world).keys() & {NEXT, PREVIOUS} == set()
    assert number == 6


# ---------------------------------------------------------------- by hand


def by_hand(world: World, **attributes: str) -> None:
    """A second secret, put there by somebody who knows how to have Keycloak keep it."""
    executor = {
        "executor": "secret-rotation",
        "configuration": {
            "expiration-period": "31536000",
            "rotated-expiration-period": "172800",
            "remaining-rotation-period": "1",
        },
    }
    policy = {"name": "door", "enabled": True, "profiles": ["door"]}
    policy["conditions"] = [{"condition": "any-client", "configuration": {}}]
    there = {
        what: world.keycloak_by_hand("GET", f"/client-policies/{what}").json() for what in ("profiles", "policies")
    }
    profiles = [*there["profiles"]["profiles"], {"name": "door", "executors": [executor]}]
    world.keycloak_by_hand("PUT", "/client-policies/profiles", {"profiles": profiles})
    world.keycloak_by_hand("PUT", "/client-policies/policies", {"policies": [*there["policies"]["policies"], policy]})
    one = client(world)
    said = {turning.SINCE: "1", turning.UNTIL: turning.NEVER, **attributes}
    world.keycloak_by_hand("PUT", f"/clients/{one['id']}", {"clientId": one["clientId"], "attributes": said})


def test_a_second_secret_by_hand_is_security_drift_and_apply_takes_it_away(world):
    by_hand(world, **{turning.ROTATED: "a-back-door-by-hand"})
    assert takes(world, "a-back-door-by-hand")
    said = world.renkei("drift")
    assert said.code == 2
    assert "whoever has this second secret is this client, too" in said.out
    assert "a-back-door" not in said.out + world.renkei("drift", "--json").out + world.renkei("plan", "--json").out
    world.apply()
    assert not takes(world, "a-back-door-by-hand")
    assert takes(world, store(world)[MAIN])
    assert world.renkei("drift").code == 0


def test_an_old_secret_whose_end_somebody_moves_is_security_drift(world):
    old = store(world)[MAIN]
    rotate(world)
    by_hand(world, **{turning.UNTIL: turning.NEVER})
    assert takes(world, old)
    assert "whoever has this second secret" in world.renkei("drift").out
    world.apply()
    assert [takes(world, one) for one in (old, store(world)[MAIN])] == [False, True]
    assert "the service has one" in rotate(world).out


# ---------------------------------------------------------------- refused


def refused(world: World, service: str, *words: str) -> str:
    said = world.renkei("rotate", "client-secret", service, "--yes", *words)
    assert said.code == 1, said.out
    return said.err


def test_a_server_without_the_feature_is_not_touched_and_the_error_says_what_to_do(world, monkeypatch):
    before = store(world), client(world)
    asked = {"an-executor-of-no-server": turning._TYPES[turning.EXECUTOR]}
    monkeypatch.setattr(turning, "_TYPES", asked)
    said = refused(world, f"{world.tenant}.portal")
    assert "--features=client-secret-rotation" in said
    assert "client_auth" in said
    assert "--with-a-gap" in said
    assert (store(world), client(world)) == before
    old = store(world)[MAIN]
    rotate(world, "--with-a-gap")
    assert [takes(world, one) for one in (old, store(world)[MAIN])] == [False, True]


OTHERS = """\
  - service: keyed
    title: 鍵
    auth: [token]
    client_auth: {keys_url: "https://keyed.example.jp/jwks"}
    grants: [{api: ngsi-v2, levels: [read], scopes: [road]}]
  - {service: page, title: 画面, auth: [token], client: public, redirect_uris: ["https://page.example.jp/cb"]}
  - {service: simple, title: 鍵のみ, auth: [api-key], grants: [{api: ngsi-v2, levels: [read], scopes: [road]}]}
"""


def test_a_service_without_a_client_secret_is_told_why(world):
    world.edit("tenants/city.yaml", "services:\n", "services:\n" + OTHERS)
    assert "it proves itself with keys" in refused(world, f"{world.tenant}.keyed")
    assert "its client is public" in refused(world, f"{world.tenant}.page")
    assert "it has no client in Keycloak" in refused(world, f"{world.tenant}.simple")
    assert f"did you mean '{world.tenant}.portal'" in refused(world, f"{world.tenant}.portl")
    world.edit("tenants/city.yaml", "service: page", "service: portal-2")
    world.edit("tenants/city.yaml", "client: public, redirect_uris: ", "redirect_uris: ")
    assert "renkei apply" in refused(world, f"{world.tenant}.portal-2"), "it was not applied yet"


def test_a_secret_that_was_changed_by_hand_is_mended_first(world):
    one = client(world)
    world.keycloak_by_hand("PUT", f"/clients/{one['id']}", {"clientId": one["clientId"], "secret": "by-hand"})
    assert "another secret in Keycloak than in the store" in refused(world, f"{world.tenant}.portal")
    world.apply()
    rotate(world)


def test_without_a_terminal_and_without_yes_nothing_is_written(world):
    before = store(world)
    said = world.renkei("rotate", "client-secret", f"{world.tenant}.portal")
    assert said.code == 1
    assert "--yes" in said.err
    assert store(world) == before


@pytest.mark.parametrize(("keep", "why"), [("2", "number with s, m, h or d"), ("91d", "90 days at most")])
def test_a_time_that_makes_no_sense_is_told(world, keep, why):
    said = world.renkei("rotate", "client-secret", f"{world.tenant}.portal", "--keep", keep)
    assert said.code == 1
    assert why in said.err
