"""Changes made by hand on the real Keycloak: each is found, named by its fields, and mended.

Those that go around the second factor: `test_second_factor`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import Plan, Update
from control_plane.keycloak import flows, logins
from tests.keycloak.conftest import World, told
from tests.keycloak.platforms import OLD

pytestmark = pytest.mark.servers

Edit = Callable[[World], None]
SHARED, OWN = "tochigi", "nasushiobara"


def fields(plan: Plan) -> set[str]:
    return {".".join(one.path) for change in plan if isinstance(change, Update) for one in change.changes}


def _by_name(world: World, realm: str, path: str, name: str, field: str = "name") -> Any:
    found = world.get(realm, path)
    assert isinstance(found, list)
    return next(one for one in found if one[field] == name)


def _group(world: World, realm: str, *names: str) -> Any:
    found = world.get(realm, f"/group-by-path/{'/'.join(names)}")
    assert isinstance(found, dict)
    return found


def _client(world: World, realm: str, name: str) -> Any:
    return _by_name(world, realm, "/clients", name, "clientId")


def _user(world: World, realm: str, name: str) -> Any:
    return _by_name(world, realm, f"/users?username={name}&exact=true", name, "username")


def _role(world: World, realm: str, name: str) -> Any:
    return world.get(realm, f"/roles/{name}")


def _bound(world: World, realm: str) -> str:
    found = world.get(realm)
    assert isinstance(found, dict)
    return str(found["browserFlow"])


def _executions(world: World, realm: str) -> list[Any]:
    found = world.get(realm, f"/authentication/flows/{_bound(world, realm)}/executions")
    assert isinstance(found, list)
    return found


# ---------------------------------------------------------------- the edits


def realm_settings(world: World) -> None:
    world.by_hand("PUT", OWN, "", {"passwordPolicy": "length(4)", "eventsEnabled": False, "sslRequired": "none"})


def step_removed(world: World) -> None:
    otp = next(one for one in _executions(world, SHARED) if one.get("providerId") == "auth-otp-form")
    world.by_hand("DELETE", SHARED, f"/authentication/executions/{otp['id']}")


def admin_role_in_composite(world: World) -> None:
    management = _client(world, SHARED, "realm-management")["id"]
    admin = world.get(SHARED, f"/clients/{management}/roles/manage-users")
    viewer = _role(world, SHARED, "dashboard-viewer")
    world.by_hand("POST", SHARED, f"/roles-by-id/{viewer['id']}/composites", [admin])


def role_described_otherwise(world: World) -> None:
    role = _role(world, OWN, "dashboard-viewer")
    world.by_hand("PUT", OWN, "/roles/dashboard-viewer", {**role, "description": "by hand"})


def group_without_role(world: World) -> None:
    group = _group(world, OWN, "nasushiobara", "digital")
    role = _role(world, OWN, "dashboard-editor")
    world.by_hand("DELETE", OWN, f"/groups/{group['id']}/role-mappings/realm", [role])


def group_with_admin_role(world: World) -> None:
    group = _group(world, OWN, "nasushiobara", "digital")
    management = _client(world, OWN, "realm-management")["id"]
    admin = world.get(OWN, f"/clients/{management}/roles/manage-users")
    world.by_hand("POST", OWN, f"/groups/{group['id']}/role-mappings/clients/{management}", [admin])


def group_deleted(world: World) -> None:
    world.by_hand("DELETE", OWN, f"/groups/{_group(world, OWN, 'nasushiobara', 'digital')['id']}")


def user_edited(world: World) -> None:
    user = _user(world, OWN, "staff-01")
    world.by_hand("PUT", OWN, f"/users/{user['id']}", {**user, "lastName": "別人", "enabled": False})


def user_left_group(world: World) -> None:
    group = _group(world, OWN, "nasushiobara", "digital")
    world.by_hand("DELETE", OWN, f"/users/{_user(world, OWN, 'staff-01')['id']}/groups/{group['id']}")


def user_given_role(world: World) -> None:
    role = _role(world, OWN, "dashboard-editor")
    user = _user(world, OWN, "staff-02")["id"]
    world.by_hand("POST", OWN, f"/users/{user}/role-mappings/realm", [role])


def user_attribute(world: World) -> None:
    user = _user(world, SHARED, "nikko-01")
    attributes = {**user["attributes"], "department": ["別の課"]}
    world.by_hand("PUT", SHARED, f"/users/{user['id']}", {**user, "attributes": attributes})


def user_deleted(world: World) -> None:
    world.by_hand("DELETE", OWN, f"/users/{_user(world, OWN, 'staff-02')['id']}")


def client_opened(world: World) -> None:
    client = _client(world, SHARED, "nikko.web")
    opened = {"directAccessGrantsEnabled": True, "fullScopeAllowed": True, "redirectUris": ["*"]}
    world.by_hand("PUT", SHARED, f"/clients/{client['id']}", {**client, **opened})


def client_secret(world: World) -> None:
    client = _client(world, OWN, "nasushiobara.portal")
    world.by_hand("POST", OWN, f"/clients/{client['id']}/client-secret")


def client_public(world: World) -> None:
    client = _client(world, OWN, "nasushiobara.portal")
    world.by_hand("PUT", OWN, f"/clients/{client['id']}", {**client, "publicClient": True})


def client_scope_given(world: World) -> None:
    client = _client(world, SHARED, "nikko.web")["id"]
    email = _by_name(world, SHARED, "/client-scopes", "email")["id"]
    world.by_hand("PUT", SHARED, f"/clients/{client}/default-client-scopes/{email}")


def client_scope_optional(world: World) -> None:
    client = _client(world, OWN, "nasushiobara.portal")["id"]
    scope = _by_name(world, OWN, "/client-scopes", "data.road")["id"]
    world.by_hand("DELETE", OWN, f"/clients/{client}/default-client-scopes/{scope}")
    world.by_hand("PUT", OWN, f"/clients/{client}/optional-client-scopes/{scope}")


def client_mapper(world: World) -> None:
    client = _client(world, SHARED, "nikko.web")["id"]
    world.by_hand("POST", SHARED, f"/clients/{client}/protocol-mappers/models", _forging("azp"))


def client_deleted(world: World) -> None:
    world.by_hand("DELETE", SHARED, f"/clients/{_client(world, SHARED, 'nikko.web')['id']}")


def scope_claims_another(world: World) -> None:
    scope = _by_name(world, OWN, "/client-scopes", "data.road")
    mapper = next(one for one in scope["protocolMappers"] if one["name"] == "claim")
    mapper["config"]["claim.name"] = "data.river"
    world.by_hand("PUT", OWN, f"/client-scopes/{scope['id']}/protocol-mappers/models/{mapper['id']}", mapper)


def scope_forges(world: World) -> None:
    scope = _by_name(world, OWN, "/client-scopes", "data.road")["id"]
    world.by_hand("POST", OWN, f"/client-scopes/{scope}/protocol-mappers/models", _forging("sub"))


def _gateway_mapper(world: World, name: str) -> tuple[str, dict[str, Any]]:
    """The path of a mapper of the scope that every client has, and the mapper."""
    scopes = world.get(OWN, "/client-scopes")
    assert isinstance(scopes, list)
    scope = next(one for one in scopes if one["name"] == "renkei-gateway")
    mapper = next(one for one in scope["protocolMappers"] if one["name"] == name)
    return f"/client-scopes/{scope['id']}/protocol-mappers/models/{mapper['id']}", mapper


def audience_taken_away(world: World) -> None:
    path, _ = _gateway_mapper(world, "audience")
    world.by_hand("DELETE", OWN, path)


def people_pass_for_the_service(world: World) -> None:
    """A note that a login has as well."""
    path, mapper = _gateway_mapper(world, "service")
    mapper["config"]["user.session.note"] = "AUTH_TIME"
    world.by_hand("PUT", OWN, path, mapper)


def _forging(claim: str) -> dict[str, Any]:
    config = {"claim.name": claim, "claim.value": "somebody", "access.token.claim": "true"}
    return {
        "name": "forged",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-hardcoded-claim-mapper",
        "config": config,
    }


def profile_opened(world: World) -> None:
    """People may edit the attribute that says whose they are."""
    document = world.get(SHARED, "/users/profile")
    assert isinstance(document, dict)
    for one in document["attributes"]:
        if one["name"] == "renkei.tenant":
            one["permissions"]["edit"] = ["admin", "user"]
    world.by_hand("PUT", SHARED, "/users/profile", document)


def profile_emptied(world: World) -> None:
    """The mark of everybody is hidden with it, and still they are known as ours."""
    document = world.get(SHARED, "/users/profile")
    assert isinstance(document, dict)
    kept = [one for one in document["attributes"] if not one["name"].startswith(("renkei.", "department"))]
    world.by_hand("PUT", SHARED, "/users/profile", {**document, "attributes": kept})


BROWSER = "browser"
FOUND: dict[Edit, tuple[set[str], set[str]]] = {
    realm_settings: ({"update realm"}, {"passwordPolicy", "eventsEnabled", "sslRequired"}),
    step_removed: ({"update flow"}, {"steps"}),
    admin_role_in_composite: ({"update composite dashboard-viewer"}, {"client_roles"}),
    role_described_otherwise: ({"update role dashboard-viewer"}, {"description"}),
    group_without_role: ({"update group /nasushiobara/digital"}, {"roles"}),
    group_with_admin_role: ({"update group /nasushiobara/digital"}, {"client_roles"}),
    group_deleted: ({"create group /nasushiobara/digital", "update user staff-01"}, {"groups"}),
    user_edited: ({"update user staff-01"}, {"lastName", "enabled"}),
    user_left_group: ({"update user staff-01"}, {"groups"}),
    user_given_role: ({"update user staff-02"}, {"roles"}),
    user_attribute: ({"update user nikko-01"}, {"attributes.department"}),
    user_deleted: ({"create user staff-02"}, set()),
    client_opened: (
        {"update client nikko.web"},
        {"directAccessGrantsEnabled", "fullScopeAllowed", "redirectUris", "defaultClientScopes"},
    ),
    client_secret: ({"update client nasushiobara.portal"}, {"secret"}),
    client_public: ({"update client nasushiobara.portal"}, {"publicClient", "secret", "defaultClientScopes"}),
    client_scope_given: ({"update client nikko.web"}, {"defaultClientScopes"}),
    client_scope_optional: ({"update client nasushiobara.portal"}, {"defaultClientScopes", "optionalClientScopes"}),
    client_mapper: ({"update client nikko.web"}, {"protocolMappers"}),
    client_deleted: ({"create client nikko.web"}, set()),
    scope_claims_another: ({"update scope data.road"}, {"claim.claim.name"}),
    audience_taken_away: ({"update scope renkei-gateway"}, {"mappers", "audience"}),
    people_pass_for_the_service: ({"update scope renkei-gateway"}, {"service.user.session.note"}),
    scope_forges: ({"update scope data.road"}, {"mappers"}),
    profile_opened: ({"update profile user-profile"}, {"renkei.tenant.edit"}),
    profile_emptied: (
        {"update profile user-profile", "update user nikko-01", "update user nikko-admin"},
        {"renkei.platform", "renkei.tenant", "department", "tenant", "attributes.department"},
    ),
}


@pytest.mark.parametrize("edit", FOUND, ids=lambda edit: edit.__name__)
def test_a_change_by_hand_is_found_and_mended(common_world: tuple[World, Catalog], edit: Edit) -> None:
    world, catalog = common_world
    edit(world)
    client = world.keycloak(catalog)
    plan = world.plan(catalog, client)
    expected, expected_fields = FOUND[edit]
    if OLD and edit in (client_opened, client_public):  # it gives a saved client no scopes of its own
        expected_fields = expected_fields - {"defaultClientScopes"}
    if OLD and edit is profile_emptied:  # it shows what is not declared
        expected, expected_fields = (
            {"update profile user-profile"},
            expected_fields - {"tenant", "attributes.department"},
        )
    said = set(told(plan))
    assert all(any(one.startswith(start) for one in said) for start in expected), said
    assert all(any(one.startswith(start) for start in expected) for one in said), said
    assert fields(plan) == expected_fields
    world.make(plan, client)
    assert told(world.plan(catalog)) == []


def test_a_flow_that_is_bound_is_replaced_and_nothing_of_the_edited_one_stays(
    common_world: tuple[World, Catalog],
) -> None:
    world, catalog = common_world
    step_removed(world)
    world.apply(catalog)
    found = world.get(SHARED, "/authentication/flows")
    assert isinstance(found, list)
    ours = sorted(one["alias"] for one in found if not one["builtIn"])
    realm = catalog.realms[world.realm(SHARED)]
    assert ours == sorted(flow.alias for flow in flows.of(catalog, realm))
    assert _bound(world, SHARED) == logins.browser(realm).alias
