"""A first password by the command line: in the store before the account, good by the realm's rules, shown nowhere."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.servers

LINE = "  - {username: staff-03, family_name: 見本, given_name: 職員三, email: staff-03@example.jp, groups: [public]}\n"


def test_a_new_person_has_a_password_in_the_store_that_the_realm_takes_and_no_output_shows(world):
    rules = "password: {length: 24, upper: 2, lower: 2, digits: 2, special: 2, without_username: true}"
    world.edit("templates/realms.yaml", "password: {length: 12}", f"{rules}\n    people: {{first_password: store}}")
    before = world.apply()
    world.edit("tenants/city.yaml", "services:", LINE + "services:")
    plan, reviewed = world.renkei("plan"), world.renkei("plan", "--json")
    reference = f"people/{world.tenant}.staff-03"
    assert f"(secret {reference}#password, not there yet)" in plan.out
    after = world.apply()
    value = world.value(reference, "password")
    assert len(value) == 24
    told = "".join(said.out + said.err for said in (before, plan, reviewed, after, world.renkei("plan", "--json")))
    assert value not in told
    user = world.keycloak_by_hand("GET", "/users?username=staff-03&exact=true").json()[0]
    assert user["requiredActions"] == ["UPDATE_PASSWORD"]
    assert world.renkei("plan", "--exit-code").code == 0


def test_what_a_killed_run_has_made_in_the_store_is_the_password_of_the_account(world):
    world.edit("templates/realms.yaml", "password: {length: 12}", "people: {first_password: store}")
    world.secret(f"people/{world.tenant}.staff-01", password="made before the account")
    world.apply()
    assert world.value(f"people/{world.tenant}.staff-01", "password") == "made before the account"
    form = {"username": "staff-01", "password": "made before the account", "grant_type": "password"}
    flow = world.keycloak_by_hand("GET", "").json()
    world.keycloak_by_hand("PUT", "", {"realm": flow["realm"], "directGrantFlow": "direct grant"})
    answer = world.asks_for_a_token({**form, "client_id": "admin-cli"})
    assert answer["error_description"] == "Account is not fully set up", "the password is right, and must be changed"
