"""The keys of a realm, changed by hand on the real Keycloak: what is told, and what the told request does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from control_plane.engine.resource import Resource
from control_plane.keycloak import keyrings
from control_plane.keycloak.rotation import PROVIDERS
from tests.building import a_platform, with_tenant
from tests.conftest import KeycloakServer
from tests.keycloak.browser import Person
from tests.keycloak.conftest import a_world, told
from tests.keycloak.stage import Stage

pytestmark = pytest.mark.servers

REALM = "nasushiobara"


@pytest.fixture(scope="module")
def realm(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = world.here(a_platform(with_tenant(REALM)))
        world.apply(catalog)
        yield Stage(world, catalog)


@pytest.fixture
def stage(realm: Stage) -> Iterator[Stage]:
    """The realm; keys that a test has added go, and those that Keycloak made at first are there again."""
    before = {one["id"]: one for one in components(realm)}
    yield realm
    for one in components(realm):
        if one["id"] not in before:
            realm.world.by_hand("DELETE", REALM, f"/components/{one['id']}")
    assert {one["id"] for one in components(realm)} == before.keys()
    assert strange(realm) == []


def components(stage: Stage) -> list[dict[str, Any]]:
    found = stage.world.get(REALM, f"/components?type={PROVIDERS}")
    assert isinstance(found, list)
    return found


def add(stage: Stage, name: str, provider: str = "rsa-generated", priority: int = 50, **config: str) -> None:
    found = stage.world.get(REALM)
    assert isinstance(found, dict)
    said = {"priority": str(priority), "enabled": "true", "active": "true", **config}
    body = {"name": name, "providerId": provider, "providerType": PROVIDERS, "parentId": found["id"]}
    stage.world.by_hand("POST", REALM, "/components", {**body, "config": {key: [one] for key, one in said.items()}})


def strange(stage: Stage) -> list[Resource]:
    plan = stage.world.plan(stage.catalog)
    assert told(plan) == [], "an apply never turns a key over"
    found = [one for one in plan.unmanaged if one.key.kind == keyrings.NAME]
    assert all(one.key in plan.dangers for one in found)
    return found


def send(stage: Stage, found: Resource) -> None:
    assert found.remove
    method, path, *body = found.remove.split(" ", 2)
    where = path.removeprefix(f"/admin/realms/{stage.world.realm(REALM)}")
    stage.world.by_hand(method, REALM, where, json.loads(body[0]) if body else None)


def a_private_key() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_the_keys_that_a_realm_begins_with_are_nothing_to_tell_of(stage: Stage) -> None:
    assert strange(stage) == []


@pytest.mark.parametrize("priority", [50, 200])
def test_a_key_of_another_priority_that_keycloak_made_is_nothing_to_tell_of(stage: Stage, priority: int) -> None:
    """Which one signs is clear; that the gateway must know it is the credentials' difference."""
    add(stage, "by hand", priority=priority)
    assert strange(stage) == []


def test_two_keys_of_one_priority_are_told_and_the_request_lets_the_one_that_signs_sign(stage: Stage) -> None:
    add(stage, "rival", priority=100)
    (found,) = strange(stage)
    assert found.danger == "another key of the same priority signs RS256: nobody knows which of them does"
    before = active(stage)
    send(stage, found)
    assert strange(stage) == []
    assert active(stage) == before
    keep = next(one for one in components(stage) if found.key.name.endswith(one["id"].partition("-")[0]))
    if keep["name"] == "rsa-generated":  # the rival was the one that signed
        stage.world.by_hand("PUT", REALM, f"/components/{keep['id']}", {**keep, "config": {"priority": ["100"]}})
        add(stage, "above", priority=300)


def active(stage: Stage) -> str:
    found = stage.world.get(REALM, "/keys")
    assert isinstance(found, dict)
    return str(found["active"]["RS256"])


@pytest.mark.parametrize("active", ["true", "false"])
def test_a_key_that_somebody_brought_along_is_told_also_when_it_only_verifies(stage: Stage, active: str) -> None:
    add(stage, "brought", "rsa", active=active, privateKey=a_private_key())
    (found,) = strange(stage)
    assert found.danger == keyrings.BROUGHT
    assert "PRIVATE" not in f"{found}{found.remove}"
    send(stage, found)
    assert strange(stage) == []


def test_a_key_that_is_switched_off_opens_nothing(stage: Stage) -> None:
    add(stage, "off", "rsa", enabled="false", privateKey=a_private_key())
    assert strange(stage) == []


def test_a_key_that_keycloak_had_to_make_is_told_with_the_command_that_helps(stage: Stage) -> None:
    add(stage, "fallback-RS256", priority=-100)
    (found,) = strange(stage)
    assert found.danger == keyrings.FORCED and "rotate realm-key" in found.danger
    send(stage, found)


def test_keycloak_really_names_it_so(stage: Stage) -> None:
    """Of the keys that sign sessions: their loss signs everybody out, and comes back at the next login."""
    ours = next(one for one in components(stage) if one["providerId"] == "hmac-generated")
    off = {**ours, "config": {**ours["config"], "enabled": ["false"]}}
    stage.world.by_hand("PUT", REALM, f"/components/{ours['id']}", off)
    try:
        url = stage.person(REALM).url
        person = Person(url, "account-console", "")
        query = {**person.request(f"{url}/account/"), "response_mode": "query"}
        assert requests.get(f"{url}/protocol/openid-connect/auth", params=query, timeout=30).ok
        made = [one.key.name for one in strange(stage)]
        assert [name.partition(" ")[0] for name in made] == ["fallback-HS512"]
    finally:
        on = {**ours, "config": {**ours["config"], "enabled": ["true"]}}
        stage.world.by_hand("PUT", REALM, f"/components/{ours['id']}", on)
