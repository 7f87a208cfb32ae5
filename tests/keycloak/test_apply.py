"""Apply on the real Keycloak: what a second run finds, what it costs, who leaves, and what is never touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt
import pytest
import requests

from control_plane.catalog.model import Auth, Catalog, MfaMode
from control_plane.engine.apply import Failed, apply
from control_plane.engine.plan import Update, make_plan
from control_plane.engine.read import have, want
from control_plane.engine.resource import Key
from control_plane.keycloak import KINDS, abilities, checks, flows, target
from control_plane.keycloak.answers import Moved
from control_plane.keycloak.session import path
from control_plane.problems import NotAllowed, Problem, RenkeiError
from tests.building import a_platform, during, with_group, with_service, with_tenant, with_user
from tests.keycloak.conftest import World, told, version_of
from tests.keycloak.platforms import OLD, a_small_platform

pytestmark = pytest.mark.servers


def test_a_plan_after_apply_is_empty(applied: World) -> None:
    world = applied
    catalog = world.here(a_small_platform())
    assert told(world.plan(catalog)) == []


def test_this_keycloak_has_all_that_the_platform_needs(applied: World) -> None:
    """Its names for steps and features are those that we look for."""
    catalog = applied.here(a_small_platform())
    assert list(abilities.missing(applied.keycloak(catalog), catalog)) == []


def test_a_platform_is_applied_alike_one_by_one(world: World) -> None:
    catalog = world.here(a_small_platform())
    world.apply(catalog, parallel=1)
    assert told(world.plan(catalog)) == []


def test_a_second_apply_writes_nothing(applied: World) -> None:
    world = applied
    catalog = world.here(a_small_platform())
    before = _admin_events(world, catalog)
    world.apply(catalog)
    assert _admin_events(world, catalog) == before


def _admin_events(world: World, catalog: Catalog) -> int:
    """Writes as Keycloak itself has noted them."""
    found = (world.server.by_hand("GET", f"/realms/{realm}/admin-events?max=10000").json() for realm in catalog.realms)
    return sum(len(one) for one in found)


def test_a_plan_without_changes_asks_no_more_for_more_people_and_services(applied: World) -> None:
    """But for a client that people sign in through: whose roles its tokens name is asked one by one."""
    world = applied
    few = world.here(a_small_platform())
    world.apply(few)
    people = [with_user(f"more-{number:02}", groups=["digital"]) for number in range(30)]
    services = [with_service(f"more-{number}", tenant="nikko", auth=[Auth.TOKEN]) for number in range(5)]
    portal = with_service("door", tenant="nikko", auth=[Auth.TOKEN], redirect_uris=("https://nikko.example.jp/door",))
    many = world.here(a_small_platform(*people, *services, portal))
    asked = _requests_of_a_plan(world, few)
    world.apply(many)
    assert _requests_of_a_plan(world, many) == asked + 1


def _requests_of_a_plan(world: World, catalog: Catalog) -> int:
    client = world.keycloak(catalog)
    assert told(world.plan(catalog, client)) == []
    return client.session.requests


def test_a_person_who_goes_while_people_are_read_makes_nobody_invisible(applied: World) -> None:
    """With the first page read, the first one is deleted: whoever follows moves up, past the next page's beginning."""
    world = applied
    names = [f"reader-{number}" for number in range(6)]
    for name in names:
        world.by_hand("POST", "nasushiobara", "/users", {"username": name, "enabled": True})
    session = world.keycloak(world.here(a_small_platform())).session
    where = path(world.realm("nasushiobara"), "users")
    reading = session.pages(where, size=3, search="reader-")
    seen = [next(reading) for _ in range(3)]
    world.by_hand("DELETE", "nasushiobara", f"/users/{seen[0]['id']}")
    with pytest.raises(Moved):
        list(reading)
    assert [one["username"] for one in session.every(where, size=3, search="reader-")] == names[1:]
    for name in names[1:]:
        world.by_hand("DELETE", "nasushiobara", f"/users/{_user(world, 'nasushiobara', name)['id']}")


def test_a_user_removed_from_yaml_is_disabled_not_deleted(applied: World) -> None:
    world = applied
    world.apply(world.here(a_small_platform(with_user("leaver", groups=["digital"]))))
    left = world.here(a_small_platform())
    assert told(world.plan(left)) == ["update user leaver"]
    world.apply(left)
    user = _user(world, "nasushiobara", "leaver")
    assert user["enabled"] is False
    assert user["attributes"]["renkei.platform"] == ["tochigi"]
    assert told(world.plan(left)) == []

    world.apply(world.here(a_small_platform(with_user("leaver", groups=["digital"]))))
    assert _user(world, "nasushiobara", "leaver")["enabled"] is True


