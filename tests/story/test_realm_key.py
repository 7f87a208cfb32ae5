"""A realm's key turns over on a real Keycloak: by hand and mended by apply, and by `rotate realm-key`."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import requests

from tests.story.world import World

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

PROVIDER = "org.keycloak.keys.KeyProvider"


def token(world: World) -> str:
    """A new access token of the portal, as its owner fetches it."""
    form = {
        "grant_type": "client_credentials",
        "client_id": f"{world.tenant}.portal",
        "client_secret": world.value(f"services/{world.tenant}.portal", "client_secret"),
    }
    url = f"{world.keycloak.url}/realms/{world.tenant}/protocol/openid-connect/token"
    answer = requests.post(url, data=form, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def status(world: World, bearer: str) -> int:
    return world.call(Authorization=f"Bearer {bearer}")


def rs256(world: World) -> list[dict[str, Any]]:
    """The realm's signing keys with their priorities."""
    found = world.keycloak_by_hand("GET", "/keys").json()["keys"]
    return [key for key in found if key.get("algorithm") == "RS256" and key["status"] != "DISABLED"]


def components(world: World) -> list[dict[str, Any]]:
    found = world.keycloak_by_hand("GET", f"/components?type={PROVIDER}").json()
    return [one for one in found if one["providerId"] == "rsa-generated"]


def put_component(world: World, one: dict[str, Any], **changed: Any) -> None:
    world.keycloak_by_hand("PUT", f"/components/{one['id']}", {**one, **changed})


def rotate(world: World, *words: str) -> Any:
    said = world.renkei("rotate", "realm-key", world.tenant, "--yes", *words)
    assert said.code == 0, said.err + said.out
    return said


def assert_turned_over(world: World) -> None:
    """New tokens pass, nothing is drift, one key signs, and no two have one priority."""
    assert status(world, token(world)) == 200
    assert world.renkei("drift").code == 0
    keys = rs256(world)
    assert [key["status"] for key in keys].count("ACTIVE") == 1
    assert len({key["providerPriority"] for key in keys}) == len(keys)


def test_a_key_that_was_changed_by_hand_is_drift_and_mended_by_apply(world):
    world.apply()
    old = token(world)
    assert status(world, old) == 200
    config = {"priority": ["200"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"]}
    realm = world.keycloak_by_hand("GET", "").json()["id"]
    new = {"name": "by hand", "providerId": "rsa-generated", "providerType": PROVIDER, "parentId": realm}
    world.keycloak_by_hand("POST", "/components", {**new, "config": config})
    assert status(world, token(world)) == 401
    drift = world.renkei("drift")
    assert drift.code == 2
    assert "rsa_public_key" in drift.out
    world.apply()
    assert status(world, token(world)) == 200
    assert status(world, old) == 401


def test_rotate_realm_key_switches_both_systems_and_old_tokens_are_refused_from_then_on(world):
    world.apply()
    old = token(world)
    assert status(world, old) == 200
    before = {key["kid"] for key in rs256(world)}
    said = rotate(world)
    assert "Kong's 1 of the realm take it at once" in said.out
    assert "the gateway" in said.out.lower()
    assert status(world, old) == 401
    assert_turned_over(world)
    after = {key["kid"]: key["status"] for key in rs256(world)}
    assert [after[kid] for kid in before] == ["PASSIVE"], "still published for those who verify"


def test_the_old_key_goes_when_no_token_of_it_can_live_and_not_before(world):
    world.apply()
    rotate(world)
    waiting = rotate(world)
    assert "nothing to do before" in waiting.out
    assert len(rs256(world)) == 2
    (ours,) = (one for one in components(world) if one["name"].startswith("renkei since "))
    put_component(world, ours, name="renkei since 2026-01-01T00:00:00+00:00")
    assert "the rotation is complete" in rotate(world).out
    assert len(rs256(world)) == 1
    assert_turned_over(world)
    first = rs256(world)[0]["kid"]
    rotate(world)
    assert_turned_over(world)
    assert first not in {key["kid"] for key in rs256(world) if key["status"] == "ACTIVE"}, "and the next one begins"


def test_json_tells_the_steps_and_no_secret(world):
    world.apply()
    document = rotate(world, "--json").json
    assert document["steps"] == ["prepare", "sign", "credentials", "keep"]
    assert (document["complete"], document["credentials"]) == (True, 1)
    assert document["seconds"] > 0
    assert [key["active"] for key in document["keys"]] == [True, False]
    assert rotate(world, "--json").json["steps"] == ["wait"]
    assert "PRIVATE" not in str(document)


def test_without_a_terminal_and_without_yes_nothing_is_written(world):
    world.apply()
    before = rs256(world)
    said = world.renkei("rotate", "realm-key", world.tenant)
    assert said.code == 1
    assert "--yes" in said.err
    assert rs256(world) == before


def test_a_realm_that_is_not_declared_is_refused(world):
    said = world.renkei("rotate", "realm-key", world.tenant + "x", "--yes")
    assert said.code == 1
    assert f"did you mean '{world.tenant}'" in said.err


def test_killed_after_each_step_the_same_command_again_converges(world):
    """The key is made, it signs, Kong's credential has it, the gateway is asked whether it has: four writes."""
    world.apply()
    for number in (1, 2, 3, 4):
        command = [sys.executable, "-m", "tests.story.killed", str(number), "after", "-C", str(world.directory)]
        words = ["rotate", "realm-key", world.tenant, "--yes"]
        done = subprocess.run([*command, *words], capture_output=True, timeout=120)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        rotate(world)
        assert len(rs256(world)) == 2, "the killed run's key is the one that was gone on with"
        assert_turned_over(world)
        for one in components(world):  # the rotation is over: the next one begins anew
            if one["config"]["active"] == ["false"]:
                world.keycloak_by_hand("DELETE", f"/components/{one['id']}")


def test_a_client_that_fetches_a_new_token_on_401_gets_through(world):
    """Every call ends with 200, at most after some fetches while the switch goes on; others are not touched."""
    world.apply()
    stop, refused, with_key = threading.Event(), [], []
    held = token(world)

    def client() -> None:
        nonlocal held
        while not stop.is_set():
            began = None
            while (answer := status(world, held)) != 200:
                assert answer == 401
                began = began or time.monotonic()
                held = token(world)
            if began:
                refused.append(time.monotonic() - began)

    def neighbour() -> None:
        while not stop.is_set():
            with_key.append(world.call(key=world.portal_key))

    threads = [threading.Thread(target=client), threading.Thread(target=neighbour)]
    for thread in threads:
        thread.start()
    try:
        rotate(world)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert status(world, held) == 200 or status(world, token(world)) == 200
    assert set(with_key) == {200}
    print(f"refused for {sum(refused):.2f} s in {len(refused)} turns")  # shown with -s; the how-to has it
