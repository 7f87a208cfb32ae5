"""Ways around the second factor, each as an administrator would go it by hand, and what renkei must call dangerous."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.keycloak.conftest import World

BY_ROLE, EVERYONE = "tochigi", "nikko"  # one-time passwords and passkeys; one-time passwords and recovery codes
Edit = Callable[[World], None]


def bound(world: World, realm: str) -> str:
    found = world.get(realm)
    assert isinstance(found, dict)
    return str(found["browserFlow"])


def _execution(world: World, realm: str, provider: str) -> tuple[str, dict[str, Any]]:
    where = f"/authentication/flows/{bound(world, realm)}/executions"
    found = world.get(realm, where)
    assert isinstance(found, list)
    return where, next(one for one in found if one.get("providerId") == provider)


def the_role_renamed(world: World) -> None:
    role = world.get(BY_ROLE, "/roles/renkei-mfa")
    assert isinstance(role, dict)
    world.by_hand("PUT", BY_ROLE, "/roles/renkei-mfa", {**role, "name": "renkei-mfa-old"})


def the_role_deleted(world: World) -> None:
    world.by_hand("DELETE", BY_ROLE, "/roles/renkei-mfa")


def the_role_out_of_another(world: World) -> None:
    editor, mfa = (world.get(BY_ROLE, f"/roles/{name}") for name in ("editor", "renkei-mfa"))
    assert isinstance(editor, dict)
    world.by_hand("DELETE", BY_ROLE, f"/roles-by-id/{editor['id']}/composites", [mfa])


def a_factor_optional(world: World) -> None:
    where, step = _execution(world, EVERYONE, "auth-otp-form")
    world.by_hand("PUT", EVERYONE, where, {**step, "requirement": "DISABLED"})


def nobody_asked_for_a_factor(world: World) -> None:
    """Both parts of the flow that ask for one are switched off."""
    where = f"/authentication/flows/{bound(world, EVERYONE)}/executions"
    found = world.by_hand("GET", EVERYONE, where).json()
    for one in found:
        if str(one.get("displayName")).endswith((" second factor", " first enrolment")):
            world.by_hand("PUT", EVERYONE, where, {**one, "requirement": "DISABLED"})


def the_condition_of_another_role(world: World) -> None:
    _, step = _execution(world, BY_ROLE, "conditional-user-role")
    body = {"alias": "x", "config": {"condUserRole": "nobody", "negate": "false"}}
    world.by_hand("PUT", BY_ROLE, f"/authentication/config/{step['authenticationConfig']}", body)


def another_flow_bound(world: World) -> None:
    world.by_hand("PUT", EVERYONE, "", {"browserFlow": "browser"})


def a_flow_by_a_name_like_ours(world: World) -> None:
    """A flow that asks for the password alone, called as renkei calls its own."""
    alias = "renkei-browser-v1-0badf00d"
    flow = {"alias": alias, "providerId": "basic-flow", "topLevel": True, "builtIn": False}
    world.by_hand("POST", EVERYONE, "/authentication/flows", flow)
    where = f"/authentication/flows/{alias}/executions"
    world.by_hand("POST", EVERYONE, f"{where}/execution", {"provider": "auth-username-password-form"})
    (step,) = world.by_hand("GET", EVERYONE, where).json()
    world.by_hand("PUT", EVERYONE, where, {**step, "requirement": "REQUIRED"})
    world.by_hand("PUT", EVERYONE, "", {"browserFlow": alias})


def another_way_to_a_new_password(world: World) -> None:
    world.by_hand("PUT", EVERYONE, "", {"resetCredentialsFlow": "registration"})


def new_passwords_by_mail(world: World) -> None:
    world.by_hand("PUT", EVERYONE, "", {"resetPasswordAllowed": True})


def a_flow_of_the_clients_own(world: World) -> None:
    (client,) = world.by_hand("GET", EVERYONE, f"/clients?clientId={EVERYONE}.web").json()
    flows = world.by_hand("GET", EVERYONE, "/authentication/flows").json()
    stock = next(one["id"] for one in flows if one["alias"] == "browser")
    body = {"clientId": client["clientId"], "authenticationFlowBindingOverrides": {"browser": stock}}
    world.by_hand("PUT", EVERYONE, f"/clients/{client['id']}", body)


def the_direct_grant_bound(world: World) -> None:
    world.by_hand("PUT", EVERYONE, "", {"directGrantFlow": "direct grant"})


def the_direct_grant_of_a_client(world: World) -> None:
    (client,) = world.by_hand("GET", EVERYONE, f"/clients?clientId={EVERYONE}.web").json()
    body = {"clientId": client["clientId"], "directAccessGrantsEnabled": True}
    world.by_hand("PUT", EVERYONE, f"/clients/{client['id']}", body)


def _action(world: World, realm: str, name: str, **changed: Any) -> None:
    where = f"/authentication/required-actions/{name}"
    found = world.get(realm, where)
    assert isinstance(found, dict)
    body = {name: value for name, value in {**found, **changed}.items() if value is not None}
    world.by_hand("PUT", realm, where, body)


def an_action_disabled(world: World) -> None:
    _action(world, EVERYONE, "CONFIGURE_TOTP", enabled=False)


def the_codes_action_disabled(world: World) -> None:
    _action(world, EVERYONE, "CONFIGURE_RECOVERY_AUTHN_CODES", enabled=False)


def an_action_broken(world: World) -> None:
    """A PUT without the alias: Keycloak answers 204 and finds the action under no name any more."""
    _action(world, BY_ROLE, "CONFIGURE_TOTP", alias=None)


def an_action_removed(world: World) -> None:
    world.by_hand("DELETE", BY_ROLE, "/authentication/required-actions/webauthn-register")


def _exempted(world: World, name: str) -> None:
    (user,) = world.by_hand("GET", EVERYONE, f"/users?username={name}&exact=true").json()
    attributes = {**user.get("attributes", {}), "renkei-mfa-exempt": ["yes"]}
    world.by_hand("PUT", EVERYONE, f"/users/{user['id']}", {**user, "attributes": attributes})


def a_person_exempted(world: World) -> None:
    _exempted(world, f"{EVERYONE}-first")


def an_exemption_kept_beyond_its_end(world: World) -> None:
    _exempted(world, f"{EVERYONE}-no-longer")


def the_exempting_attribute_undeclared(world: World) -> None:
    document = world.by_hand("GET", EVERYONE, "/users/profile").json()
    kept = [one for one in document["attributes"] if one["name"] != "renkei-mfa-exempt"]
    world.by_hand("PUT", EVERYONE, "/users/profile", {**document, "attributes": kept})


def people_exempt_themselves(world: World) -> None:
    document = world.by_hand("GET", EVERYONE, "/users/profile").json()
    for one in document["attributes"]:
        if one["name"] == "renkei-mfa-exempt":
            one["permissions"] = {"view": ["admin", "user"], "edit": ["admin", "user"]}
    world.by_hand("PUT", EVERYONE, "/users/profile", document)


def no_second_level_for_a_service(world: World) -> None:
    (client,) = world.by_hand("GET", EVERYONE, f"/clients?clientId={EVERYONE}.safe").json()
    body = {"clientId": client["clientId"], "attributes": {"minimum.acr.value": ""}}
    world.by_hand("PUT", EVERYONE, f"/clients/{client['id']}", body)


def no_second_level_for_the_console(world: World) -> None:
    (client,) = world.by_hand("GET", EVERYONE, "/clients?clientId=security-admin-console").json()
    body = {"clientId": client["clientId"], "attributes": {"minimum.acr.value": ""}}
    world.by_hand("PUT", EVERYONE, f"/clients/{client['id']}", body)


def the_second_level_of_another_number(world: World) -> None:
    where = f"/authentication/flows/{bound(world, EVERYONE)}/executions"
    found = world.by_hand("GET", EVERYONE, where).json()
    levels = [one for one in found if one.get("providerId") == "conditional-level-of-authentication"]
    body = {"alias": "x", "config": {"loa-condition-level": "3", "loa-max-age": "0"}}
    world.by_hand("PUT", EVERYONE, f"/authentication/config/{levels[1]['authenticationConfig']}", body)


def the_otp_policy_broken(world: World) -> None:
    """A partial write: Keycloak sets the period and the digits to 0."""
    world.by_hand("PUT", EVERYONE, "", {"otpPolicyType": "totp"})


def codes_that_may_be_used_again(world: World) -> None:
    attributes = world.by_hand("GET", EVERYONE, "").json()["attributes"]
    changed = {"otpPolicyCodeReusable": True, "attributes": {**attributes, "realmReusableOtpCode": "true"}}
    world.by_hand("PUT", EVERYONE, "", changed)


def the_passkey_policy_broken(world: World) -> None:
    """A partial write: everything else goes back to Keycloak's defaults."""
    world.by_hand("PUT", BY_ROLE, "", {"webAuthnPolicyRpEntityName": "x"})