def test_a_user_outside_the_period_is_disabled(applied: World) -> None:
    world = applied
    world.apply(
        world.here(
            a_small_platform(
                with_user("before", period=during("2026-11-01")),
                with_user("inside", period=during("2026-04-01", "2027-04-01")),
                with_user("after", period=during(None, "2026-10-01")),
            )
        )
    )
    enabled = {name: _user(world, "nasushiobara", name)["enabled"] for name in ("before", "inside", "after")}
    assert enabled == {"before": False, "inside": True, "after": False}


def test_a_realm_that_leaves_the_yaml_is_disabled_and_keeps_everything(world: World) -> None:
    world.apply(world.here(a_small_platform()))
    kept = world.here(a_platform(with_tenant("tochigi", mfa=MfaMode.BY_ROLE)))
    plan = [one for one in world.plan(kept) if one.key.within == world.realm("nasushiobara")]
    assert [(type(one), one.key.kind) for one in plan] == [(Update, "keycloak.realm")]
    apply(make_plan_of(world, kept, world.realm("nasushiobara")), [target(world.keycloak(kept))])
    realm = world.get("nasushiobara")
    assert isinstance(realm, dict)
    assert realm["enabled"] is False
    assert _user(world, "nasushiobara", "staff-01")["enabled"] is True


def make_plan_of(world: World, catalog: Catalog, realm: str) -> Any:
    client = world.keycloak(catalog)
    targets = [target(client)]
    mine = [
        {key: one for key, one in state.items() if key.within == realm}
        for state in (want(targets, catalog, version_of), have(targets))
    ]
    return make_plan(KINDS, *mine)


def test_names_and_email_survive_a_change_of_attributes(world: World) -> None:
    def with_department(name: str) -> Catalog:
        return world.here(
            a_platform(
                with_tenant("nasushiobara", attributes=("department",)),
                with_user("staff-01", attributes={"department": name}, family_name="那須", given_name="職員一"),
            )
        )

    world.apply(with_department("総務課"))
    before = _user(world, "nasushiobara", "staff-01")
    world.apply(with_department("税務課"))
    after = _user(world, "nasushiobara", "staff-01")
    assert after["attributes"]["department"] == ["税務課"]
    names = ("firstName", "lastName", "email", "username", "enabled", "id")
    assert [after[name] for name in names] == [before[name] for name in names]


def test_what_an_administrator_added_to_a_person_stays(applied: World) -> None:
    world = applied
    """An attribute that others have declared and filled is not ours."""
    profile = world.get("nasushiobara", "/users/profile")
    assert isinstance(profile, dict)
    profile["attributes"].append({"name": "room", "permissions": {"view": ["admin"], "edit": ["admin"]}})
    world.by_hand("PUT", "nasushiobara", "/users/profile", profile)
    user = _user(world, "nasushiobara", "staff-01")
    user["attributes"]["room"] = ["4F"]
    world.by_hand("PUT", "nasushiobara", f"/users/{user['id']}", {**user, "lastName": "別人"})
    world.apply(world.here(a_small_platform()))
    user = _user(world, "nasushiobara", "staff-01")
    assert user["attributes"]["room"] == ["4F"]
    assert user["lastName"] == "那須"


def test_unmanaged_objects_are_reported_and_untouched(applied: World) -> None:
    world = applied
    catalog = world.here(a_small_platform())
    realm = "nasushiobara"
    world.by_hand("POST", realm, "/roles", {"name": "by-hand", "description": "d"})
    world.by_hand("POST", realm, "/groups", {"name": "by-hand"})
    world.by_hand("POST", realm, "/users", {"username": "by-hand", "enabled": True})
    world.by_hand("POST", realm, "/clients", {"clientId": "by-hand", "secret": "s"})
    world.by_hand("POST", realm, "/client-scopes", {"name": "by-hand", "protocol": "openid-connect"})
    flow = {"alias": "by-hand", "providerId": "basic-flow", "topLevel": True, "builtIn": False}
    world.by_hand("POST", realm, "/authentication/flows", flow)

    plan = world.plan(catalog)
    assert told(plan) == []
    within = world.realm(realm)
    expected = {
        *(Key(f"keycloak.{kind}", within, "by-hand") for kind in ("role", "user", "client", "scope", "flow")),
        Key("keycloak.group", within, "/by-hand"),
    }
    assert expected <= {one.key for one in plan.unmanaged}
    before = [_compact(world, realm, path) for path in ("roles", "groups", "users", "clients", "client-scopes")]
    world.apply(catalog)
    assert [_compact(world, realm, path) for path in ("roles", "groups", "users", "clients", "client-scopes")] == before


