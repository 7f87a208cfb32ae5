"""Clients and scopes that are not ours, Keycloak's own among them: no way around the login flow and no forged token."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import Plan
from control_plane.engine.resource import Resource
from control_plane.keycloak import builtin, forging, mappers, strangers
from control_plane.kong.policies import guard
from tests.keycloak.conftest import World, told
from tests.keycloak.platforms import OLD
from tests.keycloak.stage import PASSWORD, Stage

OVERRIDES = strangers.OVERRIDES
REALM, PERSON = "nasushiobara", "staff-01"  # a realm in which everybody must show a second factor


def test_a_client_that_is_switched_off_opens_nothing() -> None:
    found = {"id": "1", "clientId": "x", "enabled": False, OVERRIDES: {"browser": "2"}}
    assert strangers.client("nikko", found, "tochigi") is None


def test_everything_that_is_open_is_told_at_once_and_closed_by_one_request() -> None:
    flows = {"browser": "2", "direct_grant": ""}
    found = {"id": "1", "clientId": "x", OVERRIDES: flows, "implicitFlowEnabled": True}
    why, remove = strangers.client("nikko", {**found, "authorizationServicesEnabled": True}, "tochigi") or ("", "")
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
    method, path, *body = found.remove.split(" ", 2)
    sent = json.loads(body[0]) if body else None
    world.by_hand(method, REALM, path.removeprefix(f"/admin/realms/{world.realm(REALM)}"), sent)


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


# ---------------------------------------------------------------- mappers that forge


def _mapper(name: str, sort: str, **config: str) -> dict[str, Any]:
    """As an administrator makes it in the console; a name in the settings has `_` for `.`."""
    says = {"access.token.claim": "true", "jsonType.label": "String"}
    says |= {key.replace("_", "."): value for key, value in config.items()}
    return {"name": name, "protocol": "openid-connect", "protocolMapper": f"oidc-{sort}-mapper", "config": says}


def _claim(name: str, value: str = "forged", **config: str) -> dict[str, Any]:
    return _mapper("made", "hardcoded-claim", claim_name=name, claim_value=value, **config)


PREFIXED = {"usermodel.realmRoleMapping.rolePrefix": "more-"}
FORGING: tuple[tuple[dict[str, Any], str], ...] = (
    *((_claim(name), name) for name in ("sub", "azp", "aud", "service", "sid", "acr", "client_id")),
    (_claim("data.road", "true", jsonType_label="boolean"), "data"),
    (_claim("realm_access", '{"roles": ["forged"]}', jsonType_label="JSON"), "realm_access"),
    (_claim("azp."), "azp"),
    (_claim(r"\azp"), "azp"),
    (_claim(r"realm\_access.roles"), "realm_access"),
    (_mapper("made", "usermodel-property", claim_name="azp", user_attribute="username"), "azp"),
    (_mapper("made", "usersessionmodel-note", claim_name="service", user_session_note="clientAddress"), "service"),
    (_mapper("made", "usermodel-realm-role", claim_name="realm_access.roles", **PREFIXED), "realm_access"),
)
HARMLESS: tuple[dict[str, Any], ...] = (
    _claim("department"),
    _claim(".azp"),
    _claim(r"azp\.x"),
    _claim("AZP"),
    _mapper("made", "usermodel-realm-role", claim_name="realm_access.roles", multivalued="true"),
    _mapper("made", "usersessionmodel-note", claim_name="client_id", user_session_note="client_id"),
    _mapper("made", "audience", included_custom_audience="an application of others"),
    _mapper("made", "sub"),
)
GUARD = ("token.lua", "data.lua", "decide.lua")


def test_every_claim_that_the_guard_looks_at_is_one_that_no_mapper_of_others_may_write() -> None:
    code = "".join((Path(guard.__file__).parent.parent / "guard" / name).read_text("utf-8") for name in GUARD)
    assert {"azp", "aud", "service", "data"} <= set(re.findall(r"\bclaims\.(\w+)", code)) <= forging.CLAIMS


@pytest.mark.parametrize(("mapper", "what"), FORGING, ids=str)
def test_a_mapper_that_forges_is_known_by_what_it_writes(mapper: dict[str, Any], what: str) -> None:
    assert [said for said, _ in forging.of("tochigi", [mapper])] == [f"made ({what})"]


def test_an_audience_is_forged_where_it_is_the_platforms_and_a_role_whichever_it_is() -> None:
    made = [
        _mapper("a", "audience", included_custom_audience="tochigi"),
        _mapper("b", "audience", included_client_audience="tochigi"),
        _mapper("c", "hardcoded-role", role="data-user"),
        _mapper("d", "role-name", role="viewer", new_role_name="data-user"),
        {**_mapper("e", ""), "protocolMapper": "script-of-somebody.js"},
        {"name": "f", "protocol": "saml", "protocolMapper": "saml-user-attribute-mapper", "config": {}},
    ]
    assert [said for said, _ in forging.of("tochigi", made)] == [
        "a (aud tochigi)",
        "b (aud tochigi)",
        "c (a role that nobody gave)",
        "d (a role by another name)",
        "e (of a kind that is not known: script-of-somebody.js)",
    ]


@pytest.mark.parametrize("mapper", HARMLESS, ids=str)
def test_a_mapper_that_writes_what_is_true_or_what_nobody_goes_by_is_none_of_them(mapper: dict[str, Any]) -> None:
    assert forging.of("tochigi", [mapper]) == []


@pytest.mark.servers
def test_every_kind_of_mapper_that_keycloak_has_is_known(stage: Stage) -> None:
    info = stage.world.server.by_hand("GET", "/serverinfo").json()
    kinds = {one["id"] for one in info["protocolMapperTypes"]["openid-connect"]}
    assert kinds <= forging.NAMED | forging.TRUE | {forging.AUDIENCE} | forging.ROLES.keys()


def _writes(stage: Stage, mapper: dict[str, Any]) -> dict[str, Any]:
    """What stands in the token that a client with this mapper, and its own id besides, gets for itself."""
    world = stage.world
    for one in _clients(world, "hand-made"):
        world.by_hand("DELETE", REALM, f"/clients/{one['id']}")
    body = {
        "clientId": "hand-made",
        "secret": "s",
        "serviceAccountsEnabled": True,
        "defaultClientScopes": ["basic"],
        "protocolMappers": [mapper],
    }
    world.by_hand("POST", REALM, "/clients", body)
    (made,) = _clients(world, "hand-made")
    for scope in world.by_hand("GET", REALM, f"/clients/{made['id']}/default-client-scopes").json():
        if scope["name"] != "basic":
            world.by_hand("DELETE", REALM, f"/clients/{made['id']}/default-client-scopes/{scope['id']}")
    url = f"{world.server.url}/realms/{world.realm(REALM)}/protocol/openid-connect/token"
    form = {"grant_type": "client_credentials", "client_id": "hand-made", "client_secret": "s"}
    token = requests.post(url, form, timeout=30).json()["access_token"]
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest.mark.servers
def test_what_is_told_as_forging_does_forge_and_what_is_not_does_not(stage: Stage) -> None:
    true = _writes(stage, _claim("department"))
    for mapper, claim in FORGING:
        if OLD and claim == "client_id":
            continue  # there Keycloak gives each client a mapper of its own for it, which writes last
        assert _writes(stage, mapper).get(claim) != true.get(claim), mapper
    for mapper in HARMLESS:
        found = _writes(stage, mapper)
        assert (found["azp"], found.get("service")) == ("hand-made", None)
        assert "tochigi" not in str(found.get("aud")) and "more-" not in str(found.get("realm_access"))


@pytest.mark.servers
def test_a_scope_of_others_that_forges_is_told_and_keycloaks_own_are_not(stage: Stage) -> None:
    world = stage.world
    assert _told(world.plan(stage.catalog)) == {}
    made = {"name": "hand-made", "protocol": "openid-connect", "protocolMappers": [_claim("azp")]}
    world.by_hand("POST", REALM, "/client-scopes", made)
    scopes = world.by_hand("GET", REALM, "/client-scopes").json()
    profile = next(one for one in scopes if one["name"] == "profile")
    world.by_hand("POST", REALM, f"/client-scopes/{profile['id']}/protocol-mappers/models", _claim("sub"))
    found = _told(world.plan(stage.catalog))
    assert {name: str(one.danger).rpartition(": ")[2] for name, one in found.items()} == {
        "hand-made": "made (azp)",
        "profile": "made (sub)",
    }
    world.apply(stage.catalog)
    assert _told(world.plan(stage.catalog)).keys() == found.keys()  # never touched
    for one in found.values():
        _send(world, one)
    assert _told(world.plan(stage.catalog)) == {}
    scope = next(one for one in scopes if one["name"] == "hand-made")
    world.by_hand("DELETE", REALM, f"/client-scopes/{scope['id']}")


@pytest.mark.servers
def test_a_scope_that_forges_and_carries_our_mark_is_security_drift_and_goes(stage: Stage) -> None:
    world = stage.world
    more, old = {**_claim("azp"), "name": "claim"}, mappers.body("claim", mappers.claim("data.old"))
    for name, mapper in (("data.more", more), ("data.old", old)):
        mark = {"renkei.platform": world.platform}
        made = {"name": name, "protocol": "openid-connect", "attributes": mark, "protocolMappers": [mapper]}
        world.by_hand("POST", REALM, "/client-scopes", made)
    plan = world.plan(stage.catalog)
    assert told(plan) == ["delete scope data.more", "delete scope data.old"]
    assert {key.name: why.rpartition(": ")[2] for key, why in plan.dangers.items()} == {"data.more": "claim (azp)"}
    world.apply(stage.catalog)
    assert told(world.plan(stage.catalog)) == []


@pytest.mark.servers
def test_a_role_of_ours_that_passes_for_another_one_in_tokens_is_security_drift(stage: Stage) -> None:
    world = stage.world
    scope = next(one for one in world.by_hand("GET", REALM, "/client-scopes").json() if one["name"] == "renkei-gateway")
    roles = next(one for one in scope["protocolMappers"] if one["name"] == "roles")
    changed = {**roles, "config": {**roles["config"], **PREFIXED}}
    where = f"/client-scopes/{scope['id']}/protocol-mappers/models/{roles['id']}"
    world.by_hand("PUT", REALM, where, changed)
    plan = world.plan(stage.catalog)
    assert told(plan) == ["update scope renkei-gateway"]
    assert [key.name for key in plan.dangers] == ["renkei-gateway"]
    world.apply(stage.catalog)
    assert told(world.plan(stage.catalog)) == []


# ---------------------------------------------------------------- the scope that every client of ours has


@pytest.mark.servers
def test_a_mapper_in_keycloaks_own_scope_that_forges_whose_a_token_is_is_told_until_it_is_gone(stage: Stage) -> None:
    world = stage.world
    scopes = world.get(REALM, "/client-scopes")
    assert isinstance(scopes, list)
    basic = next(one for one in scopes if one["name"] == "basic")
    models = f"/client-scopes/{basic['id']}/protocol-mappers/models"
    assert _told(world.plan(stage.catalog)) == {}, "Keycloak's own mappers are none of it"
    for claim in ("azp", "sub"):
        world.by_hand("POST", REALM, models, {**_claim(claim), "name": f"made-{claim}"})
    note = next(one for one in basic["protocolMappers"] if one["name"] == "auth_time")
    turned = {**note, "config": {**note["config"], "claim.name": "aud"}}
    world.by_hand("PUT", REALM, f"{models}/{note['id']}", turned)

    for left in (["auth_time", "made-azp", "made-sub"], ["made-azp", "made-sub"], ["made-sub"]):
        plan = world.plan(stage.catalog)
        found = _told(plan)
        assert told(plan) == [] and found.keys() == {"basic"}
        assert str(found["basic"].danger).endswith(f"write into tokens: {', '.join(left)}")
        _send(world, found["basic"])
    assert _told(world.plan(stage.catalog)) == {}