def another_party_for_passkeys(world: World) -> None:
    realm = world.by_hand("GET", BY_ROLE, "").json()
    policy = {name: value for name, value in realm.items() if name.startswith("webAuthnPolicy")}
    world.by_hand("PUT", BY_ROLE, "", {**policy, "webAuthnPolicyRpId": "attacker.test"})


WAYS: dict[Edit, str] = {
    the_otp_policy_broken: "realm",
    codes_that_may_be_used_again: "realm",
    the_passkey_policy_broken: "realm",
    another_party_for_passkeys: "realm",
    a_person_exempted: "user nikko-first",
    an_exemption_kept_beyond_its_end: "user nikko-no-longer",
    the_exempting_attribute_undeclared: "profile user-profile",
    people_exempt_themselves: "profile user-profile",
    no_second_level_for_a_service: "client nikko.safe",
    no_second_level_for_the_console: "console security-admin-console",
    the_second_level_of_another_number: "flow",
    the_role_renamed: "role renkei-mfa",
    the_role_deleted: "role renkei-mfa",
    the_role_out_of_another: "composite editor",
    a_factor_optional: "flow",
    nobody_asked_for_a_factor: "flow",
    the_condition_of_another_role: "flow",
    another_flow_bound: "binding browser",
    a_flow_by_a_name_like_ours: "binding browser",
    another_way_to_a_new_password: "binding reset",
    new_passwords_by_mail: "realm",
    a_flow_of_the_clients_own: "client nikko.web",
    the_direct_grant_bound: "binding direct-grant",
    the_direct_grant_of_a_client: "client nikko.web",
    an_action_disabled: "action CONFIGURE_TOTP",
    the_codes_action_disabled: "action CONFIGURE_RECOVERY_AUTHN_CODES",
    an_action_broken: "action CONFIGURE_TOTP",
    an_action_removed: "action webauthn-register",
}
