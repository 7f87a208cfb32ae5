"""Whoever administers a realm of ours, by whichever way up, is told with the request that ends it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.engine.plan import Plan
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak import power
from tests.keycloak.conftest import World, told
from tests.keycloak.platforms import a_small_platform

REALM = "nasushiobara"


@pytest.mark.parametrize("name", sorted(power.HARMLESS))
def test_a_role_that_only_looks_at_settings_is_no_power(name: str) -> None:
    assert power.why("nikko-01", frozenset({name})) is None


def test_a_role_that_nobody_knows_is_one() -> None:
    assert power.why("nikko-01", frozenset({"manage-moon"})) == "nikko-01 may act as realm-management manage-moon"


def test_the_sentence_names_everything_that_is_given() -> None:
    said = power.why("nikko-01", frozenset({"view-users", "manage-events", "view-realm"}))
    assert said == (
        "nikko-01 may switch the records of logins and changes off; read the data of everybody in the realm"
    )


# ---------------------------------------------------------------- on the real Keycloak


@pytest.fixture
def realm(applied: World) -> Iterator[World]:
    """What a test makes by hand has no mark: it is removed by hand too."""
    yield applied
    for kind, named in (("groups", "name"), ("users", "username"), ("roles", "name"), ("clients", "clientId")):
        for one in _all(applied, f"/{kind}?max=100"):
            if str(one[named]).startswith("hand-") and kind != "roles":
                applied.by_hand("DELETE", REALM, f"/{kind}/{one['id']}")
            elif str(one[named]).startswith("hand-"):
                applied.by_hand("DELETE", REALM, f"/roles/{one[named]}")


def _all(world: World, path: str) -> list[Any]:
    found = world.get(REALM, path)
    assert isinstance(found, list)
    return found


def _power(world: World, name: str) -> tuple[str, dict[str, str]]:
    """The client of the administration, and one of its roles as mappings take it."""
    client = str(_all(world, f"/clients?clientId={power.CLIENT}")[0]["id"])
    role = world.get(REALM, f"/clients/{client}/roles/{name}")
    assert isinstance(role, dict)
    return client, {"id": str(role["id"]), "name": name}


def _give(world: World, name: str, to: str) -> None:
    client, role = _power(world, name)
    world.by_hand("POST", REALM, f"/{to}/role-mappings/clients/{client}", [role])


def _user(world: World, name: str) -> str:
    return str(_all(world, f"/users?username={name}&exact=true")[0]["id"])


def _new_role(world: World, name: str, part: dict[str, str]) -> dict[str, str]:
    """A composite role made by hand, as others include it."""
    world.by_hand("POST", REALM, "/roles", {"name": name})
    role = world.get(REALM, f"/roles/{name}")
    assert isinstance(role, dict)
    world.by_hand("POST", REALM, f"/roles-by-id/{role['id']}/composites", [part])
    return {"id": str(role["id"]), "name": name}


def _plan(world: World) -> Plan:
    return world.plan(world.here(a_small_platform()))


def _told(world: World, plan: Plan) -> dict[str, Resource]:
    """Security drift among what is not ours, by kind and name."""
    found = {one.key: one for one in plan.unmanaged if one.key in plan.dangers}
    assert all(key.within == world.realm(REALM) for key in found)
    return {f"{key.kind} {key.name}": one for key, one in found.items()}


def _send(world: World, found: Resource) -> None:
    """The request that the report shows, as a person would send it."""
    assert found.remove
    method, path, *body = found.remove.split(" ", 2)
    prefix = f"/admin/realms/{world.realm(REALM)}"
    assert path.startswith(prefix)
    world.by_hand(method, REALM, path.removeprefix(prefix), json.loads(body[0]) if body else None)


@pytest.mark.servers
def test_a_realm_that_was_just_made_has_no_administrator_of_its_own(realm: World) -> None:
    assert _told(realm, _plan(realm)) == {}


@pytest.mark.servers
def test_every_direct_holder_is_told_and_no_apply_takes_the_last_administrator_away(realm: World) -> None:
    world = realm
    world.by_hand("POST", REALM, "/users", {"username": "hand-admin", "enabled": True})
    world.by_hand("POST", REALM, "/clients", {"clientId": "hand-robot", "secret": "s", "serviceAccountsEnabled": True})
    _give(world, "realm-admin", f"users/{_user(world, 'hand-admin')}")
    _give(world, "impersonation", f"users/{_user(world, 'service-account-hand-robot')}")
    _give(world, "manage-users", f"users/{_user(world, 'staff-01')}")  # a person of ours
    _give(world, "view-realm", f"users/{_user(world, 'staff-02')}")

    plan = _plan(world)
    assert told(plan) == []
    found = _told(world, plan)
    assert {name: one.danger for name, one in found.items()} == {
        "keycloak.administrator hand-admin realm-admin": "hand-admin may do everything in the realm",
        "keycloak.administrator service-account-hand-robot impersonation": (
            "service-account-hand-robot may sign in as anybody, administrators too"
        ),
        "keycloak.administrator staff-01 manage-users": (
            "staff-01 may reset any password and join any group, and so get every right in the realm"
        ),
    }
    world.apply(world.here(a_small_platform()))
    assert _told(world, _plan(world)).keys() == found.keys()
    for one in found.values():
        _send(world, one)
    assert _told(world, _plan(world)) == {}


@pytest.mark.servers
def test_a_group_that_carries_power_is_told_wherever_it_stands(realm: World) -> None:
    world = realm
    world.by_hand("POST", REALM, "/groups", {"name": "hand-top"})
    top = next(one["id"] for one in _all(world, "/groups") if one["name"] == "hand-top")
    world.by_hand("POST", REALM, f"/groups/{top}/children", {"name": "below"})
    below = _all(world, f"/groups/{top}/children")[0]["id"]
    _give(world, "manage-clients", f"groups/{below}")
    found = _told(world, _plan(world))
    assert {name: one.danger for name, one in found.items()} == {
        "keycloak.group /hand-top/below": ("whoever is in it or below it may change every client and read its secret")
    }
    _send(world, found["keycloak.group /hand-top/below"])
    assert _told(world, _plan(world)) == {}


@pytest.mark.servers
def test_a_role_that_carries_power_is_told_and_so_is_ours_that_includes_it(realm: World) -> None:
    world = realm
    _, admin = _power(world, "realm-admin")
    inner = _new_role(world, "hand-inner", admin)
    ours = world.get(REALM, "/roles/dashboard-viewer")
    assert isinstance(ours, dict)
    world.by_hand("POST", REALM, f"/roles-by-id/{ours['id']}/composites", [inner])

    plan = _plan(world)
    found = _told(world, plan)
    assert {name: one.danger for name, one in found.items()} == {
        "keycloak.composite hand-inner": "whoever has the role may do everything in the realm"
    }
    assert told(plan) == ["update composite dashboard-viewer"]
    assert plan.dangers[Key("keycloak.composite", world.realm(REALM), "dashboard-viewer")]
    world.apply(world.here(a_small_platform()))
    _send(world, found["keycloak.composite hand-inner"])
    plan = _plan(world)
    assert (told(plan), _told(world, plan)) == ([], {})
