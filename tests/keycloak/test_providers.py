"""Identity providers that Git names: who comes through one, by which steps, and what a hand may not change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from control_plane.catalog.model import MfaMode, SecretRef
from control_plane.engine.plan import Update
from control_plane.keycloak import flows
from control_plane.keycloak import links as linking
from control_plane.problems import Refused
from tests.conftest import KeycloakServer
from tests.keycloak.browser import Person
from tests.keycloak.conftest import a_world, told
from tests.keycloak.doors import (
    CITY,
    HUB,
    JOINS,
    KEY,
    LINKS,
    SECRET,
    accounts,
    links,
    the_platform,
    through,
    unlinked,
    with_a_phone,
)
from tests.keycloak.stage import PASSWORD, Stage

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = the_platform(world, LINKS, JOINS)
        world.apply(catalog)
        hub = f"{world.server.url}/realms/{world.realm(HUB)}/broker"
        endpoints = [f"{hub}/{name}/endpoint" for name in (LINKS, JOINS)]
        world.by_hand("POST", CITY, "/clients", {"clientId": "hub", "secret": SECRET, "redirectUris": endpoints})
        certs = f"{world.server.url}/realms/{world.realm(HUB)}/protocol/openid-connect/certs"
        signed = {"jwks.url": certs, "use.jwks.url": "true", "token.endpoint.auth.signing.alg": "RS256"}
        client = {"clientId": "hub-by-key", "clientAuthenticatorType": "client-jwt", "attributes": signed}
        world.by_hand("POST", CITY, "/clients", {**client, "redirectUris": [f"{hub}/{KEY}/endpoint"]})
        yield Stage(world, catalog)


def test_apply_then_plan_is_empty_and_both_doors_have_our_flows(stage: Stage) -> None:
    assert not stage.world.plan(stage.catalog)
    for door, purpose in ((LINKS, "existing"), (JOINS, "create")):
        found = stage.world.get(HUB, f"/identity-provider/instances/{door}")
        assert isinstance(found, dict)
        assert found["firstBrokerLoginFlowAlias"].startswith(f"renkei-first-login-{purpose}-v1-")
        assert found["postBrokerLoginFlowAlias"].startswith("renkei-after-provider-v1-")
        assert (found["enabled"], found["trustEmail"]) == (True, False)


@pytest.mark.parametrize("door", [LINKS, JOINS, KEY])
def test_who_is_known_proves_that_the_account_is_his_and_is_asked_for_it_once(stage: Stage, door: str) -> None:
    unlinked(stage, "known")
    username = stage.with_password(HUB, "known")
    person, page = through(stage, door, "known")
    assert page.asks_for_password
    assert links(stage, "known") == []
    page = person.sends(page, username=username, password="not the password of this account")
    assert page.asks_for_password
    assert links(stage, "known") == []
    page = person.sends(page, username=username, password=PASSWORD)
    assert person.token(page).ok
    assert links(stage, "known") == [door]

    again, page = through(stage, door, "known")
    assert again.token(page).ok
    assert not stage.world.plan(stage.catalog)


def test_a_wrong_link_is_undone_and_its_session_ends_and_the_next_login_begins_with_a_proof(stage: Stage) -> None:
    unlinked(stage, "known")
    username = stage.with_password(HUB, "known")
    person, page = through(stage, LINKS, "known")
    refresh = person.token(person.sends(page, username=username, password=PASSWORD)).json()["refresh_token"]
    server, realm = stage.world.keycloak(stage.catalog), stage.world.realm(HUB)
    id = linking.account(server, realm, username)
    assert id is not None
    assert set(linking.of_account(server, realm, id)) == {LINKS}
    linking.undo(server, realm, id, LINKS)
    linking.undo(server, realm, id, LINKS)  # again does no harm
    assert links(stage, "known") == []
    assert not person.refreshed(refresh).ok
    assert through(stage, LINKS, "known")[1].asks_for_password


def test_who_is_unknown_is_refused_where_only_accounts_that_are_there_may_come(stage: Stage) -> None:
    before = accounts(stage)
    _, page = through(stage, LINKS, "stranger")
    assert page.code is None
    assert not page.asks_for_password
    assert accounts(stage) == before


def test_who_is_unknown_gets_one_account_where_git_says_so(stage: Stage) -> None:
    before = accounts(stage)
    person, page = through(stage, JOINS, "new")
    assert person.token(page).ok
    assert accounts(stage) - before == {f"{CITY}-new"}
    again, page = through(stage, JOINS, "new")
    assert again.token(page).ok
    assert accounts(stage) - before == {f"{CITY}-new"}
    assert not stage.world.plan(stage.catalog)


def test_who_must_show_a_second_factor_shows_it_before_the_link_once_and_at_every_later_login(stage: Stage) -> None:
    username = stage.with_password(HUB, "editor")
    person, page = through(stage, LINKS, "editor")
    page = person.sends(page, username=username, password=PASSWORD)
    assert page.asks_to_set_up_otp  # who has none yet

    code = with_a_phone(stage, "editor")
    person, page = through(stage, JOINS, "editor")
    page = person.sends(page, username=username, password=PASSWORD)
    assert page.asks_for_otp
    assert JOINS not in links(stage, "editor")
    page = person.sends(page, otp="000000")
    assert page.asks_for_otp
    assert JOINS not in links(stage, "editor")
    page = person.sends(page, otp=code())
    assert person.token(page).ok  # the code is good for one use: it is not asked for again
    assert JOINS in links(stage, "editor")

    _, page = through(stage, JOINS, "editor")
    assert page.asks_for_otp


def test_a_service_that_asks_for_more_gets_it_from_who_comes_through_a_provider_too(stage: Stage) -> None:
    safe = Person(stage.person(HUB).url, f"{HUB}.safe", f"value of services/{HUB}.safe#client_secret")
    unlinked(stage, "known")
    username = stage.with_password(HUB, "known")
    _, page = through(stage, LINKS, "known", safe)
    page = safe.sends(page, username=username, password=PASSWORD)
    assert page.asks_to_set_up_otp  # no role of his demands it

    code = with_a_phone(stage, "known")
    person, page = through(stage, LINKS, "known")
    assert person.token(page).ok
    safe.cookies = person.cookies  # the same browser: who is signed in already is asked for the factor alone
    page = safe.opens()
    assert page.asks_for_otp
    assert safe.token(safe.sends(page, otp=code())).ok


def test_the_flow_after_the_login_taken_away_by_hand_is_security_drift_and_mended(stage: Stage) -> None:
    stage.with_password(HUB, "known")
    unlinked(stage, "known")
    person, page = through(stage, LINKS, "known")
    page = person.sends(page, username=f"{HUB}-known", password=PASSWORD)
    held = person.token(page).json()
    assert person.refreshed(held["refresh_token"]).ok

    where = f"/identity-provider/instances/{LINKS}"
    found = stage.world.get(HUB, where)
    assert isinstance(found, dict)
    stage.world.by_hand("PUT", HUB, where, {**found, "postBrokerLoginFlowAlias": ""})

    plan = stage.world.plan(stage.catalog)
    assert told(plan) == [f"update provider {LINKS}"]
    [why] = plan.dangers.values()
    assert "without the second factor" in why
    stage.world.make(plan, stage.world.keycloak(stage.catalog))
    assert not stage.world.plan(stage.catalog)
    assert stage.world.get(HUB, where) == found
    assert not person.refreshed(held["refresh_token"]).ok


def test_a_flow_that_people_pass_and_that_a_hand_has_edited_is_made_anew_and_passed_again(stage: Stage) -> None:
    found = stage.world.get(HUB, f"/identity-provider/instances/{LINKS}")
    assert isinstance(found, dict)
    for field in ("firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias"):
        alias = found[field]
        executions = stage.world.get(HUB, f"/authentication/flows/{alias}/executions")
        assert isinstance(executions, list)
        disabled = {**executions[0], "requirement": "DISABLED"}
        stage.world.by_hand("PUT", HUB, f"/authentication/flows/{alias}/executions", disabled)
        plan = stage.world.plan(stage.catalog)
        assert told(plan) == [f"update flow {alias}"]
        assert len(plan.dangers) == 1
        stage.world.apply(stage.catalog)
        assert not stage.world.plan(stage.catalog)
        assert stage.world.get(HUB, f"/identity-provider/instances/{LINKS}") == found


@pytest.mark.parametrize(
    "changed",
    [
        {"validateSignature": "false"},
        {"tokenUrl": "https://elsewhere.example.jp/token"},
        {"allowedClockSkew": "3600"},
        {"syncMode": "FORCE"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_setting_that_a_hand_has_changed_is_security_drift_and_mended(stage: Stage, changed: dict[str, str]) -> None:
    where = f"/identity-provider/instances/{LINKS}"
    found = stage.world.get(HUB, where)
    assert isinstance(found, dict)
    stage.world.by_hand("PUT", HUB, where, {**found, "config": {**found["config"], **changed}})
    plan = stage.world.plan(stage.catalog)
    assert told(plan) == [f"update provider {LINKS}"]
    assert len(plan.dangers) == 1
    stage.world.make(plan, stage.world.keycloak(stage.catalog))
    assert stage.world.get(HUB, where) == found


def test_a_mapper_that_a_hand_has_added_is_security_drift_and_taken_away(stage: Stage) -> None:
    mapper = {
        "name": "everybody an editor",
        "identityProviderAlias": LINKS,
        "identityProviderMapper": "oidc-hardcoded-role-idp-mapper",
        "config": {"syncMode": "FORCE", "role": "editor"},
    }
    stage.world.by_hand("POST", HUB, f"/identity-provider/instances/{LINKS}/mappers", mapper)
    plan = stage.world.plan(stage.catalog)
    assert told(plan) == [f"update provider {LINKS}"]
    assert len(plan.dangers) == 1
    stage.world.make(plan, stage.world.keycloak(stage.catalog))
    assert stage.world.get(HUB, f"/identity-provider/instances/{LINKS}/mappers") == []
    assert not stage.world.plan(stage.catalog)


def test_another_secret_is_written_and_the_one_that_is_there_is_not_written_again(stage: Stage) -> None:
    other = the_platform(stage.world, LINKS, JOINS, secret=SecretRef("providers/city", "next_secret"))
    plan = stage.world.plan(other)
    assert set(told(plan)) == {f"update provider {door}" for door in (LINKS, JOINS)}
    assert {one.path for change in plan if isinstance(change, Update) for one in change.changes} == {("clientSecret",)}
    assert not plan.dangers
    stage.world.make(plan, stage.world.keycloak(other))
    plan = stage.world.plan(other)
    assert not plan
    cannot_be_compared = {(want.key.name, name) for want, name in plan.unproven}
    assert cannot_be_compared == {(LINKS, "clientSecret"), (JOINS, "clientSecret")}
    _, page = through(stage, LINKS, "stranger")
    assert not page.asks_for_password  # the city does not know this secret
    stage.world.apply(stage.catalog)


def test_who_came_through_a_provider_that_leaves_git_is_signed_out_and_its_links_end(stage: Stage) -> None:
    stage.with_password(HUB, "known")
    unlinked(stage, "known")
    person, page = through(stage, LINKS, "known")
    page = person.sends(page, username=f"{HUB}-known", password=PASSWORD)
    held = person.token(page).json()

    without = the_platform(stage.world, JOINS)
    client = stage.world.keycloak(without)
    plan = stage.world.plan(without, client)
    assert told(plan)[0] == f"delete provider {LINKS}"
    assert "proves anew" in plan.costs[next(iter(plan)).key]
    stage.world.make(plan, client)
    assert not stage.world.plan(without)
    assert not person.refreshed(held["refresh_token"]).ok
    assert links(stage, "known") == []

    stage.world.apply(stage.catalog)
    _, page = through(stage, LINKS, "known")
    assert page.asks_for_password


def test_who_has_left_git_comes_in_no_more_by_the_citys_login(stage: Stage) -> None:
    stage.with_password(HUB, "known")
    unlinked(stage, "known")
    person, page = through(stage, LINKS, "known")
    held = person.token(person.sends(page, username=f"{HUB}-known", password=PASSWORD)).json()

    hub = stage.catalog.tenants[HUB]
    stay = tuple(one for one in hub.users if one.username != f"{HUB}-known")
    without = replace(stage.catalog, tenants={**stage.catalog.tenants, HUB: replace(hub, users=stay)})
    stage.world.apply(without)
    assert not person.refreshed(held["refresh_token"]).ok
    _, page = through(stage, LINKS, "known")
    assert page.code is None
    assert not page.asks_for_password
    stage.world.apply(stage.catalog)


def test_other_flows_where_the_second_factor_is_another_and_a_provider_of_others_keeps_none_of_before(
    stage: Stage,
) -> None:
    world = stage.world
    ours = world.get(HUB, f"/identity-provider/instances/{LINKS}")
    assert isinstance(ours, dict)
    config = {name: value for name, value in ours["config"].items() if not name.startswith("renkei")}
    provider = {**ours, "alias": "by-hand", "enabled": False, "config": {**config, "clientSecret": "x"}}
    world.by_hand("POST", HUB, "/identity-provider/instances", {**provider, "internalId": None})

    hub = stage.catalog.realms[world.realm(HUB)]
    changed = replace(hub, baseline=replace(hub.baseline, mfa=MfaMode.EVERYONE, recovery_codes=True))
    catalog = replace(stage.catalog, realms={**stage.catalog.realms, hub.name: changed})
    world.apply(catalog)
    assert not world.plan(catalog)
    found = world.get(HUB, "/authentication/flows")
    assert isinstance(found, list)
    wanted = {flow.alias for flow in flows.of(catalog, changed)}
    assert {one["alias"] for one in found if not one["builtIn"]} == wanted
    world.by_hand("DELETE", HUB, "/identity-provider/instances/by-hand")

    unlinked(stage, "known")
    username = stage.with_password(HUB, "known")
    code = with_a_phone(stage, "known")
    person, page = through(stage, LINKS, "known")
    page = person.sends(page, username=username, password=PASSWORD)
    assert page.asks_for_otp  # everybody is asked now, of two sorts of factor one, and once
    assert person.token(person.sends(page, otp=code())).ok
    world.apply(stage.catalog)


def test_a_provider_that_others_have_made_becomes_ours_with_its_links_where_adoption_is_asked_for(stage: Stage) -> None:
    world = stage.world
    unlinked(stage, "known")
    stage.with_password(HUB, "known")
    person, page = through(stage, LINKS, "known")
    assert person.token(person.sends(page, username=f"{HUB}-known", password=PASSWORD)).ok
    where = f"/identity-provider/instances/{LINKS}"
    ours = world.get(HUB, where)
    assert isinstance(ours, dict)
    config = {name: value for name, value in ours["config"].items() if not name.startswith("renkei")}
    world.by_hand("PUT", HUB, where, {**ours, "config": config, "postBrokerLoginFlowAlias": ""})

    with pytest.raises(Refused, match=f"{LINKS} is there already"):
        world.plan(stage.catalog)
    plan = world.plan(stage.catalog, adopt=True)
    assert told(plan) == [f"update provider {LINKS}"], "it is not among those that an apply closes"
    world.apply(stage.catalog, adopt=True)
    assert not world.plan(stage.catalog)
    assert world.get(HUB, where) == ours
    assert links(stage, "known") == [LINKS]
