"""Who has not signed in for long, by the record of a real Keycloak: told, disabled where Git says so, and woken up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, Dormant, MfaMode, People, Period
from control_plane.engine.plan import Plan, make_plan
from control_plane.engine.read import have, want
from control_plane.engine.resource import Key, State
from control_plane.keycloak import KINDS, Keycloak, dormancy, target
from tests.building import Part, a_platform, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Person
from tests.keycloak.conftest import World, a_world, told, version_of

pytestmark = pytest.mark.servers
REALM, PASSWORD = "tochigi", "correct horse battery staple"
DAY = timedelta(days=1)
PEOPLE = ("away", "awake", "never")


def platform(
    *more: Part, dormant: Dormant = Dormant.DISABLE, days: int | None = 1, at: datetime | None = None
) -> Catalog:
    rule = People(dormant_days=days, dormant=dormant)
    people = [with_user(name, tenant=REALM) for name in PEOPLE]
    return a_platform(
        with_tenant(REALM, mfa=MfaMode.BY_ROLE, people=rule), *people, *more, at=at or datetime.now(UTC) + 2 * DAY
    )


class Office:
    """A realm in which `away` signed in before an instant, `awake` after it, and `never` not at all."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.apply(platform(days=None))
        world.by_hand("POST", REALM, "/clients", {"clientId": "app", "redirectUris": [CALLBACK], "publicClient": True})
        self.signs_in("away")
        time.sleep(1.2)
        self.between = datetime.now(UTC)
        time.sleep(1.2)
        self.signs_in("awake")

    @property
    def now(self) -> datetime:
        """So that a day ago is the instant in between."""
        return self.between + DAY

    def user(self, name: str) -> dict[str, Any]:
        found = self.world.get(REALM, f"/users?username={name}&exact=true")
        assert isinstance(found, list)
        user: dict[str, Any] = found[0]
        return user

    def signs_in(self, name: str) -> None:
        body = {"type": "password", "value": PASSWORD, "temporary": False}
        self.world.by_hand("PUT", REALM, f"/users/{self.user(name)['id']}/reset-password", body)
        person = Person(f"{self.world.server.url}/realms/{self.world.realm(REALM)}", "app", "")
        assert person.signs_in(name, PASSWORD).code

    def reads(self, catalog: Catalog) -> tuple[Keycloak, State, State]:
        client = self.world.keycloak(catalog)
        targets = [target(client)]
        wanted = want(targets, catalog, version_of)
        found = {key: one for key, one in have(targets).items() if key.within in catalog.realms}
        return client, wanted, found

    def dormant(self, catalog: Catalog, now: datetime | None = None) -> set[str]:
        here = self.world.here(catalog)
        client, _, there = self.reads(here)
        known = dormancy.records(client, here, there, now or self.now)
        return {key.name for key in dormancy.find(here, there, known, now or self.now)}

    def plan(self, catalog: Catalog, now: datetime | None = None) -> tuple[Plan, Keycloak, list[str]]:
        """As a run makes it."""
        here = self.world.here(catalog)
        client, wanted, there = self.reads(here)
        known = dormancy.records(client, here, there, now or self.now)
        asleep = dormancy.find(here, there, known, now or self.now)
        judged = dormancy.disabled(here, wanted, there, asleep)
        wanted = dormancy.sleeping(wanted, [key for key, stays in judged.items() if not stays])
        return make_plan(KINDS, wanted, there), client, list(dormancy.notes(here, asleep, judged))

    def apply(self, catalog: Catalog, now: datetime | None = None) -> None:
        if catalog.realms[REALM].baseline.people.dormant_days is None:
            self.world.apply(self.world.here(catalog))
            return
        plan, client, _ = self.plan(catalog, now)
        self.world.make(plan, client)
        assert told(self.plan(catalog, now)[0]) == []


@pytest.fixture(scope="module")
def office(keycloak_server: KeycloakServer) -> Iterator[Office]:
    for world in a_world(keycloak_server):
        yield Office(world)


@pytest.fixture(autouse=True)
def awake(office: Office) -> None:
    office.apply(platform(days=None))


def test_who_has_not_signed_in_for_so_long_is_found_and_nobody_else(office: Office) -> None:
    assert office.dormant(platform()) == {"away", "never"}
    assert office.dormant(platform(days=2)) == set()
    assert office.dormant(platform(days=None)) == set()


def test_nobody_is_dormant_before_the_account_is_that_old(office: Office) -> None:
    young = with_user("young", tenant=REALM)
    office.apply(platform(young, days=None))
    assert "young" not in office.dormant(platform(young))
    assert "young" in office.dormant(platform(young), datetime.now(UTC) + DAY)
    office.apply(platform(days=None))


