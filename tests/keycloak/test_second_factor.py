"""The second factor on the real Keycloak: no way around it stays unseen, and nobody is locked out by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
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
from tests.keycloak.conftest import a_world, told
from tests.keycloak.stage import PASSWORD, Stage, base32
from tests.keycloak.ways import (
    BY_ROLE,
    EVERYONE,
    WAYS,
    Edit,
    a_flow_by_a_name_like_ours,
    a_flow_of_the_clients_own,
    a_person_exempted,
    another_flow_bound,
    bound,
    no_second_level_for_a_service,
    no_second_level_for_the_console,
    nobody_asked_for_a_factor,
    the_exempting_attribute_undeclared,
    the_role_out_of_another,
)

pytestmark = pytest.mark.servers

LOCKING = "sano"  # one-time passwords, and an account is locked after three wrong ones
CODES = "リカバリー認証コード"  # as the login page calls them
PASSKEY = {"domain": "localhost", "user_verification": "required"}


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


@pytest.mark.parametrize("way", [another_flow_bound, nobody_asked_for_a_factor, a_flow_of_the_clients_own])
def test_who_came_in_past_the_login_flow_is_out_when_it_is_mended(stage: Stage, way: Edit) -> None:
    way(stage.world)
    person, page = stage.after_the_password(EVERYONE, "first")
    refresh = person.token(page).json()["refresh_token"]
    assert person.refreshed(refresh).ok
    stage.world.apply(stage.catalog)
    assert not person.refreshed(refresh).ok
    assert person.opens().asks_for_password


def test_who_came_in_by_a_flow_that_somebody_has_given_a_name_like_ours_is_out_when_it_is_mended(stage: Stage) -> None:
    a_flow_by_a_name_like_ours(stage.world)
    person, page = stage.after_the_password(EVERYONE, "first")
    refresh = person.token(page).json()["refresh_token"]
    stage.world.apply(stage.catalog)
    assert not person.refreshed(refresh).ok
    assert told(stage.world.plan(stage.catalog)) == []


def test_who_came_in_with_less_than_a_service_asks_for_is_out_when_it_is_mended(stage: Stage) -> None:
    stage.with_password(EVERYONE, "exempt")
    no_second_level_for_a_service(stage.world)
    safe = _through_safe(stage, EVERYONE)
    page = safe.signs_in(f"{EVERYONE}-exempt", PASSWORD)
    refresh = safe.token(page).json()["refresh_token"]
    assert safe.refreshed(refresh).ok
    stage.world.apply(stage.catalog)
    assert not safe.refreshed(refresh).ok
    assert safe.opens().asks_for_password


def test_who_came_to_the_console_with_less_than_git_says_is_out_when_it_is_mended(stage: Stage) -> None:
    username = stage.with_password(EVERYONE, "exempt")
    no_second_level_for_the_console(stage.world)
    console, callback = _at_the_console(stage)
    console.sends(console.opens(callback), username=username, password=PASSWORD)
    sessions = f"/users/{stage.user(EVERYONE, 'exempt')['id']}/sessions"
    assert stage.world.get(EVERYONE, sessions)
    stage.world.apply(stage.catalog)
    assert stage.world.get(EVERYONE, sessions) == []


def _at_the_console(stage: Stage) -> tuple[Person, str]:
    world = stage.world
    url = f"{world.server.url}/realms/{world.realm(EVERYONE)}"
    callback = f"{world.server.url}/admin/{world.realm(EVERYONE)}/console/"
    return Person(url, "security-admin-console", ""), callback


def test_another_flow_of_ours_leaves_everybody_in(stage: Stage) -> None:
    person, page = stage.after_the_password(EVERYONE, "exempt")
    refresh = person.token(page).json()["refresh_token"]
    other = stage.world.here(the_platform(step_up=200))
    stage.world.apply(other)
    assert person.refreshed(refresh).ok
    stage.world.apply(stage.catalog)
    assert person.refreshed(refresh).ok


def test_the_console_of_a_realm_asks_for_a_factor_of_somebody_who_is_left_out_elsewhere(stage: Stage) -> None:
    username = stage.with_password(EVERYONE, "exempt")
    person, callback = _at_the_console(stage)
    page = person.sends(person.opens(callback), username=username, password=PASSWORD)
    assert page.asks_to_set_up_otp


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
    world, before, codes = stage.world, bound(stage.world, EVERYONE), enrolled[1]
    at_the_password = stage.person(EVERYONE)
    form = at_the_password.opens()
    inside, asked = _asked_for_a_code(stage)
    tokens = inside.token(inside.sends(asked, recoveryCodeInput=codes[asked.number_of_the_code - 1])).json()
    at_the_code, asked = _asked_for_a_code(stage)
    enrolling, setup = stage.after_the_password(EVERYONE, "third")

    catalog = world.here(the_platform(factors=("totp", "passkey")))
    world.apply(catalog)
    assert bound(world, EVERYONE) != before

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
