"""One person in several organizations of a shared realm, with one account, on the real Keycloak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, MfaMode, Period
from control_plane.catalog.model.periods import ALWAYS
from tests.building import Part, a_platform, during, with_group, with_guest, with_role, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.conftest import World, a_world, told

pytestmark = pytest.mark.servers
REALM = "tochigi"


def platform(*more: Part) -> Catalog:
    return a_platform(
        with_role("viewer"),
        with_role("editor"),
        with_tenant(REALM, mfa=MfaMode.BY_ROLE),
        with_tenant("nikko", in_realm_of=REALM),
        with_group("road", tenant=REALM, roles=["viewer"]),
        with_group("editors", tenant="nikko", roles=["editor"]),
        with_user("staff-01", tenant=REALM, groups=["road"]),
        with_user("staff-02", tenant=REALM),
        *more,
    )


def guest(name: str = "staff-01", period: Period = ALWAYS) -> Part:
    return with_guest(name, of=REALM, tenant="nikko", groups=["editors"], period=period)


@pytest.fixture(scope="module")
def world(keycloak_server: KeycloakServer) -> Iterator[World]:
    for world in a_world(keycloak_server):
        world.apply(world.here(platform()))
        yield world


def _held(world: World, name: str = "staff-01") -> tuple[set[str], set[str]]:
    """The groups and roles that Keycloak itself says the person has."""
    users: Any = world.get(REALM, f"/users?username={name}&exact=true")
    groups: Any = world.get(REALM, f"/users/{users[0]['id']}/groups")
    roles: Any = world.get(REALM, f"/users/{users[0]['id']}/role-mappings/realm/composite")
    return {one["path"] for one in groups}, {one["name"] for one in roles} & {"viewer", "editor"}


def test_a_guest_is_in_the_groups_of_both_and_has_the_roles_of_both(world: World) -> None:
    catalog = world.here(platform(guest()))
    world.apply(catalog)
    assert _held(world) == ({"/tochigi/road", "/nikko/editors"}, {"viewer", "editor"})
    (user,) = [one for one in catalog.users() if one.username == "staff-01"]
    assert catalog.roles_of(user) == _held(world)[1]
    assert told(world.plan(catalog)) == []


def test_a_guest_without_a_group_at_home_stays_there(world: World) -> None:
    world.apply(world.here(platform(guest("staff-02"))))
    assert _held(world, "staff-02") == ({"/tochigi", "/nikko/editors"}, {"editor"})


def test_a_guest_who_goes_or_whose_time_is_over_is_at_home_alone(world: World) -> None:
    for over in (
        platform(),
        platform(guest(period=during(None, "2026-10-01"))),
        platform(guest(period=during("2026-11-01"))),
    ):
        world.apply(world.here(platform(guest())))
        world.apply(world.here(over))
        assert _held(world) == ({"/tochigi/road"}, {"viewer"})


def test_the_end_of_a_guest_is_a_date_of_the_plan() -> None:
    period = during(None, "2026-10-20")
    assert platform(guest(period=period)).next_change() == period.end