def test_a_rule_that_only_reports_is_a_note_and_changes_nothing(office: Office) -> None:
    office.apply(platform(dormant=Dormant.REPORT))
    plan, _, notes = office.plan(platform(dormant=Dormant.REPORT))
    assert told(plan) == []
    assert notes == [f"without a login for 1 days in realm {office.world.realm(REALM)}: away, never"]


def test_a_rule_that_disables_does_so_with_a_mark_and_the_account_stays_so(office: Office) -> None:
    plan, _, notes = office.plan(platform())
    assert [line for line in told(plan) if line.startswith("update user ")] == ["update user away", "update user never"]
    assert notes == []
    office.apply(platform())
    for name, enabled in (("away", False), ("never", False), ("awake", True)):
        user = office.user(name)
        assert user["enabled"] is enabled
        assert ("renkei-dormant" in user["attributes"]) is not enabled
        assert user["firstName"]


def test_a_new_beginning_in_the_yaml_wakes_an_account_up(office: Office) -> None:
    office.apply(platform())
    woken = platform()
    tenant = woken.tenants[REALM]
    start = Period(office.between + timedelta(seconds=1))
    people = tuple(replace(one, period=start) if one.username == "away" else one for one in tenant.users)
    woken = replace(woken, tenants={**woken.tenants, REALM: replace(tenant, users=people)})
    office.apply(woken)
    assert office.user("away")["enabled"] is True
    assert "renkei-dormant" not in office.user("away")["attributes"]
    assert office.user("never")["enabled"] is False


def test_a_rule_that_goes_gives_the_accounts_back(office: Office) -> None:
    office.apply(platform())
    office.apply(platform(days=None))
    assert office.user("away")["enabled"] is True


def test_who_was_switched_on_by_hand_and_has_not_signed_in_is_disabled_again(office: Office) -> None:
    office.apply(platform())
    office.world.by_hand("PUT", REALM, f"/users/{office.user('away')['id']}", {"enabled": True})
    office.apply(platform())
    assert office.user("away")["enabled"] is False


def test_a_record_that_is_not_kept_or_does_not_reach_back_says_nothing_of_anybody(office: Office) -> None:
    before_all = office.between - timedelta(seconds=60)
    assert office.dormant(platform(), before_all + DAY) == set()
    office.world.by_hand("PUT", REALM, "/events/config", {"eventsEnabled": False, "adminEventsEnabled": True})
    assert office.dormant(platform()) == set()
    office.apply(platform(days=None))


def test_the_rest_of_a_long_record_is_asked_for_one_by_one(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dormancy, "PAGES", 1)
    monkeypatch.setattr(dormancy, "PAGE", 1)
    here = office.world.here(platform())
    client, _, _ = office.reads(here)
    record = dormancy.read(client, office.world.realm(REALM), PEOPLE, office.between - DAY)
    assert set(record.last) == {"away", "awake"}
    assert record.last["away"] < office.between < record.last["awake"]


def test_the_last_administrator_stays_enabled_and_is_told(office: Office) -> None:
    clients = office.world.get(REALM, "/clients?clientId=realm-management")
    assert isinstance(clients, list)
    role = office.world.get(REALM, f"/clients/{clients[0]['id']}/roles/realm-admin")
    mapping = f"/users/{office.user('away')['id']}/role-mappings/clients/{clients[0]['id']}"
    office.world.by_hand("POST", REALM, mapping, [role])
    try:
        plan, _, notes = office.plan(platform())
        assert "update user away" not in told(plan)
        assert notes == [
            "away has not signed in for 1 days and stays enabled: "
            f"nobody else administers realm {office.world.realm(REALM)}"
        ]
        other = f"/users/{office.user('awake')['id']}/role-mappings/clients/{clients[0]['id']}"
        office.world.by_hand("POST", REALM, other, [role])
        assert "update user away" in told(office.plan(platform())[0])
        office.world.by_hand("DELETE", REALM, other, [role])
    finally:
        office.world.by_hand("DELETE", REALM, mapping, [role])


def test_accounts_of_others_are_never_dormant(office: Office) -> None:
    office.world.by_hand("POST", REALM, "/users", {"username": "by-hand", "enabled": True})
    here = office.world.here(platform(with_user("by-hand", tenant=REALM)))
    client, _, there = office.reads(here)
    later = datetime.now(UTC) + 30 * DAY
    found = dormancy.find(here, there, dormancy.records(client, here, there, later), later)
    assert Key("keycloak.user", office.world.realm(REALM), "by-hand") not in found
    assert len(found) == len(PEOPLE)
    office.world.by_hand("DELETE", REALM, f"/users/{office.user('by-hand')['id']}")
