"""Clients that people make by hand: what the template of their realm holds them to, on the real Keycloak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from control_plane.catalog.model import ALWAYS, Auth, Catalog, ClientAuth
from control_plane.keycloak import abilities, handmade
from tests.building import a_platform, during, with_service, with_tenant
from tests.conftest import KeycloakServer
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.platforms import OLD, a_small_platform

REALM = "nasushiobara"
EVERYTHING = {"pkce": True, "secure_redirects": True, "full_scope": False, "password_login": False}
if OLD:
    del EVERYTHING["secure_redirects"]
BOTH = (handmade.ADDRESSES, handmade.POWERS)
LOOPBACK = "http://localhost:8400/callback"
OTHERS = {"name": "of-others", "description": "", "executors": [{"executor": "consent-required", "configuration": {}}]}
THEIRS = {"name": "of-others", "description": "", "enabled": False, "conditions": [], "profiles": ["of-others"]}


def platform(clients: dict[str, bool] = EVERYTHING, *, changed: bool = False) -> Catalog:
    """With every sort of client that renkei writes; `changed`: and all of them are other than before."""
    address, title = "https://portal.example.jp/cb", {"title": "changed"} if changed else {}
    more: dict[str, Any] = {"tenant": REALM, "auth": [Auth.TOKEN]}
    portal = {
        "redirect_uris": (address, *((f"{address}2",) if changed else ())),
        "post_logout_redirect_uris": (address,),
    }
    keys = ClientAuth("RS256", keys_url=f"http://127.0.0.1:9/{'other' if changed else 'keys'}")
    return a_small_platform(
        with_tenant(REALM, clients=clients, step_up=None if OLD else 600 if changed else 300, **title),
        with_service("desk", public=True, web_origins=("https://portal.example.jp",), **portal, **more),
        with_service("own-machine", redirect_uris=(LOOPBACK, f"http://127.0.0.1:{1 + changed}/cb"), **more),
        with_service("batch", period=during("2026-11-01") if changed else ALWAYS, **more),
        with_service("keys", client_auth=keys, **more),
        with_service("pairwise", pairwise=True, redirect_uris=(address,), assurance=2 if not OLD else 1, **more),
    )


# ---------------------------------------------------------------- without a server


def pairs(**clients: bool) -> set[str]:
    catalog = a_platform(with_tenant(REALM, clients=clients))
    return {one.key.name for one in handmade.desired(catalog)}


def test_a_template_that_says_nothing_of_clients_asks_for_no_policy() -> None:
    assert pairs() == set()
    assert pairs(pkce=False, secure_redirects=False, full_scope=True, password_login=True) == set()


def test_each_word_asks_for_the_pair_that_it_is_in() -> None:
    assert pairs(pkce=True) == pairs(secure_redirects=True) == {handmade.ADDRESSES}
    assert pairs(full_scope=False) == pairs(password_login=False) == {handmade.POWERS}
    assert pairs(**EVERYTHING) == set(BOTH)


def test_every_condition_has_its_configuration() -> None:
    """Without one Keycloak answers 500 to every client that anybody makes."""
    assert all(configuration for pair in handmade.CONDITIONS.values() for _, configuration in pair)


@pytest.mark.parametrize(("missing", "lacks"), [(handmade.PATTERN, True), ("consent-required", False)])
def test_a_server_that_does_not_know_a_check_is_told_before_the_first_write(missing: str, lacks: bool) -> None:
    catalog = a_platform(with_tenant(REALM, clients={"pkce": True, "secure_redirects": True}))
    known = {"pkce-enforcer", handmade.PATTERN, "consent-required"} - {missing}
    said = {"providers": {"client-policy-executor": {"providers": {name: {} for name in known}}}}
    server: Any = type("Server", (), {"session": type("Session", (), {"get": lambda self, where: said})()})()
    found = [one.detail for one in abilities.missing(server, catalog)]
    assert found == ([f"it has not got the check {missing} of clients that people make by hand"] if lacks else [])


# ---------------------------------------------------------------- on the real Keycloak


@pytest.fixture(scope="module")
def shared(keycloak_server: KeycloakServer) -> Iterator[tuple[World, Catalog]]:
    """A realm with nothing in it but what the template says."""
    for world in a_world(keycloak_server):
        catalog = world.here(a_platform(with_tenant(REALM, clients=EVERYTHING, step_up=None if OLD else 300)))
        world.apply(catalog)
        yield world, catalog


@pytest.fixture
def world(shared: tuple[World, Catalog]) -> Iterator[World]:
    world, _ = shared
    yield world
    for one in _clients(world):
        if one["clientId"].startswith("hand-made"):
            world.by_hand("DELETE", REALM, f"/clients/{one['id']}")


def _clients(world: World, name: str = "") -> list[Any]:
    found = world.get(REALM, f"/clients?clientId={name}" if name else "/clients")
    assert isinstance(found, list)
    return found


def _make(world: World, **said: object) -> requests.Response:
    """As an administrator makes a client in the console, which asks for full scope."""
    body = {"clientId": "hand-made", "fullScopeAllowed": True, **said}
    return world.server.by_hand("POST", f"/realms/{world.realm(REALM)}/clients", body)


def _lists(world: World) -> tuple[list[Any], list[Any]]:
    profiles = world.by_hand("GET", REALM, "/client-policies/profiles").json()["profiles"]
    return profiles, world.by_hand("GET", REALM, "/client-policies/policies").json()["policies"]


def _set(world: World, sort: str, found: list[Any]) -> None:
    world.by_hand("PUT", REALM, f"/client-policies/{sort}", {sort: found})


@pytest.mark.servers
def test_every_client_of_ours_passes_when_it_is_made_and_when_it_is_changed(keycloak_server: KeycloakServer) -> None:
    for world in a_world(keycloak_server):
        catalog, changed = world.here(platform()), world.here(platform(changed=True))
        empty = replace(catalog, tenants={name: replace(one, services=()) for name, one in catalog.tenants.items()})
        world.apply(empty)
        world.apply(catalog)
        assert told(world.plan(catalog)) == []
        plan = set(told(world.plan(changed)))
        assert {f"update client {REALM}.{name}" for name in ("desk", "own-machine", "keys", "batch")} <= plan
        world.apply(changed)
        assert told(world.plan(changed)) == []
        without = world.here(platform({}, changed=True))
        world.apply(without)
        assert told(world.plan(without)) == []


@pytest.mark.servers
@pytest.mark.skipif(OLD, reason="26.0 has no second level for a console")
def test_the_console_of_the_realm_is_held_to_its_level_under_the_policies(
    shared: tuple[World, Catalog], world: World
) -> None:
    _, catalog = shared
    (console,) = _clients(world, "security-admin-console")
    body = {"clientId": console["clientId"], "attributes": {"minimum.acr.value": ""}}
    world.by_hand("PUT", REALM, f"/clients/{console['id']}", body)
    assert told(world.plan(catalog)) == ["create console security-admin-console"]
    world.apply(catalog)
    (after,) = _clients(world, "security-admin-console")
    assert after["fullScopeAllowed"] is True  # the console administers by the roles of whoever signs in
    assert told(world.plan(catalog)) == []


ADDRESS = {"redirectUris": ["https://other.example.jp/cb"]}
REFUSED: dict[str, dict[str, object]] = {
    "http": {"redirectUris": ["http://other.example.jp/cb"]},
    "a wildcard": {"redirectUris": ["https://other.example.jp/*"]},
    "every address": {"redirectUris": ["*"]},
    "every page": {**ADDRESS, "webOrigins": ["*"]},
    "http in front of it": {"redirectUris": ["/realms/x/account/*"], "rootUrl": "http://other.example.jp"},
    "a name that begins as the loopback": {"redirectUris": ["http://localhost.example.jp/cb"]},
    "http after a logout": {**ADDRESS, "attributes": {"post.logout.redirect.uris": "http://other.example.jp/"}},
    "keys by http": {**ADDRESS, "attributes": {"jwks.url": "http://other.example.jp/keys"}},
}


@pytest.mark.servers
@pytest.mark.skipif(OLD, reason="26.0 does not know the check")
def test_a_client_with_an_address_that_others_may_have_is_refused(world: World) -> None:
    for name, said in REFUSED.items():
        answer = _make(world, **said)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata"), name
    for address in ("https://other.example.jp/cb", LOOPBACK, "http://127.0.0.1/cb", "http://[::1]:8400/cb"):
        assert _make(world, clientId=f"hand-made {address}", redirectUris=[address]).status_code == 201, address


def _powers(world: World, name: str = "hand-made") -> tuple[str | None, bool, bool]:
    (found,) = _clients(world, name)
    pkce = found["attributes"].get("pkce.code.challenge.method")
    return pkce, found["fullScopeAllowed"], found["directAccessGrantsEnabled"]


@pytest.mark.servers
def test_a_client_can_be_made_in_the_console_and_may_do_no_more_than_the_template_says(world: World) -> None:
    more = {"directAccessGrantsEnabled": True, "publicClient": True}
    assert _make(world, **ADDRESS, **more).status_code == 201
    assert _powers(world) == ("S256", False, False)
    (found,) = _clients(world, "hand-made")
    loose = {"fullScopeAllowed": True, "directAccessGrantsEnabled": True}
    body = {**found, **loose, "attributes": {**found["attributes"], "pkce.code.challenge.method": ""}}
    world.by_hand("PUT", REALM, f"/clients/{found['id']}", body)
    assert _powers(world) == ("S256", False, False)


@pytest.mark.servers
def test_a_client_that_registers_itself_is_held_to_the_same(world: World) -> None:
    once = world.by_hand("POST", REALM, "/clients-initial-access", {"count": 2, "expiration": 60}).json()["token"]
    where = f"{world.server.url}/realms/{world.realm(REALM)}/clients-registrations/default"
    header = {"Authorization": f"Bearer {once}"}
    body = {"clientId": "hand-made", "fullScopeAllowed": True, **ADDRESS}
    if not OLD:
        bad = {**body, "redirectUris": ["http://other.example.jp/cb"]}
        answer = requests.post(where, json=bad, headers=header, timeout=30)
        assert (answer.status_code, answer.json()["error_description"]) == (403, "invalid_client_metadata")
    assert requests.post(where, json=body, headers=header, timeout=30).status_code == 201
    assert _powers(world) == ("S256", False, False)


@pytest.mark.servers
def test_keycloaks_own_clients_can_still_be_changed_and_keep_what_they_live_by(world: World) -> None:
    for name in ("account", "account-console", "admin-cli", "broker", "security-admin-console"):
        (found,) = _clients(world, name)
        world.by_hand("PUT", REALM, f"/clients/{found['id']}", {**found, "description": "by hand"})
        (after,) = _clients(world, name)
        assert after["description"] == "by hand"
        assert after["fullScopeAllowed"] == found["fullScopeAllowed"]
        assert after["directAccessGrantsEnabled"] == found["directAccessGrantsEnabled"]


# ---------------------------------------------------------------- by hand


def _of(found: list[Any], name: str) -> Any:
    return next(one for one in found if one["name"] == name)


def a_profile_removed(world: World) -> None:
    """Its policy names what is not there, does nothing, and nobody is told."""
    _set(world, "profiles", [one for one in _lists(world)[0] if one["name"] != handmade.ADDRESSES])


def a_check_removed(world: World) -> None:
    profiles = _lists(world)[0]
    _of(profiles, handmade.ADDRESSES)["executors"].pop()
    _set(world, "profiles", profiles)


def a_check_that_sets_nothing(world: World) -> None:
    profiles = _lists(world)[0]
    _of(profiles, handmade.POWERS)["executors"][0]["configuration"] = {"auto-configure": False}
    _set(world, "profiles", profiles)


def a_policy_removed(world: World) -> None:
    _set(world, "policies", [one for one in _lists(world)[1] if one["name"] != handmade.POWERS])


def a_policy_switched_off(world: World) -> None:
    policies = _lists(world)[1]
    _of(policies, handmade.ADDRESSES)["enabled"] = False
    _set(world, "policies", policies)


def a_policy_that_is_never_asked(world: World) -> None:
    policies = _lists(world)[1]
    _of(policies, handmade.ADDRESSES)["conditions"] = []
    _set(world, "policies", policies)


def a_policy_that_is_asked_of_some(world: World) -> None:
    policies = _lists(world)[1]
    only = {"update-client-source": ["ByAnonymous"]}
    _of(policies, handmade.POWERS)["conditions"][0]["configuration"] = only
    _set(world, "policies", policies)


def a_policy_with_another_profile(world: World) -> None:
    profiles, policies = _lists(world)
    _set(world, "profiles", [*profiles, OTHERS])
    _of(policies, handmade.POWERS)["profiles"] = ["of-others"]
    _set(world, "policies", policies)


def everything_removed(world: World) -> None:
    _set(world, "policies", [])
    _set(world, "profiles", [])


OF_ADDRESSES, OF_POWERS = (f"update client-policy {name}" for name in BOTH)
WAYS: dict[tuple[Callable[[World], None], ...], list[str]] = {
    (a_policy_removed, a_profile_removed): [OF_ADDRESSES, OF_POWERS],
    (a_check_removed, a_check_that_sets_nothing): [OF_ADDRESSES, OF_POWERS],
    (a_policy_switched_off, a_policy_that_is_asked_of_some): [OF_ADDRESSES, OF_POWERS],
    (a_policy_that_is_never_asked, a_policy_with_another_profile): [OF_ADDRESSES, OF_POWERS],
    (everything_removed,): [f"create client-policy {name}" for name in BOTH],
}


@pytest.mark.servers
@pytest.mark.parametrize("edits", WAYS)
def test_what_no_longer_holds_clients_to_the_template_is_security_drift_and_mended(
    edits: tuple[Callable[[World], None], ...], shared: tuple[World, Catalog], world: World
) -> None:
    _, catalog = shared
    for edit in edits:
        edit(world)
    plan = world.plan(catalog)
    assert told(plan) == WAYS[edits]
    assert {plan.dangers[change.key] for change in plan} == {handmade.UNHELD}
    world.apply(catalog)
    assert told(world.plan(catalog)) == []
    if not OLD:
        assert _make(world, **REFUSED["http"]).status_code == 400
    assert _make(world, **ADDRESS).status_code == 201
    assert _powers(world) == ("S256", False, False)


@pytest.mark.servers
def test_what_others_have_put_there_stays_as_it_is_and_in_its_order(
    shared: tuple[World, Catalog], world: World
) -> None:
    _, catalog = shared
    realm = catalog.realms[world.realm(REALM)]
    last = {**OTHERS, "name": "last"}
    profiles, policies = ([one for one in found if one["name"] in BOTH] for found in _lists(world))
    _set(world, "profiles", [OTHERS, *profiles, last])
    _set(world, "policies", [THEIRS, *policies])
    assert told(world.plan(catalog)) == []
    for clients, left in (({"pkce": True}, {handmade.ADDRESSES}), ({}, set()), (EVERYTHING, set(BOTH))):
        said = replace(realm, baseline=replace(realm.baseline, clients=clients))
        other = replace(catalog, realms={**catalog.realms, realm.name: said})
        world.apply(other)
        assert told(world.plan(other)) == []
        now = _lists(world)
        assert [one for one in now[0] if one["name"] not in BOTH] == [OTHERS, last]
        assert [one for one in now[1] if one["name"] not in BOTH] == [THEIRS]
        assert [{one["name"] for one in found} & set(BOTH) for found in now] == [left, left]
