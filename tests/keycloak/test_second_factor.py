"""The second factor on the real Keycloak: no way around it stays unseen, and nobody is locked out by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pyotp
import pytest

from control_plane.app import people
from control_plane.catalog.model import Auth, Catalog, Exemption, MfaMode
from control_plane.engine.read import have
from control_plane.keycloak import credentials, target
from tests.building import a_platform, during, with_role, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.stage import PASSWORD, Stage, base32

pytestmark = pytest.mark.servers

BY_ROLE, EVERYONE = "tochigi", "nikko"  # one-time passwords and passkeys; one-time passwords and recovery codes
LOCKING = "sano"  # one-time passwords, and an account is locked after three wrong ones
CODES = "リカバリー認証コード"  # as the login page calls them
PASSKEY = {"domain": "localhost", "user_verification": "required"}
Edit = Callable[[World], None]


def the_platform(**everyone: Any) -> Catalog:
    parts = []
    signs_in: dict[str, Any] = {"auth": [Auth.TOKEN], "redirect_uris": (CALLBACK,)}
    realms: tuple[tuple[str, dict[str, Any]], ...] = (
        (BY_ROLE, {"mfa": MfaMode.BY_ROLE, "factors": ("totp", "passkey"), "passkey": PASSKEY, "step_up": 1}),
        (EVERYONE, {"recovery_codes": True, "exemptions": True, "step_up": 300, **everyone}),
        (LOCKING, {"brute_force": {"failures": 3, "wait": 600, "quick": 1}}),
    )
    for realm, baseline in realms:
        parts += [
            with_tenant(realm, **baseline),
            *(with_user(f"{realm}-{name}", tenant=realm, roles=["editor"]) for name in ("first", "second", "third")),
            with_user(f"{realm}-viewer", tenant=realm),
            with_service("web", tenant=realm, **signs_in),
            *([with_service("safe", tenant=realm, **signs_in, assurance=2)] if "step_up" in baseline else []),
        ]
    parts += [
        with_user(f"{EVERYONE}-{name}", tenant=EVERYONE, exempt=Exemption("読み上げ端末のため", during(None, until)))
        for name, until in (("exempt", "2027-01-01"), ("no-longer", "2026-10-01"))
    ]
    return a_platform(with_role("editor", mfa=True), *parts)


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = world.here(the_platform())
        world.apply(catalog)
        yield Stage(world, catalog)


# ---------------------------------------------------------------- ways around


def _bound(world: World, realm: str) -> str:
    found = world.get(realm)
    assert isinstance(found, dict)
    return str(found["browserFlow"])


def _execution(world: World, realm: str, provider: str) -> tuple[str, dict[str, Any]]:
    where = f"/authentication/flows/{_bound(world, realm)}/executions"
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


def the_condition_of_another_role(world: World) -> None:
    _, step = _execution(world, BY_ROLE, "conditional-user-role")
    body = {"alias": "x", "config": {"condUserRole": "nobody", "negate": "false"}}
    world.by_hand("PUT", BY_ROLE, f"/authentication/config/{step['authenticationConfig']}", body)


def another_flow_bound(world: World) -> None:
    world.by_hand("PUT", EVERYONE, "", {"browserFlow": "browser"})


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


def the_second_level_of_another_number(world: World) -> None:
    where = f"/authentication/flows/{_bound(world, EVERYONE)}/executions"
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
    the_second_level_of_another_number: "flow",
    the_role_renamed: "role renkei-mfa",
    the_role_deleted: "role renkei-mfa",
    the_role_out_of_another: "composite editor",
    a_factor_optional: "flow",
    the_condition_of_another_role: "flow",
    another_flow_bound: "binding browser",
    a_flow_of_the_clients_own: "client nikko.web",
    the_direct_grant_bound: "binding direct-grant",
    the_direct_grant_of_a_client: "client nikko.web",
    an_action_disabled: "action CONFIGURE_TOTP",
    the_codes_action_disabled: "action CONFIGURE_RECOVERY_AUTHN_CODES",
    an_action_broken: "action CONFIGURE_TOTP",
    an_action_removed: "action webauthn-register",
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_way_around_the_second_factor_is_security_drift_and_is_mended(stage: Stage, way: Edit) -> None:
    world, catalog = stage.world, stage.catalog
    way(world)
    client = world.keycloak(catalog)
    plan = world.plan(catalog, client)
    dangerous = {f"{key.kind.partition('.')[2]} {key.name}" for key in plan.dangers}
    assert any(one.startswith(WAYS[way]) for one in dangerous), dangerous
    world.make(plan, client)
    assert told(world.plan(catalog)) == []
    _, page = stage.after_the_password(BY_ROLE, "first")
    assert page.asks_to_set_up_otp


def test_who_came_in_by_a_hole_is_out_when_it_is_mended(stage: Stage) -> None:
    the_role_out_of_another(stage.world)
    person, page = stage.after_the_password(BY_ROLE, "third")
    refresh = person.token(page).json()["refresh_token"]
    assert person.refreshed(refresh).ok
    stage.world.apply(stage.catalog)
    assert not person.refreshed(refresh).ok
    assert person.opens().asks_for_password


# ---------------------------------------------------------------- exemptions


def test_who_is_left_out_by_name_signs_in_with_the_password_until_the_last_day(stage: Stage) -> None:
    assert stage.after_the_password(EVERYONE, "exempt")[1].code
    assert stage.after_the_password(EVERYONE, "no-longer")[1].asks_to_set_up_otp


def test_an_exemption_that_the_profile_hides_still_holds_and_is_seen_when_the_profile_is_mended(stage: Stage) -> None:
    world, catalog = stage.world, stage.catalog
    a_person_exempted(world)
    the_exempting_attribute_undeclared(world)
    assert stage.after_the_password(EVERYONE, "first")[1].code
    assert stage.after_the_password(EVERYONE, "no-longer")[1].asks_to_set_up_otp  # nobody else has it by that
    world.apply(catalog)
    plan = world.plan(catalog)
    assert [key.name for key in plan.dangers] == [f"{EVERYONE}-first"]
    world.apply(catalog)
    assert stage.after_the_password(EVERYONE, "first")[1].asks_to_set_up_otp


def test_an_account_of_somebody_else_that_is_left_out_is_security_drift(stage: Stage) -> None:
    body = {"username": "stranger", "attributes": {"renkei-mfa-exempt": ["yes"]}, "enabled": True}
    stage.world.by_hand("POST", EVERYONE, "/users", body)
    plan = stage.world.plan(stage.catalog)
    assert [key.name for key in plan.dangers] == ["stranger"]
    (user,) = stage.world.by_hand("GET", EVERYONE, "/users?username=stranger").json()
    stage.world.by_hand("DELETE", EVERYONE, f"/users/{user['id']}")


# ---------------------------------------------------------------- a service that asks for more


def _through_safe(stage: Stage, realm: str) -> Person:
    url = f"{stage.world.server.url}/realms/{stage.world.realm(realm)}"
    return Person(url, f"{realm}.safe", f"value of services/{realm}.safe#client_secret")


@pytest.mark.parametrize(("realm", "name"), [(BY_ROLE, "viewer"), (EVERYONE, "exempt")])
def test_a_service_that_asks_for_more_gets_a_second_factor_of_everybody(stage: Stage, realm: str, name: str) -> None:
    person, page = stage.after_the_password(realm, name)
    assert page.code  # elsewhere the password is enough for him
    safe = _through_safe(stage, realm)
    safe.cookies = person.cookies
    assert safe.opens().asks_to_set_up_otp


def test_a_factor_is_shown_once_in_a_login_and_again_when_it_was_too_long_ago(stage: Stage) -> None:
    """Then the factor alone is asked for, and not the password."""
    stage.with_password(BY_ROLE, "second")
    safe = _through_safe(stage, BY_ROLE)
    page = safe.sends(safe.opens(), username=f"{BY_ROLE}-second", password=PASSWORD)
    secret = pyotp.TOTP(base32(page.totp_secret))
    assert safe.sends(page, totp=secret.now(), totpSecret=page.totp_secret, userLabel="phone").code
    time.sleep(2)  # longer than `step_up`
    page = safe.opens()
    assert page.asks_for_otp
    assert not page.asks_for_password
    assert safe.sends(page, otp="000000").code is None


def test_who_signs_in_through_such_a_service_shows_the_factor_once(
    stage: Stage, enrolled: tuple[pyotp.TOTP, list[str]]
) -> None:
    safe = _through_safe(stage, EVERYONE)
    page = safe.sends(safe.opens(), username=f"{EVERYONE}-second", password=PASSWORD)
    page = safe.tries_another_way(page, CODES)
    assert safe.sends(page, recoveryCodeInput=enrolled[1][page.number_of_the_code - 1]).code


# ---------------------------------------------------------------- one-time passwords


def test_a_wrong_code_does_not_open_a_code_opens_once_and_after_three_wrong_ones_the_right_one_does_not_open(
    stage: Stage,
) -> None:
    person, page = stage.after_the_password(LOCKING, "first")
    secret = pyotp.TOTP(base32(page.totp_secret))
    code = secret.now()
    assert person.sends(page, totp=code, totpSecret=page.totp_secret, userLabel="phone").code

    person, page = _before_the_code(stage, "first")
    page = person.sends(page, otp=code)  # used at the enrolment
    assert page.code is None
    assert page.asks_for_otp
    for _ in range(2):
        page = person.sends(page, otp="000000")
        assert page.code is None
    next_code = secret.at(int(time.time()) + 30)  # not used yet, and accepted ahead of its time
    assert person.sends(page, otp=next_code).code is None
    person = stage.person(LOCKING)
    page = person.sends(person.opens(), username=f"{LOCKING}-first", password=PASSWORD)
    assert page.asks_for_password  # the password is right, and the account is locked


def test_a_code_that_nobody_has_used_opens(stage: Stage) -> None:
    person, page = stage.after_the_password(LOCKING, "second")
    secret = pyotp.TOTP(base32(page.totp_secret))
    assert person.sends(page, totp=secret.now(), totpSecret=page.totp_secret, userLabel="phone").code
    person, page = _before_the_code(stage, "second")
    assert person.sends(page, otp=secret.at(int(time.time()) + 30)).code


def _before_the_code(stage: Stage, name: str) -> tuple[Person, Page]:
    person = stage.person(LOCKING)
    page = person.sends(person.opens(), username=f"{LOCKING}-{name}", password=PASSWORD)
    assert page.asks_for_otp
    return person, page


# ---------------------------------------------------------------- recovery codes


@pytest.fixture(scope="module")
def enrolled(stage: Stage) -> tuple[pyotp.TOTP, list[str]]:
    """What the second person of the realm for everyone has set up at the first login."""
    person, page = stage.after_the_password(EVERYONE, "second")
    assert page.asks_to_set_up_otp
    secret = pyotp.TOTP(base32(page.totp_secret))
    page = person.sends(page, totp=secret.now(), totpSecret=page.totp_secret, userLabel="phone")
    codes = page.recovery_codes
    assert len(codes) == 12  # who sets up a one-time password is led to the codes
    assert person.sends(page, **page.hidden).code
    return secret, codes


def _asked_for_a_code(stage: Stage) -> tuple[Person, Page]:
    person = stage.person(EVERYONE)
    page = person.sends(person.opens(), username=f"{EVERYONE}-second", password=PASSWORD)
    assert page.asks_for_otp
    page = person.tries_another_way(page, CODES)
    assert page.asks_for_recovery_code
    return person, page


def test_a_recovery_code_opens_once(stage: Stage, enrolled: tuple[pyotp.TOTP, list[str]]) -> None:
    _, codes = enrolled
    person, page = _asked_for_a_code(stage)
    used = page.number_of_the_code
    assert person.sends(page, recoveryCodeInput=codes[used - 1]).code
    person, page = _asked_for_a_code(stage)
    again = person.sends(page, recoveryCodeInput=codes[used - 1])
    assert again.code is None
    assert again.number_of_the_code == used + 1
    assert person.sends(again, recoveryCodeInput=codes[used]).code


# ---------------------------------------------------------------- what the lists and doctor tell


def test_the_lists_know_every_factor_that_somebody_has_set_up(
    stage: Stage, enrolled: tuple[pyotp.TOTP, list[str]]
) -> None:
    server = stage.world.keycloak(stage.catalog)
    have([target(server)])
    realm = stage.world.realm(EVERYONE)
    accounts = [(realm, f"{EVERYONE}-{name}") for name in ("second", "no-longer")]
    found = credentials.factors(server, accounts)
    assert {kind for kind, _ in found[accounts[0]]} == {"totp", "recovery-codes"}
    assert all(isinstance(since, int) for _, since in found[accounts[0]])
    assert found[accounts[1]] == ()


def test_doctor_counts_who_has_no_factor_and_who_holds_a_role_of_which_there_may_be_only_so_many(stage: Stage) -> None:
    limited = replace(stage.catalog.roles["editor"], max_holders=9)
    catalog = replace(stage.catalog, roles={**stage.catalog.roles, "editor": limited})
    server = stage.world.keycloak(catalog)
    counted = {one.name: one for one in people.checks(server, catalog, have([target(server)]))}
    assert counted["holders of editor"].ok
    assert counted["holders of editor"].detail.startswith("9 accounts")
    assert counted["second factor"].detail.startswith("of 12 people who are asked")

    editor = stage.world.by_hand("GET", BY_ROLE, "/roles/editor").json()
    (viewer,) = stage.world.by_hand("GET", BY_ROLE, f"/users?username={BY_ROLE}-viewer&exact=true").json()
    stage.world.by_hand("POST", BY_ROLE, f"/users/{viewer['id']}/role-mappings/realm", [editor])
    counted = {one.name: one for one in people.checks(server, catalog, have([target(server)]))}
    assert not counted["holders of editor"].ok
    stage.world.apply(stage.catalog)


# ---------------------------------------------------------------- a change of the flow


def test_who_is_in_the_middle_of_a_login_gets_in_while_the_flow_changes(
    stage: Stage, enrolled: tuple[pyotp.TOTP, list[str]]
) -> None:
    """Whoever stands before a form is led to the password once more; who sets up a factor or is in does not notice."""
    world, before, codes = stage.world, _bound(stage.world, EVERYONE), enrolled[1]
    at_the_password = stage.person(EVERYONE)
    form = at_the_password.opens()
    inside, asked = _asked_for_a_code(stage)
    tokens = inside.token(inside.sends(asked, recoveryCodeInput=codes[asked.number_of_the_code - 1])).json()
    at_the_code, asked = _asked_for_a_code(stage)
    enrolling, setup = stage.after_the_password(EVERYONE, "third")

    catalog = world.here(the_platform(factors=("totp", "passkey")))
    world.apply(catalog)
    assert _bound(world, EVERYONE) != before

    assert inside.refreshed(tokens["refresh_token"]).ok
    assert inside.opens().code
    code = pyotp.TOTP(base32(setup.totp_secret)).now()
    page = enrolling.sends(setup, totp=code, totpSecret=setup.totp_secret, userLabel="phone")
    assert enrolling.sends(page, **page.hidden).code
    held = codes[asked.number_of_the_code - 1]
    for person, page in (
        (at_the_password, at_the_password.sends(form, username=f"{EVERYONE}-second", password=PASSWORD)),
        (at_the_code, at_the_code.sends(asked, recoveryCodeInput=held)),
    ):
        assert page.code is None
        assert page.asks_for_password
        page = person.sends(page, username=f"{EVERYONE}-second", password=PASSWORD)
        page = person.tries_another_way(page, CODES)
        assert person.sends(page, recoveryCodeInput=codes[page.number_of_the_code - 1]).code
    world.apply(stage.catalog)
