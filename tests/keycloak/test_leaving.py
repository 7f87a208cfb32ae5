"""Somebody leaves, on the real Keycloak: disabled with the day of it, kept, deletable when the time is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, MfaMode, People
from control_plane.engine.apply import Done, Failed, apply
from control_plane.engine.read import have
from control_plane.engine.resource import Key
from control_plane.keycloak import leaving, target
from control_plane.problems import Refused
from tests.building import NOON, ZONE, Part, a_platform, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.conftest import World, a_world, told

pytestmark = pytest.mark.servers
REALM = "tochigi"
A_YEAR_LATER = datetime(2027, 10, 5, 0, 0, 1, tzinfo=ZONE)
THE_DAY_BEFORE = datetime(2027, 10, 4, 23, 59, 59, tzinfo=ZONE)


def platform(*people: str, at: datetime = NOON, keep_days: int | None = 365) -> Catalog:
    parts: list[Part] = [with_user(name, tenant=REALM) for name in ("stays", *people)]
    return a_platform(with_tenant(REALM, mfa=MfaMode.BY_ROLE, people=People(keep_days)), *parts, at=at)


@pytest.fixture(scope="module")
def shared(keycloak_server: KeycloakServer) -> Iterator[World]:
    for world in a_world(keycloak_server):
        world.apply(world.here(platform()))
        yield world


@pytest.fixture
def world(shared: World) -> Iterator[World]:
    """Whoever a test has made, by itself or by hand, is gone afterwards."""
    yield shared
    for one in _users(shared, ""):
        if one["username"] != "stays":
            shared.by_hand("DELETE", REALM, f"/users/{one['id']}")


def _users(world: World, query: str) -> list[dict[str, Any]]:
    found = world.get(REALM, f"/users?max=100{query}")
    assert isinstance(found, list)
    return found


def _user(world: World, name: str) -> dict[str, Any]:
    return _users(world, f"&username={name}&exact=true")[0]


def _left(world: World, name: str) -> list[str] | None:
    return (_user(world, name).get("attributes") or {}).get("renkei-left")


def _due(world: World, catalog: Catalog) -> list[str]:
    here = world.here(catalog)
    found = {key: one for key, one in have([target(world.keycloak(here))]).items() if key.within in here.realms}
    return [key.name for key in leaving.due(here, found)]


def _leaves(world: World, *names: str) -> None:
    world.apply(world.here(platform(*names)))
    world.apply(world.here(platform()))


def test_who_leaves_is_disabled_with_the_day_of_it_and_the_next_plan_is_empty(world: World) -> None:
    _leaves(world, "leaver")
    assert _user(world, "leaver")["enabled"] is False
    assert _left(world, "leaver") == ["2026-10-05"]
    assert _user(world, "leaver")["firstName"]  # nothing else of the account is lost
    assert told(world.plan(world.here(platform(at=A_YEAR_LATER)))) == []


def test_the_mark_is_for_administrators_alone(world: World) -> None:
    profile = world.get(REALM, "/users/profile")
    assert isinstance(profile, dict)
    (found,) = [one for one in profile["attributes"] if one["name"] == "renkei-left"]
    assert found["permissions"] == {"view": ["admin"], "edit": ["admin"]}


def test_who_comes_back_has_no_mark_any_more(world: World) -> None:
    _leaves(world, "leaver")
    world.apply(world.here(platform("leaver")))
    assert _left(world, "leaver") is None
    assert _user(world, "leaver")["enabled"] is True


def test_nobody_may_be_deleted_before_the_time_is_over_and_never_where_there_is_none(world: World) -> None:
    _leaves(world, "leaver")
    assert _due(world, platform(at=THE_DAY_BEFORE)) == []
    assert _due(world, platform(at=A_YEAR_LATER)) == ["leaver"]
    assert _due(world, platform(at=A_YEAR_LATER, keep_days=None)) == []


def test_who_may_be_deleted_stays_until_it_is_asked_for(world: World) -> None:
    _leaves(world, "leaver")
    later = world.here(platform(at=A_YEAR_LATER))
    assert told(world.plan(later)) == []
    client = world.keycloak(later)
    plan = world.plan(later, client, delete_people=True)
    assert told(plan) == ["delete user leaver"]
    world.make(plan, client)
    assert [one["username"] for one in _users(world, "")] == ["stays"]
    assert told(world.plan(later, delete_people=True)) == []


def test_a_delete_that_is_made_twice_is_no_error(world: World) -> None:
    _leaves(world, "leaver")
    later = world.here(platform(at=A_YEAR_LATER))
    client = world.keycloak(later)
    plan = world.plan(later, client, delete_people=True)
    assert [type(apply(plan, [target(client)])[0]) for _ in range(2)] == [Done, Done]


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": True},
        {"attributes": {"renkei.platform": ["tochigi"]}},
        {"attributes": {"renkei-left": ["2026-10-05"]}},
    ],
    ids=["switched on", "no longer marked as left", "no longer ours"],
)
def test_who_was_changed_since_the_plan_is_not_deleted(world: World, change: dict[str, Any]) -> None:
    _leaves(world, "leaver")
    later = world.here(platform(at=A_YEAR_LATER))
    client = world.keycloak(later)
    plan = world.plan(later, client, delete_people=True)
    world.by_hand("PUT", REALM, f"/users/{_user(world, 'leaver')['id']}", change)
    (outcome,) = apply(plan, [target(client)])
    assert isinstance(outcome, Failed)
    assert "is not deleted" in outcome.problems[0].message
    assert _user(world, "leaver")


def test_an_account_of_others_is_never_due_whatever_its_attributes_say(world: World) -> None:
    body = {"username": "by-hand", "enabled": False, "attributes": {"renkei-left": ["2020-01-01"]}}
    world.by_hand("POST", REALM, "/users", body)
    assert _due(world, platform()) == []
    assert told(world.plan(world.here(platform()), delete_people=True)) == []


def test_who_was_switched_on_by_hand_is_kept_from_that_day_on(world: World) -> None:
    _leaves(world, "leaver")
    world.by_hand("PUT", REALM, f"/users/{_user(world, 'leaver')['id']}", {"enabled": True})
    assert _due(world, platform(at=A_YEAR_LATER)) == []
    world.apply(world.here(platform(at=A_YEAR_LATER)))
    assert (_user(world, "leaver")["enabled"], _left(world, "leaver")) == (False, ["2027-10-05"])


@pytest.mark.parametrize("mark", ["soon", "2026-13-01", "20261005"])
def test_a_mark_that_is_no_day_is_written_anew_and_deletes_nobody(world: World, mark: str) -> None:
    _leaves(world, "leaver")
    user = _user(world, "leaver")
    attributes = {**user["attributes"], "renkei-left": [mark]}
    world.by_hand("PUT", REALM, f"/users/{user['id']}", {**user, "attributes": attributes})
    assert _due(world, platform(at=A_YEAR_LATER)) == []
    world.apply(world.here(platform(at=A_YEAR_LATER)))
    assert _left(world, "leaver") == ["2027-10-05"]


def test_who_was_disabled_before_there_were_marks_gets_one_and_is_no_removal(world: World) -> None:
    _leaves(world, "leaver")
    user = _user(world, "leaver")
    attributes = {name: value for name, value in user["attributes"].items() if name != "renkei-left"}
    world.by_hand("PUT", REALM, f"/users/{user['id']}", {**user, "attributes": attributes})
    (change,) = world.plan(world.here(platform(at=A_YEAR_LATER)))
    assert change.key == Key("keycloak.user", world.realm(REALM), "leaver")
    world.apply(world.here(platform(at=A_YEAR_LATER)))
    assert _left(world, "leaver") == ["2027-10-05"]


# ---------------------------------------------------------------- the last administrator


def _administers(world: World, name: str, role: str = "realm-admin") -> None:
    clients = world.get(REALM, "/clients?clientId=realm-management")
    assert isinstance(clients, list)
    found = world.get(REALM, f"/clients/{clients[0]['id']}/roles/{role}")
    where = f"/users/{_user(world, name)['id']}/role-mappings/clients/{clients[0]['id']}"
    world.by_hand("POST", REALM, where, [found])


def test_the_last_administrator_of_a_realm_stays_and_one_of_two_may_go(world: World) -> None:
    world.apply(world.here(platform("leaver", "second")))
    _administers(world, "leaver")
    with pytest.raises(Refused, match="leaver must stay: nobody else administers the realm"):
        world.plan(world.here(platform("second")))
    _administers(world, "second", "manage-users")
    assert told(world.plan(world.here(platform("second")))) == ["update user leaver"]
    with pytest.raises(Refused) as both:
        world.plan(world.here(platform()))
    assert len(both.value.problems) == 2


def test_one_who_is_disabled_is_no_administrator_that_remains(world: World) -> None:
    world.apply(world.here(platform("leaver", "second")))
    _administers(world, "leaver")
    _administers(world, "second")
    world.by_hand("PUT", REALM, f"/users/{_user(world, 'second')['id']}", {"enabled": False})
    with pytest.raises(Refused, match="leaver must stay"):
        world.plan(world.here(platform("second")))


def test_one_who_could_still_be_switched_on_is_not_deleted_when_there_is_nobody_else(world: World) -> None:
    _leaves(world, "leaver")
    _administers(world, "leaver")
    with pytest.raises(Refused, match="leaver must stay"):
        world.plan(world.here(platform(at=A_YEAR_LATER)), delete_people=True)
