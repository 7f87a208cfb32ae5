"""How somebody gets into a new account, on the real Keycloak: by a password for one login, or by a link by mail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, FirstPassword, MailServer, MfaMode, People
from control_plane.engine.apply import Failed, apply
from control_plane.engine.plan import Create, Plan
from control_plane.engine.values import plain
from control_plane.keycloak import actions, target
from tests.building import Part, a_platform, during, in_environment, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.postbox import Postbox, a_postbox

pytestmark = pytest.mark.servers
STORE, MAIL = "tochigi", "nikko"  # the realm of each way
FIRST, SECOND = "first_password", "correct horse battery staple"


@pytest.fixture(scope="module")
def postbox() -> Iterator[Postbox]:
    with a_postbox() as box:
        yield box


def platform(postbox: Postbox, *people: Part, mails: bool = True) -> Catalog:
    mail = MailServer("127.0.0.1", postbox.port, "none") if mails else None
    realm = {"mfa": MfaMode.BY_ROLE, "password_policy": {"length": 12}, "locales": ("en",)}
    return a_platform(
        in_environment(mail=mail),
        with_tenant(STORE, people=People(first_password=FirstPassword.STORE), **realm),
        with_tenant(
            MAIL,
            people=People(first_password=FirstPassword.MAIL),
            sender={"from": "noreply@example.jp"},
            **realm,
        ),
        *people,
    )


@pytest.fixture(scope="module")
def shared(keycloak_server: KeycloakServer, postbox: Postbox) -> Iterator[World]:
    for world in a_world(keycloak_server):
        world.apply(world.here(platform(postbox)))
        for realm in (STORE, MAIL):
            app = {"clientId": "app", "redirectUris": [CALLBACK], "publicClient": True}
            world.by_hand("POST", realm, "/clients", app)
        yield world


@pytest.fixture
def world(shared: World, postbox: Postbox) -> Iterator[World]:
    postbox.mails.clear()
    postbox.closed = False
    yield shared
    for realm in (STORE, MAIL):
        for one in _users(shared, realm):
            shared.by_hand("DELETE", realm, f"/users/{one['id']}")


def _users(world: World, realm: str) -> list[dict[str, Any]]:
    found = world.get(realm, "/users?max=100")
    assert isinstance(found, list)
    return found


def _invited(world: World) -> list[str] | None:
    return _users(world, MAIL)[0]["attributes"].get("renkei-invited")


def _person(world: World, realm: str) -> Person:
    return Person(f"{world.server.url}/realms/{world.realm(realm)}", "app", "")


def _created(plan: Plan) -> Create:
    (change,) = plan
    assert isinstance(change, Create)
    return change


# ---------------------------------------------------------------- by the store


def test_a_new_person_signs_in_with_the_password_of_the_store_once_and_sets_his_own(
    world: World, postbox: Postbox
) -> None:
    catalog = world.here(platform(postbox, with_user("newcomer", tenant=STORE)))
    world.apply(catalog)
    assert told(world.plan(catalog)) == []
    first = f"value of people/{world.realm(STORE)}.newcomer#password"
    person = _person(world, STORE)
    page = person.signs_in("newcomer", first)
    assert page.code is None
    assert 'name="password-new"' in page.text
    assert person.sends(page, **{"password-new": SECOND, "password-confirm": SECOND}).code
    assert _person(world, STORE).signs_in("newcomer", first).asks_for_password
    assert told(world.plan(catalog)) == []


def test_a_plan_names_the_secret_and_never_holds_it(world: World, postbox: Postbox) -> None:
    change = _created(world.plan(world.here(platform(postbox, with_user("newcomer", tenant=STORE)))))
    shown = str(plain(change.want.initial))
    assert f"people/{world.realm(STORE)}.newcomer#password" in shown
    assert "value of" not in shown + repr(change)


def test_nobody_who_has_an_account_gets_another_password(world: World, postbox: Postbox) -> None:
    there = with_user("newcomer", tenant=STORE)
    world.apply(world.here(platform(postbox, there)))
    (before,) = _credentials(world)
    for people in ((), (there,), (with_user("newcomer", tenant=STORE, family_name="日光"),)):
        world.apply(world.here(platform(postbox, *people)))
    assert _credentials(world) == [before]


def _credentials(world: World) -> list[tuple[str, int]]:
    found = world.get(STORE, f"/users/{_users(world, STORE)[0]['id']}/credentials")
    assert isinstance(found, list)
    return [(one["id"], one["createdDate"]) for one in found]


ACTION = "/authentication/required-actions/UPDATE_PASSWORD"


def _action_off(world: World) -> None:
    world.by_hand("PUT", STORE, ACTION, {**world.by_hand("GET", STORE, ACTION).json(), "enabled": False})


def _action_removed(world: World) -> None:
    world.by_hand("DELETE", STORE, ACTION)


def _action_broken(world: World) -> None:
    """Without its alias: Keycloak answers 204 and finds it under no name any more."""
    found = world.by_hand("GET", STORE, ACTION).json()
    world.by_hand("PUT", STORE, ACTION, {name: value for name, value in found.items() if name != "alias"})


def test_a_first_password_that_a_hand_made_good_for_ever_is_security_drift_and_mended(
    world: World, postbox: Postbox
) -> None:
    catalog = world.here(platform(postbox, with_user("newcomer", tenant=STORE)))
    world.apply(catalog)
    first = f"value of people/{world.realm(STORE)}.newcomer#password"
    for edit, change in ((_action_off, "update"), (_action_removed, "create"), (_action_broken, "create")):
        edit(world)
        for _ in range(2):
            assert _person(world, STORE).signs_in("newcomer", first).code, edit
        plan = world.plan(catalog)
        assert told(plan) == [f"{change} action UPDATE_PASSWORD"]
        assert set(plan.dangers.values()) == {actions.AGAIN}
        world.apply(catalog)
        assert 'name="password-new"' in _person(world, STORE).signs_in("newcomer", first).text
        assert told(world.plan(catalog)) == []


def test_an_action_that_a_hand_made_the_default_for_new_accounts_is_drift_and_mended(
    world: World, postbox: Postbox
) -> None:
    catalog = world.here(platform(postbox))
    for name in ("UPDATE_PASSWORD", "CONFIGURE_TOTP"):
        where = f"/authentication/required-actions/{name}"
        world.by_hand("PUT", STORE, where, {**world.by_hand("GET", STORE, where).json(), "defaultAction": True})
    plan = world.plan(catalog)
    assert told(plan) == ["update action CONFIGURE_TOTP", "update action UPDATE_PASSWORD"]
    assert plan.dangers == {}, "new people are asked for more than Git says, not for less"
    world.apply(catalog)
    assert told(world.plan(catalog)) == []


# ---------------------------------------------------------------- by mail


def test_a_new_person_is_invited_and_sets_a_password_with_the_link(world: World, postbox: Postbox) -> None:
    catalog = world.here(platform(postbox, with_user("newcomer", tenant=MAIL)))
    world.apply(catalog)
    (link,) = postbox.links("newcomer@example.jp")
    assert _invited(world) == ["2026-10-05"]
    assert told(world.plan(catalog)) == []

    person = _person(world, MAIL)
    page = person.goes_to(person.visits(link), "/login-actions/action-token")
    person.sends(page, **{"password-new": SECOND, "password-confirm": SECOND})
    assert _person(world, MAIL).signs_in("newcomer", SECOND).code
    world.apply(catalog)
    assert len(postbox.mails) == 1


def test_an_invitation_that_did_not_go_out_is_said_and_sent_by_the_next_apply(world: World, postbox: Postbox) -> None:
    catalog = world.here(platform(postbox, with_user("newcomer", tenant=MAIL)))
    postbox.closed = True
    client = world.keycloak(catalog)
    (outcome,) = apply(world.plan(catalog, client), [target(client)])
    assert isinstance(outcome, Failed)
    assert _invited(world) == ["not yet"]

    postbox.closed = False
    (change,) = world.plan(catalog)
    assert [(one.path, one.before, one.after) for one in change.changes] == [(("invited",), False, True)]  # type: ignore[union-attr]
    world.apply(catalog)
    assert len(postbox.links("newcomer@example.jp")) == 1
    assert told(world.plan(catalog)) == []


def test_who_begins_later_is_invited_on_the_first_day(world: World, postbox: Postbox) -> None:
    later = with_user("newcomer", tenant=MAIL, period=during("2026-11-01"))
    world.apply(world.here(platform(postbox, later)))
    assert postbox.mails == []
    assert told(world.plan(world.here(platform(postbox, later)))) == []
    world.apply(world.here(platform(postbox, with_user("newcomer", tenant=MAIL, period=during("2026-10-01")))))
    assert len(postbox.links("newcomer@example.jp")) == 1


def test_without_a_mail_server_nobody_is_invited_and_with_one_everybody_who_waits(
    world: World, postbox: Postbox
) -> None:
    newcomer = with_user("newcomer", tenant=MAIL)
    world.apply(world.here(platform(postbox, newcomer, mails=False)))
    assert (postbox.mails, _invited(world)) == ([], ["not yet"])
    world.apply(world.here(platform(postbox, newcomer)))
    assert len(postbox.mails) == 1


def test_nobody_who_has_an_account_is_invited(world: World, postbox: Postbox) -> None:
    there = with_user("newcomer", tenant=MAIL)
    world.apply(world.here(platform(postbox, there)))
    for people in ((), (there,)):
        world.apply(world.here(platform(postbox, *people)))
    assert len(postbox.mails) == 1