def _compact(world: World, realm: str, path: str) -> list[object]:
    found = world.get(realm, f"/{path}")
    assert isinstance(found, list)
    return sorted((one for one in found if "by-hand" in str(one)), key=str)


def test_what_has_our_name_and_not_our_mark_is_refused_and_not_taken_over(applied: World) -> None:
    world = applied
    world.by_hand("POST", "nasushiobara", "/users", {"username": "newcomer", "enabled": True})
    with pytest.raises(RenkeiError, match="newcomer is there already and is not managed by renkei"):
        world.plan(world.here(a_small_platform(with_user("newcomer"))))


def test_tenants_in_a_shared_realm_have_groups_of_their_own(applied: World) -> None:
    world = applied
    groups = world.get("tochigi", "/groups")
    assert isinstance(groups, list)
    assert {one["name"] for one in groups} == {"tochigi", "nikko"}
    below = world.get("tochigi", "/group-by-path/nikko/viewers")
    assert isinstance(below, dict)
    assert below["realmRoles"] == ["dashboard-viewer"]


def test_a_realm_changes_from_mfa_by_role_to_everyone_and_back(applied: World) -> None:
    world = applied
    by_role = world.here(a_small_platform())
    everyone = replace(
        by_role,
        realms={
            name: replace(realm, baseline=replace(realm.baseline, mfa=MfaMode.EVERYONE))
            for name, realm in by_role.realms.items()
        },
    )
    for catalog in (by_role, everyone, by_role):
        world.apply(catalog)
        assert told(world.plan(catalog)) == []
        found = world.get("tochigi", "/authentication/flows")
        assert isinstance(found, list)
        wanted = {flow.alias for flow in flows.of(catalog, catalog.realms[world.realm("tochigi")])}
        assert {one["alias"] for one in found if not one["builtIn"]} == wanted


@pytest.mark.skipif(OLD, reason="26.0 has no descriptions of groups")
def test_the_description_of_a_group_made_by_hand_stays(applied: World) -> None:
    world = applied
    group = world.get("nasushiobara", "/group-by-path/nasushiobara/digital")
    assert isinstance(group, dict)
    world.by_hand("PUT", "nasushiobara", f"/groups/{group['id']}", {**group, "description": "by hand"})
    retitled = world.here(a_small_platform(with_group("other", title="new")))
    titled = replace(
        retitled,
        tenants={
            name: replace(tenant, groups=tuple(replace(one, title=f"{one.title}課") for one in tenant.groups))
            for name, tenant in retitled.tenants.items()
        },
    )
    world.apply(titled)
    group = world.get("nasushiobara", "/group-by-path/nasushiobara/digital")
    assert isinstance(group, dict)
    assert group["description"] == "by hand"
    assert group["attributes"]["renkei.title"] == ["digital課"]


def test_a_change_of_roles_does_not_write_the_account(applied: World) -> None:
    """Keycloak ends a lock-out when the account is written."""
    world = applied
    user = _user(world, "nasushiobara", "staff-02")
    role = world.get("nasushiobara", "/roles/dashboard-viewer")
    before = _user_events(world, "nasushiobara", user["id"])
    world.by_hand("DELETE", "nasushiobara", f"/users/{user['id']}/role-mappings/realm", [role])
    world.apply(world.here(a_small_platform()))
    assert _user_events(world, "nasushiobara", user["id"]) == before


def _user_events(world: World, realm: str, id: str) -> list[str]:
    found = world.get(realm, f"/admin-events?resourcePath=users/{id}")
    assert isinstance(found, list)
    return [one["operationType"] for one in found if one["operationType"] == "UPDATE"]


@pytest.mark.skipif(OLD, reason="26.0 goes by the rights that the token was made with")
def test_a_right_that_we_do_not_have_is_named_and_the_rest_is_made(world: World) -> None:
    """Who does not hold realm-admin may not take it away from a role either."""
    catalog = world.here(a_small_platform())
    world.apply(catalog)
    clients = world.get("tochigi", "/clients?clientId=realm-management")
    assert isinstance(clients, list)
    admin = world.get("tochigi", f"/clients/{clients[0]['id']}/roles/realm-admin")
    viewer = world.get("tochigi", "/roles/dashboard-viewer")
    assert isinstance(viewer, dict)
    world.by_hand("POST", "tochigi", f"/roles-by-id/{viewer['id']}/composites", [admin])
    world.by_hand("DELETE", "tochigi", "/roles/renkei-mfa")
    client = world.keycloak(catalog)
    outcomes = apply(world.plan(catalog, client), [target(client)])
    failed = [one for one in outcomes if isinstance(one, Failed)]
    assert [one.change.key.name for one in failed] == ["dashboard-viewer"]
    (problem,) = failed[0].problems
    assert isinstance(problem, Problem)
    assert "403" in problem.message
    assert told(world.plan(catalog)) == ["update composite dashboard-viewer"]


