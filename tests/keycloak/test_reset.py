"""A new password by mail on the real Keycloak: who reads the mail of somebody else does not get in by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pyotp
import pytest

from control_plane.catalog.model import Auth, Catalog, MailServer
from control_plane.engine.apply import Failed, apply
from control_plane.keycloak import abilities, target
from tests.building import a_platform, in_environment, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import a_world, told
from tests.keycloak.platforms import OLD
from tests.keycloak.postbox import Postbox, a_postbox
from tests.keycloak.stage import PASSWORD, Stage, base32

pytestmark = pytest.mark.servers

BY_MAIL, SILENT = "nikko", "sano"  # one template offers a new password by mail, the other says nothing of it
ANOTHER = "another horse battery staple"


def the_platform(box: Postbox, *by_mail: str) -> Catalog:
    parts = []
    for realm in (BY_MAIL, SILENT):
        login: dict[str, Any] = {"login": {"reset_password": True}} if realm in by_mail else {}
        parts += [
            with_tenant(realm, sender={"from": "noreply@example.jp"}, locales=("en",), **login),
            *(with_user(f"{realm}-{name}", tenant=realm) for name in ("first", "second")),
            with_service("web", tenant=realm, auth=[Auth.TOKEN], redirect_uris=(CALLBACK,)),
        ]
    return a_platform(in_environment(mail=MailServer("127.0.0.1", box.port, "none")), *parts)


@pytest.fixture(scope="module")
def box() -> Iterator[Postbox]:
    with a_postbox() as found:
        yield found


@pytest.fixture(scope="module")
def common(keycloak_server: KeycloakServer, box: Postbox) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = world.here(the_platform(box, BY_MAIL))
        world.apply(catalog)
        yield Stage(world, catalog)


@pytest.fixture
def stage(common: Stage, box: Postbox) -> Iterator[Stage]:
    box.mails.clear()
    yield common
    common.world.apply(common.catalog)


def _with_a_phone(stage: Stage, realm: str) -> tuple[Person, pyotp.TOTP, str]:
    """Somebody who is signed in with both factors, the secret of the phone, and what keeps the session."""
    person, page = stage.after_the_password(realm, "first")
    secret = pyotp.TOTP(base32(page.totp_secret))
    page = person.sends(page, totp=secret.now(), totpSecret=page.totp_secret, userLabel="phone")
    return person, secret, person.token(page).json()["refresh_token"]


def _by_the_mail(stage: Stage, realm: str, box: Postbox) -> tuple[Person, Page]:
    """What somebody sees who knows no password, reads the mail, and does what the pages ask for."""
    thief = stage.person(realm)
    page = thief.goes_to(thief.opens(), "/login-actions/reset-credentials")
    thief.sends(page, username=f"{realm}-first")
    (link,) = box.links(f"{realm}-first@example.jp")
    page = thief.visits(link)
    for _ in range(3):
        if page.asks_to_set_up_otp:
            code = pyotp.TOTP(base32(page.totp_secret)).now()
            page = thief.sends(page, totp=code, totpSecret=page.totp_secret, userLabel="another phone")
        elif 'name="password-new"' in page.text:
            page = thief.sends(page, **{"password-new": ANOTHER, "password-confirm": ANOTHER})
    return thief, page


@pytest.mark.skipif(not OLD, reason="the newest Keycloak has it")
def test_a_keycloak_that_would_let_the_reader_of_the_mail_in_is_refused_and_nothing_is_bound(
    keycloak_server: KeycloakServer, box: Postbox
) -> None:
    for world in a_world(keycloak_server):
        catalog = world.here(the_platform(box, BY_MAIL))
        client = world.keycloak(catalog)
        failed = [one for one in apply(world.plan(catalog, client), [target(client)]) if isinstance(one, Failed)]
        (problem,) = (problem for one in failed for problem in one.problems)
        assert "this Keycloak has no 'force-login' after a new password by mail" in problem.message
        realm = world.by_hand("GET", BY_MAIL, "").json()
        assert realm["resetCredentialsFlow"] == "reset credentials"
        (check,) = abilities.missing(client, catalog)
        assert "a login after a new password by mail" in check.detail


def test_whoever_reads_the_mail_sets_a_password_and_the_factor_is_asked_for_all_the_same(
    stage: Stage, box: Postbox
) -> None:
    _, secret, _ = _with_a_phone(stage, BY_MAIL)
    thief, page = _by_the_mail(stage, BY_MAIL, box)
    assert page.code is None
    assert "Your account has been updated" in page.text
    page = thief.signs_in(f"{BY_MAIL}-first", PASSWORD)
    assert page.asks_for_password  # it is no longer this one
    page = thief.sends(page, username=f"{BY_MAIL}-first", password=ANOTHER)
    assert page.asks_for_otp
    assert thief.sends(page, otp="000000").code is None
    person = stage.person(BY_MAIL)
    page = person.signs_in(f"{BY_MAIL}-first", ANOTHER)
    assert person.sends(page, otp=secret.at(int(time.time()) + 30)).code  # one that is not used yet


def test_keycloaks_own_way_to_a_new_password_is_security_drift_and_who_came_in_by_it_is_out(
    stage: Stage, box: Postbox
) -> None:
    world = stage.world
    _with_a_phone(stage, BY_MAIL)
    world.by_hand("PUT", BY_MAIL, "", {"resetCredentialsFlow": "reset credentials"})
    thief, page = _by_the_mail(stage, BY_MAIL, box)
    refresh = thief.token(page).json()["refresh_token"]  # in, with a second factor of his own
    plan = world.plan(stage.catalog)
    assert told(plan) == ["update binding reset"]
    assert [key.name for key in plan.dangers] == ["reset"]
    world.apply(stage.catalog)
    assert not thief.refreshed(refresh).ok
    assert told(world.plan(stage.catalog)) == []


def test_mails_with_new_passwords_that_no_template_asks_for_are_security_drift_and_who_came_in_is_out(
    stage: Stage, box: Postbox
) -> None:
    world = stage.world
    _with_a_phone(stage, SILENT)
    world.by_hand("PUT", SILENT, "", {"resetPasswordAllowed": True})
    thief, page = _by_the_mail(stage, SILENT, box)
    refresh = thief.token(page).json()["refresh_token"]
    plan = world.plan(stage.catalog)
    assert told(plan) == [f"update realm {world.realm(SILENT)}"]
    assert list(plan.dangers.values()) == ["whoever reads a person's mail sets the password"]
    world.apply(stage.catalog)
    assert not thief.refreshed(refresh).ok
    assert told(world.plan(stage.catalog)) == []


def test_a_flow_for_new_passwords_that_nobody_can_come_by_is_told_and_signs_nobody_out(stage: Stage) -> None:
    world = stage.world
    person, _, refresh = _with_a_phone(stage, SILENT)
    flow = {"alias": "by hand", "providerId": "basic-flow", "topLevel": True, "builtIn": False}
    world.by_hand("POST", SILENT, "/authentication/flows", flow)
    world.by_hand("PUT", SILENT, "", {"resetCredentialsFlow": "by hand"})
    plan = world.plan(stage.catalog)
    assert told(plan) == ["update binding reset"]
    assert [key.name for key in plan.dangers] == ["reset"]
    world.apply(stage.catalog)
    assert person.refreshed(refresh).ok


def test_a_template_that_begins_or_ends_to_offer_it_signs_nobody_out(stage: Stage, box: Postbox) -> None:
    world = stage.world
    person, _, refresh = _with_a_phone(stage, SILENT)
    for by_mail in ((BY_MAIL, SILENT), (BY_MAIL,)):
        catalog = world.here(the_platform(box, *by_mail))
        world.apply(catalog)
        assert told(world.plan(catalog)) == []
        assert person.refreshed(refresh).ok
