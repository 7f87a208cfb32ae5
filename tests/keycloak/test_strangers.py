"""Clients that are not ours, Keycloak's own among them: no way around the realm's login flow stays unseen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import Plan
from control_plane.engine.resource import Resource
from control_plane.keycloak import builtin, strangers
from tests.keycloak.conftest import World, told
from tests.keycloak.stage import PASSWORD, Stage

OVERRIDES = strangers.OVERRIDES
REALM, PERSON = "nasushiobara", "staff-01"  # a realm in which everybody must show a second factor


def test_a_client_that_is_switched_off_opens_nothing() -> None:
    found = {"id": "1", "clientId": "x", "enabled": False, OVERRIDES: {"browser": "2"}}
    assert strangers.client("nikko", found) is None


def test_everything_that_is_open_is_told_at_once_and_closed_by_one_request() -> None:
    flows = {"browser": "2", "direct_grant": ""}
    found = {"id": "1", "clientId": "x", OVERRIDES: flows, "implicitFlowEnabled": True}
    why, remove = strangers.client("nikko", {**found, "authorizationServicesEnabled": True}) or ("", "")
    assert why == "it goes around the realm's login flow; its tokens pass through addresses of the browser"
    method, path, body = remove.split(" ", 2)
    assert (method, path) == ("PUT", "/admin/realms/nikko/clients/1")
    assert json.loads(body) == {
        "clientId": "x",
        "authorizationServicesEnabled": True,  # else Keycloak deletes the client's authorization data
        OVERRIDES: {"browser": ""},
        "implicitFlowEnabled": False,
    }


# ---------------------------------------------------------------- on the real Keycloak


@pytest.fixture
def stage(common_world: tuple[World, Catalog]) -> Iterator[Stage]:
    world, catalog = common_world
    yield Stage(world, catalog)
    for one in _clients(world, "hand-made"):
        world.by_hand("DELETE", REALM, f"/clients/{one['id']}")


def _clients(world: World, name: str) -> list[Any]:
    found = world.get(REALM, f"/clients?clientId={name}")
    assert isinstance(found, list)
    return found


def _flow(world: World, alias: str) -> str:
    flows = world.get(REALM, "/authentication/flows")
    assert isinstance(flows, list)
    return next(str(one["id"]) for one in flows if one["alias"] == alias)


def _set(world: World, name: str, **fields: object) -> None:
    (found,) = _clients(world, name)
    kept = {strangers.KEPT: found[strangers.KEPT]} if strangers.KEPT in found else {}
    world.by_hand("PUT", REALM, f"/clients/{found['id']}", {"clientId": name, **kept, **fields})


def _told(plan: Plan) -> dict[str, Resource]:
    return {one.key.name: one for one in plan.unmanaged if one.key in plan.dangers}


def _send(world: World, found: Resource) -> None:
    assert found.remove
    method, path, body = found.remove.split(" ", 2)
    world.by_hand(method, REALM, path.removeprefix(f"/admin/realms/{world.realm(REALM)}"), json.loads(body))


def _with_a_password_alone(stage: Stage) -> requests.Response:
    url = f"{stage.world.server.url}/realms/{stage.world.realm(REALM)}/protocol/openid-connect/token"
    form = {"grant_type": "password", "client_id": "admin-cli", "username": PERSON, "password": PASSWORD}
    return requests.post(url, form, timeout=30)


@pytest.mark.servers
def test_admin_cli_gives_no_token_for_a_password_unless_a_flow_of_its_own_is_told_of(stage: Stage) -> None:
    world = stage.world
    people = world.get(REALM, f"/users?username={PERSON}&exact=true")
    assert isinstance(people, list)
    password = {"type": "password", "value": PASSWORD, "temporary": False}
    world.by_hand("PUT", REALM, f"/users/{people[0]['id']}/reset-password", password)
    (found,) = _clients(world, "admin-cli")
    assert found["directAccessGrantsEnabled"]
    assert _with_a_password_alone(stage).status_code == 401
    assert _told(world.plan(stage.catalog)) == {}

    _set(world, "admin-cli", **{OVERRIDES: {"direct_grant": _flow(world, "direct grant")}})
    assert _with_a_password_alone(stage).status_code == 200
    plan = world.plan(stage.catalog)
    assert told(plan) == []
    assert {name: one.danger for name, one in _told(plan).items()} == {
        "admin-cli": "it goes around the realm's login flow"
    }
    _send(world, _told(plan)["admin-cli"])
    assert _with_a_password_alone(stage).status_code == 401
    assert _told(world.plan(stage.catalog)) == {}


@pytest.mark.servers
def test_every_client_of_keycloaks_own_that_people_sign_in_through_is_judged(stage: Stage) -> None:
    world, stock = stage.world, _flow(stage.world, "browser")
    own = {"account", "account-console", "security-admin-console"}
    assert own <= builtin.CLIENTS
    for name in own:
        _set(world, name, **{OVERRIDES: {"browser": stock}})
    found = _told(world.plan(stage.catalog))
    assert found.keys() == own
    for one in found.values():
        _send(world, one)
    assert _told(world.plan(stage.catalog)) == {}


@pytest.mark.servers
def test_a_client_of_others_is_told_by_what_it_opens(stage: Stage) -> None:
    world = stage.world
    world.by_hand("POST", REALM, "/clients", {"clientId": "hand-made", "secret": "s"})
    assert _told(world.plan(stage.catalog)) == {}
    _set(world, "hand-made", directAccessGrantsEnabled=True, implicitFlowEnabled=True)
    found = _told(world.plan(stage.catalog))
    assert {name: one.danger for name, one in found.items()} == {
        "hand-made": "it may sign people in with a password alone; its tokens pass through addresses of the browser"
    }
    world.apply(stage.catalog)
    assert _clients(world, "hand-made")[0]["implicitFlowEnabled"]  # never touched
    _send(world, found["hand-made"])
    assert _told(world.plan(stage.catalog)) == {}


# ---------------------------------------------------------------- the scope that every client of ours has


def _mapper(name: str, claim: str) -> dict[str, Any]:
    config = {"claim.name": claim, "claim.value": "forged", "access.token.claim": "true", "jsonType.label": "String"}
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": config,
    }


@pytest.mark.servers
def test_a_mapper_in_keycloaks_own_scope_that_forges_whose_a_token_is_is_told_until_it_is_gone(stage: Stage) -> None:
    world = stage.world
    scopes = world.get(REALM, "/client-scopes")
    assert isinstance(scopes, list)
    basic = next(one for one in scopes if one["name"] == "basic")
    models = f"/client-scopes/{basic['id']}/protocol-mappers/models"
    assert _told(world.plan(stage.catalog)) == {}, "Keycloak's own mappers are none of it"
    for claim in ("azp", "sub"):
        world.by_hand("POST", REALM, models, _mapper(f"made-{claim}", claim))
    note = next(one for one in basic["protocolMappers"] if one["name"] == "auth_time")
    turned = {**note, "config": {**note["config"], "claim.name": "aud"}}
    world.by_hand("PUT", REALM, f"{models}/{note['id']}", turned)

    for left in (["auth_time", "made-azp", "made-sub"], ["made-azp", "made-sub"], ["made-sub"]):
        plan = world.plan(stage.catalog)
        found = _told(plan)
        assert told(plan) == [] and found.keys() == {"basic"}
        assert str(found["basic"].danger).endswith(f"write into tokens: {', '.join(left)}")
        method, path = str(found["basic"].remove).split(" ")
        world.by_hand(method, REALM, path.removeprefix(f"/admin/realms/{world.realm(REALM)}"))
    assert _told(world.plan(stage.catalog)) == {}