def _user(world: World, realm: str, name: str) -> dict[str, Any]:
    found = world.get(realm, f"/users?username={name}&exact=true")
    assert isinstance(found, list)
    user: dict[str, Any] = found[0]
    return user


def test_our_account_with_the_right_to_create_realms_has_all_it_needs_in_those_it_made(applied: World) -> None:
    keycloak = applied.keycloak(applied.here(a_small_platform()))
    assert [one for one in checks(keycloak) if not one.ok] == []
    elsewhere = applied.keycloak(replace(a_small_platform(), realms={"master": a_small_platform().realms["tochigi"]}))
    with pytest.raises(NotAllowed, match="shows only a part of realm 'master'"):
        have([target(elsewhere)])
    assert [one.name for one in checks(elsewhere) if not one.ok] == ["Keycloak realm master"]


def test_a_token_verifies_with_the_key_that_its_realm_shows(applied: World) -> None:
    catalog = applied.here(a_small_platform())
    keycloak = applied.keycloak(catalog)
    realm = applied.realm("nasushiobara")
    form = {
        "grant_type": "client_credentials",
        "client_id": "nasushiobara.portal",
        "client_secret": "value of services/nasushiobara.portal#client_secret",
    }
    url = f"{applied.server.url}/realms/{realm}/protocol/openid-connect/token"
    token = requests.post(url, data=form, timeout=30).json()["access_token"]
    claims = jwt.decode(token, keycloak.public_key(realm), algorithms=["RS256"], audience="tochigi")
    assert claims["azp"] == "nasushiobara.portal"
    assert len(keycloak.key_version(realm) or "") == 64
    assert keycloak.key_version("kc-none") is None
    assert keycloak.realm_keys([realm, "kc-none"]) == {realm: keycloak.public_key(realm)}


def test_the_servers_own_counts_are_of_people_alone(applied: World) -> None:
    catalog = applied.here(a_small_platform())
    keycloak = applied.keycloak(catalog)
    users = [key for key in have([target(keycloak)]) if key.kind == "keycloak.user"]
    counted = keycloak.user_counts()
    assert set(counted) == set(catalog.realms)
    assert sum(counted.values()) == len([key for key in users if key.within in catalog.realms])


def test_a_part_that_needs_another_that_was_left_out_says_so(applied: World) -> None:
    catalog = applied.here(a_small_platform(with_group("new"), with_user("new-01", groups=["new"])))
    keycloak = applied.keycloak(catalog)
    targets = [target(keycloak)]
    only = [
        {key: one for key, one in found.items() if key.kind == "keycloak.user"}
        for found in (want(targets, catalog, version_of), have(targets))
    ]
    user = replace(only[0][next(key for key in only[0] if key.name == "staff-01")], fields={})
    moved = {user.key: replace(user, fields={"groups": frozenset({"/nasushiobara/new"})})}
    (failed,) = apply(make_plan(KINDS, moved, {user.key: only[1][user.key]}), targets)
    assert isinstance(failed, Failed)
    assert "/nasushiobara/new is not there yet" in failed.problems[0].message


def test_a_renamed_client_keeps_its_secret_and_its_service_account(world: World) -> None:
    def named(name: str, **more: str) -> Catalog:
        return world.here(a_platform(with_service(name, reading="ngsi-v2", auth=(Auth.TOKEN,), **more)))  # type: ignore[arg-type]

    world.apply(named("portal"))
    old = _client(world, "nasushiobara.portal")
    renamed = named("town-portal", previously="nasushiobara.portal")
    world.apply(renamed)
    new = _client(world, "nasushiobara.town-portal")
    assert (new["id"], new["secret"]) == (old["id"], old["secret"])
    assert _service_account(world, new) == _service_account(world, old)
    assert world.get("nasushiobara", "/clients?clientId=nasushiobara.portal") == []
    assert told(world.plan(renamed)) == []


def _client(world: World, name: str) -> Any:
    found = world.get("nasushiobara", f"/clients?clientId={name}")
    assert isinstance(found, list)
    return found[0]


def _service_account(world: World, client: Any) -> str:
    account = world.get("nasushiobara", f"/clients/{client['id']}/service-account-user")
    assert isinstance(account, dict)
    return str(account["id"])
