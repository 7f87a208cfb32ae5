"""People of a directory on the real Keycloak: they sign in with the password that they have there, and stand where Git
says; what is changed by hand is seen and mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.catalog.model import Auth, Catalog, MfaMode
from control_plane.engine.read import have
from control_plane.engine.resource import Key
from control_plane.keycloak import target
from tests.building import (
    SECRET_OF_A_DIRECTORY,
    a_platform,
    with_directory,
    with_group,
    with_role,
    with_service,
    with_tenant,
    with_user,
)
from tests.conftest import KeycloakServer
from tests.keycloak import ldap
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.platforms import OLD
from tests.secrets.conftest import free_port

pytestmark = pytest.mark.servers

REALM = "nikko"


def the_platform(url: str, *more: Any, **said: Any) -> Catalog:
    return a_platform(
        with_role("viewer"),
        with_role("editor", mfa=True),
        with_tenant(REALM, mfa=MfaMode.BY_ROLE),
        with_group("viewers", tenant=REALM, roles=["viewer"]),
        with_group("editors", tenant=REALM, roles=["editor"]),
        with_user("nikko-01", tenant=REALM),
        with_service("web", tenant=REALM, auth=[Auth.TOKEN], redirect_uris=(CALLBACK,)),
        with_directory("staff", tenant=REALM, url=url, **{"group": "viewers", **said}),
        *more,
    )


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home, password = tmp_path_factory.mktemp("directory"), f"value of {SECRET_OF_A_DIRECTORY}"
    people = ("clerk-01", "clerk-02", "clerk-03")
    with ldap.a_directory(home, password=password, port=free_port(), people=people) as found:
        yield found.url


@pytest.fixture(scope="module")
def common(keycloak_server: KeycloakServer, url: str) -> Iterator[tuple[World, Catalog]]:
    for world in a_world(keycloak_server):
        catalog = world.here(the_platform(url))
        world.apply(catalog)
        yield world, catalog


@pytest.fixture
def applied(common: tuple[World, Catalog]) -> Iterator[tuple[World, Catalog]]:
    world, catalog = common
    yield common
    world.apply(catalog)


def signs_in(world: World, name: str, password: str = ldap.PASSWORD) -> tuple[Person, Page]:
    url = f"{world.server.url}/realms/{world.realm(REALM)}"
    person = Person(url, f"{REALM}.web", f"value of services/{REALM}.web#client_secret")
    return person, person.signs_in(name, password)


def component(world: World) -> dict[str, Any]:
    found = world.by_hand("GET", REALM, "/components?type=org.keycloak.storage.UserStorageProvider").json()
    one: dict[str, Any] = next(one for one in found if str(one.get("subType")).startswith("renkei:"))
    return one


def test_people_of_a_directory_sign_in_with_the_password_that_they_have_there(
    applied: tuple[World, Catalog],
) -> None:
    world, catalog = applied
    assert told(world.plan(catalog)) == []
    assert signs_in(world, "clerk-01")[1].code
    assert signs_in(world, "clerk-01", "another password")[1].asks_for_password
    assert told(world.plan(catalog)) == []  # whom Keycloak has read from there is nobody's difference


def test_they_stand_in_the_group_that_git_names_and_have_its_roles(applied: tuple[World, Catalog]) -> None:
    world, _ = applied
    (user,) = world.by_hand("GET", REALM, "/users?username=clerk-01&exact=true").json()
    assert [one["path"] for one in world.by_hand("GET", REALM, f"/users/{user['id']}/groups").json()] == [
        f"/{REALM}/viewers"
    ]
    assert (user["firstName"], user["lastName"], user["email"]) == ("clerk-01", "Sato", "clerk-01@example.jp")
    roles = world.by_hand("GET", REALM, f"/users/{user['id']}/role-mappings/realm/composite").json()
    assert "viewer" in {one["name"] for one in roles}


def test_a_group_whose_role_demands_a_second_factor_demands_it_of_them(applied: tuple[World, Catalog]) -> None:
    world, _ = applied
    person, page = signs_in(world, "clerk-02")
    refresh = person.token(page).json()["refresh_token"]
    world.apply(world.here(the_platform(component(world)["config"]["connectionUrl"][0], group="editors")))
    assert not person.refreshed(refresh).ok
    assert signs_in(world, "clerk-02")[1].asks_to_set_up_otp


CHANGED_BY_HAND: dict[str, Any] = {
    **({} if OLD else {"another directory": {"connectionUrl": ["ldap://127.0.0.1:9"]}}),
    "more people": {"usersDn": [ldap.BASE]},
    "written to": {"editMode": ["WRITABLE"]},
    "addresses believed": {"trustEmail": ["true"]},
    "a setting that we do not know": {"referral": ["follow"]},
}


@pytest.mark.parametrize("config", CHANGED_BY_HAND.values(), ids=CHANGED_BY_HAND)
def test_a_setting_that_a_hand_has_changed_is_security_drift_and_is_mended(
    applied: tuple[World, Catalog], config: dict[str, Any]
) -> None:
    world, catalog = applied
    found = component(world)
    world.by_hand("PUT", REALM, f"/components/{found['id']}", {**found, "config": {**found["config"], **config}})
    plan = world.plan(catalog)
    assert [key.name for key in plan.dangers] == ["staff"]
    world.apply(catalog)
    assert told(world.plan(catalog)) == []
    assert signs_in(world, "clerk-01")[1].code


def test_a_mapper_that_gives_a_role_to_everybody_is_security_drift_and_is_removed(
    applied: tuple[World, Catalog],
) -> None:
    world, catalog = applied
    mapper = {
        "name": "all",
        "providerId": "hardcoded-ldap-role-mapper",
        "providerType": "org.keycloak.storage.ldap.mappers.LDAPStorageMapper",
        "parentId": component(world)["id"],
        "config": {"role": ["editor"]},
    }
    world.by_hand("POST", REALM, "/components", mapper)
    assert [key.name for key in world.plan(catalog).dangers] == ["staff"]
    world.apply(catalog)
    assert told(world.plan(catalog)) == []


@pytest.mark.skipif(OLD, reason="26.0 lists nobody of a realm whose directory does not answer")
def test_a_directory_that_somebody_has_added_is_security_drift_until_it_is_closed(
    applied: tuple[World, Catalog],
) -> None:
    world, catalog = applied
    ours = component(world)
    strange = {**ours, "name": "another", "config": {**ours["config"], "bindCredential": ["x"]}}
    for name in ("id", "subType"):
        strange.pop(name)
    strange["config"]["connectionUrl"] = ["ldap://127.0.0.1:9"]
    world.by_hand("POST", REALM, "/components", strange)
    server = world.keycloak(catalog)
    found = have([target(server)])[Key("keycloak.directory", world.realm(REALM), "another")]
    assert found.danger
    assert found.remove
    method, where, body = found.remove.split(" ", 2)
    assert world.server.by_hand(method, where.removeprefix("/admin"), json.loads(body)).ok
    closed = have([target(world.keycloak(catalog))])[Key("keycloak.directory", world.realm(REALM), "another")]
    assert closed.danger is None
    (id,) = (
        one["id"]
        for one in world.by_hand("GET", REALM, "/components?type=org.keycloak.storage.UserStorageProvider").json()
        if one["name"] == "another"
    )
    world.by_hand("DELETE", REALM, f"/components/{id}")


def test_the_password_of_a_directory_stands_nowhere_in_the_plan_and_a_new_one_is_written(
    applied: tuple[World, Catalog],
) -> None:
    world, catalog = applied
    found = component(world)
    world.by_hand("PUT", REALM, f"/components/{found['id']}", {**found, "subType": found["subType"][:-3] + "000"})
    plan = world.plan(catalog)
    assert [change.key.name for change in plan] == ["staff"]
    assert f"value of {SECRET_OF_A_DIRECTORY}" not in str(list(plan))
    world.apply(catalog)
    assert component(world)["subType"] == found["subType"]


def test_a_directory_that_leaves_git_goes_with_its_peoples_accounts_and_sessions(common: tuple[World, Catalog]) -> None:
    world, catalog = common
    world.apply(catalog)
    person, page = signs_in(world, "clerk-03")
    refresh = person.token(page).json()["refresh_token"]
    without = world.here(
        a_platform(
            with_role("viewer"),
            with_role("editor", mfa=True),
            with_tenant(REALM, mfa=MfaMode.BY_ROLE),
            with_group("viewers", tenant=REALM, roles=["viewer"]),
            with_group("editors", tenant=REALM, roles=["editor"]),
            with_user("nikko-01", tenant=REALM),
            with_service("web", tenant=REALM, auth=[Auth.TOKEN], redirect_uris=(CALLBACK,)),
        )
    )
    plan = world.plan(without)
    assert [key.name for key in plan.dangers] == ["staff"]
    world.apply(without)
    assert not person.refreshed(refresh).ok
    assert world.by_hand("GET", REALM, "/users?username=clerk-03&exact=true").json() == []
    assert told(world.plan(without)) == []
    world.apply(catalog)
    assert signs_in(world, "clerk-03")[1].code


@pytest.mark.skipif(OLD, reason="26.0 lists nobody of a realm whose directory does not answer")
def test_while_a_directory_does_not_answer_the_others_are_planned_made_and_let_in(
    common: tuple[World, Catalog], url: str
) -> None:
    world, catalog = common
    silent = "ldap://127.0.0.1:9"
    world.apply(world.here(the_platform(silent)))
    more = world.here(the_platform(silent, with_user("nikko-02", tenant=REALM, groups=["editors"])))
    world.apply(more)
    assert told(world.plan(more)) == []
    (user,) = world.by_hand("GET", REALM, "/users?username=nikko-02&exact=true").json()
    password = {"type": "password", "value": ldap.PASSWORD, "temporary": False}
    world.by_hand("PUT", REALM, f"/users/{user['id']}/reset-password", password)
    assert signs_in(world, "nikko-02")[1].asks_to_set_up_otp
    assert signs_in(world, "clerk-01")[1].code is None
    world.apply(catalog)
    assert signs_in(world, "clerk-01")[1].code
