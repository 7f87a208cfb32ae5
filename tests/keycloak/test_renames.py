"""Another user name, another tenant, another realm: what stays of an account, on the real Keycloak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.keycloak import renames
from control_plane.problems import Refused
from tests.building import Part, a_platform, with_group, with_role, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.conftest import World, a_world, told

pytestmark = pytest.mark.servers
REALM, OTHER = "tochigi", "nasushiobara"


def platform(*people: Part, edit_username: bool = True) -> Catalog:
    return a_platform(
        with_role("viewer"),
        with_tenant(REALM, mfa=MfaMode.BY_ROLE, login={"edit_username": edit_username}),
        with_tenant("nikko", in_realm_of=REALM),
        with_tenant(OTHER, mfa=MfaMode.BY_ROLE),
        with_group("road", tenant=REALM, roles=["viewer"]),
        with_group("viewers", tenant="nikko", roles=["viewer"]),
        *people,
    )


@pytest.fixture(scope="module")
def shared(keycloak_server: KeycloakServer) -> Iterator[World]:
    for world in a_world(keycloak_server):
        world.apply(world.here(platform()))
        yield world


@pytest.fixture
def world(shared: World) -> Iterator[World]:
    yield shared
    for realm in (REALM, OTHER):
        for one in _users(shared, realm):
            shared.by_hand("DELETE", realm, f"/users/{one['id']}")


def _users(world: World, realm: str = REALM) -> list[dict[str, Any]]:
    found = world.get(realm, "/users?max=100")
    assert isinstance(found, list)
    return found


def _groups(world: World, id: str) -> list[str]:
    found = world.get(REALM, f"/users/{id}/groups")
    assert isinstance(found, list)
    return [one["path"] for one in found]


def test_who_gets_another_user_name_keeps_the_account_with_its_password(world: World) -> None:
    world.apply(world.here(platform(with_user("staff-01", tenant=REALM, groups=["road"]))))
    (before,) = _users(world)
    body = {"type": "password", "value": "correct horse battery staple", "temporary": False}
    world.by_hand("PUT", REALM, f"/users/{before['id']}/reset-password", body)
    more = {"previously": "staff-01", "email": "staff-01@example.jp", "family_name": "日光"}
    renamed = with_user("staff-02", tenant=REALM, groups=["road"], **more)
    catalog = world.here(platform(renamed))
    (change,) = world.plan(catalog)
    assert change.have.key.name == "staff-01"  # type: ignore[union-attr]
    world.apply(catalog)
    (after,) = _users(world)
    assert (after["id"], after["username"], after["lastName"]) == (before["id"], "staff-02", "日光")
    assert after["email"] == before["email"]
    credentials = world.get(REALM, f"/users/{after['id']}/credentials")
    assert isinstance(credentials, list)
    assert [one["type"] for one in credentials] == ["password"]
    assert _groups(world, after["id"]) == ["/tochigi/road"]
    assert told(world.plan(catalog)) == []
    closed = world.here(platform(renamed, edit_username=False))
    assert told(world.plan(closed)) == [f"update realm {world.realm(REALM)}"]


def test_a_rename_that_the_realm_does_not_allow_is_refused_before_any_write(world: World) -> None:
    closed = world.here(platform(with_user("staff-01", tenant=REALM), edit_username=False))
    world.apply(closed)
    renamed = with_user("staff-02", tenant=REALM, previously="staff-01", email="staff-01@example.jp")
    with pytest.raises(Refused, match="staff-01 cannot be renamed to staff-02: the realm lets no user name change"):
        world.plan(world.here(platform(renamed, edit_username=False)))
    world.apply(world.here(platform(renamed)))  # the realm allows it in the same apply
    assert [one["username"] for one in _users(world)] == ["staff-02"]


def test_who_comes_back_under_another_name_has_the_account_from_before(world: World) -> None:
    world.apply(world.here(platform(with_user("staff-01", tenant=REALM))))
    world.apply(world.here(platform()))
    (left,) = _users(world)
    back = with_user("staff-02", tenant=REALM, previously="staff-01", email="staff-01@example.jp")
    world.apply(world.here(platform(back)))
    (found,) = _users(world)
    assert (found["id"], found["enabled"], found["username"]) == (left["id"], True, "staff-02")
    assert "renkei-left" not in found["attributes"]


def test_on_a_platform_that_never_knew_the_former_name_it_is_a_new_account(world: World) -> None:
    catalog = world.here(platform(with_user("staff-02", tenant=REALM, previously="staff-01")))
    assert told(world.plan(catalog)) == ["create user staff-02"]


def test_who_goes_to_another_tenant_of_the_realm_keeps_the_account_and_loses_the_groups(world: World) -> None:
    world.apply(world.here(platform(with_user("staff-01", tenant=REALM, groups=["road"]))))
    (before,) = _users(world)
    moved = world.here(platform(with_user("staff-01", tenant="nikko", groups=["viewers"])))
    assert list(renames.notes(world.plan(moved))) == []
    world.apply(moved)
    (after,) = _users(world)
    assert after["id"] == before["id"]
    assert after["attributes"]["renkei.tenant"] == ["nikko"]
    assert _groups(world, after["id"]) == ["/nikko/viewers"]
    assert told(world.plan(moved)) == []


@pytest.mark.parametrize("name", ["staff-01", "nasu-01"], ids=["by user name", "by e-mail address"])
def test_who_goes_to_another_realm_has_a_new_account_and_the_plan_says_so(world: World, name: str) -> None:
    world.apply(world.here(platform(with_user("staff-01", tenant=REALM))))
    elsewhere = world.here(platform(with_user(name, tenant=OTHER, email="staff-01@example.jp")))
    plan = world.plan(elsewhere)
    (note,) = renames.notes(plan)
    assert note.startswith(
        f"staff-01 leaves realm {world.realm(REALM)} and gets a new account {name} in realm {world.realm(OTHER)}"
    )
    world.apply(elsewhere)
    assert [one["enabled"] for realm in (REALM, OTHER) for one in _users(world, realm)] == [False, True]


@pytest.mark.parametrize("left", [False, True], ids=["of others", "of ours who left"])
def test_an_address_that_another_account_has_is_refused_before_any_write(world: World, left: bool) -> None:
    if left:
        world.apply(world.here(platform(with_user("staff-01", tenant=REALM))))
        world.apply(world.here(platform()))
    else:
        body = {
            "username": "staff-01",
            "enabled": True,
            "email": "Staff-01@example.jp",
            "firstName": "a",
            "lastName": "b",
        }
        world.by_hand("POST", REALM, "/users", body)
    same = world.here(platform(with_user("staff-02", tenant=REALM, email="staff-01@example.jp")))
    who = f"the e-mail address of staff-02 is that of account staff-01 of realm {world.realm(REALM)}"
    with pytest.raises(Refused, match=who) as caught:
        world.plan(same)
    assert "staff-01@example.jp" not in str(caught.value.problems)
    other = world.here(platform(with_user("staff-02", tenant=REALM)))
    world.apply(other)
    with pytest.raises(Refused, match=who):
        world.plan(same)  # the account is there, and gets another address
    assert {one["username"] for one in _users(world)} == {"staff-01", "staff-02"}


def test_two_different_people_who_come_and_go_are_not_taken_for_one(world: World) -> None:
    world.apply(world.here(platform(with_user("staff-01", tenant=REALM))))
    assert list(renames.notes(world.plan(world.here(platform(with_user("staff-02", tenant=OTHER)))))) == []
