"""Data that nobody gets of a person who has not consented, on the real Keycloak: the page, the record, the way back."""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
import requests

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.engine.plan import Update
from control_plane.keycloak import consents
from tests.building import TOKEN, a_grant, a_platform, with_api, with_scope, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import a_world, told
from tests.keycloak.stage import PASSWORD, Stage

pytestmark = pytest.mark.servers

REALM = "nasushiobara"
WORDS = "お住まいの地区と、予約した施設の履歴"
RESIDENT, HEALTH = "data.resident", "data.health"


def a_platform_for_citizens() -> Catalog:
    return a_platform(
        with_tenant(REALM, mfa=MfaMode.BY_ROLE),
        with_scope("resident", owner=REALM, consent=WORDS),
        with_scope("health", owner=REALM, consent="健康診断の結果"),
        with_scope("facility", owner=REALM, disclosure="open"),
        with_api("ngsi-v2", auth=(TOKEN,)),
        *(
            with_service(
                name,
                a_grant("ngsi-v2", scopes=["resident", "health", "facility"]),
                auth=(TOKEN,),
                redirect_uris=(CALLBACK,),
            )
            for name in ("web", "edited")
        ),
        with_service("batch", a_grant("ngsi-v2", scopes=["resident", "facility"]), auth=(TOKEN,)),
        with_service("plain", a_grant("ngsi-v2", scopes=["facility"]), auth=(TOKEN,), redirect_uris=(CALLBACK,)),
        *(with_user(f"{REALM}-{name}") for name in ("accepts", "cancels", "revokes", "counted", "silent")),
    )


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = world.here(a_platform_for_citizens())
        world.apply(catalog)
        yield Stage(world, catalog)


def citizen(stage: Stage, *scopes: str, client: str = "web") -> Person:
    known = f"value of services/{REALM}.{client}#client_secret"
    asked = replace(stage.person(REALM), client_id=f"{REALM}.{client}", client_secret=known)
    return replace(asked, scope=" ".join(("openid", *scopes)), cookies={})


def asked(stage: Stage, name: str, *scopes: str) -> tuple[Person, Page]:
    """A citizen after the password, when the portal asks for these data."""
    person = citizen(stage, *scopes)
    return person, person.signs_in(stage.with_password(REALM, name), PASSWORD)


def claims(answer: requests.Response) -> dict[str, Any]:
    said: dict[str, Any] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return said


def test_what_was_applied_leaves_nothing_to_do(stage: Stage) -> None:
    assert told(stage.world.plan(stage.catalog)) == []


def test_the_page_asks_in_the_words_of_git_and_for_what_is_asked_alone(stage: Stage) -> None:
    _, page = asked(stage, "silent", RESIDENT)
    said = html.unescape(page.text)
    assert page.asks_for_consent and WORDS in said
    assert "健康診断" not in said


def test_who_does_not_consent_gives_nothing(stage: Stage) -> None:
    person, page = asked(stage, "cancels", RESIDENT)
    refused = person.sends(page, cancel="いいえ")
    assert (refused.code, refused.error) == (None, "access_denied")


def test_who_consents_gives_this_and_no_more_and_is_not_asked_again(stage: Stage) -> None:
    person, page = asked(stage, "accepts", RESIDENT)
    said = claims(person.token(person.sends(page, accept="はい")))
    assert said["data"] == {"facility": True, "resident": True}
    again = citizen(stage, RESIDENT).signs_in(f"{REALM}-accepts", PASSWORD)
    assert again.code
    more = citizen(stage, RESIDENT, HEALTH).signs_in(f"{REALM}-accepts", PASSWORD)
    assert more.asks_for_consent and WORDS not in html.unescape(more.text), "only what he has not consented to yet"


def test_whose_data_are_not_asked_for_is_not_asked_and_gives_none(stage: Stage) -> None:
    person, page = asked(stage, "silent")
    assert page.code
    assert claims(person.token(page))["data"] == {"facility": True}


def test_who_takes_the_consent_back_is_asked_anew_and_no_refresh_goes_on(stage: Stage) -> None:
    person, page = asked(stage, "revokes", RESIDENT)
    refresh = person.token(person.sends(page, accept="はい")).json()["refresh_token"]
    assert person.refreshed(refresh).ok
    id = stage.user(REALM, "revokes")["id"]
    stage.world.by_hand("DELETE", REALM, f"/users/{id}/consents/{REALM}.web")
    assert person.refreshed(refresh).status_code == 400
    assert citizen(stage, RESIDENT).signs_in(f"{REALM}-revokes", PASSWORD).asks_for_consent


def test_a_service_for_itself_is_asked_by_nobody(stage: Stage) -> None:
    """What it may do with the data is its grant; there is no person whose consent could be asked."""
    for name, extra in (("batch", {}), ("web", {"scope": RESIDENT})):
        form = {
            "grant_type": "client_credentials",
            "client_id": f"{REALM}.{name}",
            "client_secret": f"value of services/{REALM}.{name}#client_secret",
            **extra,
        }
        url = f"{stage.person(REALM).url}/protocol/openid-connect/token"
        assert claims(requests.post(url, data=form, timeout=30))["data"] == {"facility": True, "resident": True}


def test_the_record_says_who_has_consented_to_what(stage: Stage) -> None:
    person, page = asked(stage, "counted", RESIDENT)
    person.sends(page, accept="はい")
    server = stage.world.keycloak(stage.catalog)
    stage.world.plan(stage.catalog, server)
    realm = stage.world.realm(REALM)
    accounts = [(realm, f"{REALM}-{name}") for name in ("counted", "cancels")]
    found = consents.records(server, accounts)
    ((service, scopes, when),) = found[accounts[0]]
    assert (service, scopes) == (f"{REALM}.web", ("resident",))
    assert isinstance(when, int) and abs(when / 1000 - time.time()) < 600
    assert found[accounts[1]] == ()


# ---------------------------------------------------------------- changes


def client(stage: Stage, name: str) -> dict[str, Any]:
    found = stage.world.get(REALM, f"/clients?clientId={REALM}.{name}")
    assert isinstance(found, list)
    one: dict[str, Any] = found[0]
    return one


def scope(stage: Stage, name: str) -> dict[str, Any]:
    found = stage.world.get(REALM, "/client-scopes")
    assert isinstance(found, list)
    one: dict[str, Any] = next(one for one in found if one["name"] == name)
    return one


def test_only_who_signs_people_in_and_may_ask_for_such_data_asks_for_consent(stage: Stage) -> None:
    asking = {name: client(stage, name)["consentRequired"] for name in ("web", "batch", "plain")}
    assert asking == {"web": True, "batch": False, "plain": False}


def by_hand(stage: Stage) -> dict[str, dict[str, Any]]:
    """What somebody may do so that people are not asked, or not in these words."""
    edited, health = client(stage, "edited"), scope(stage, HEALTH)
    where = f"/client-scopes/{health['id']}"
    return {
        "nobody is asked": {
            "path": f"/clients/{edited['id']}",
            "json": {"clientId": edited["clientId"], "consentRequired": False},
        },
        "not on the page": {
            "path": where,
            "json": {"name": HEALTH, "attributes": {"display.on.consent.screen": "false"}},
        },
        "other words": {"path": where, "json": {"name": HEALTH, "attributes": {"consent.screen.text": "お知らせ"}}},
        "without asking for it": {
            "path": f"/clients/{edited['id']}/optional-client-scopes/{health['id']}",
            "method": "DELETE",
            "then": f"/clients/{edited['id']}/default-client-scopes/{health['id']}",
        },
    }


@pytest.mark.parametrize("how", ["nobody is asked", "not on the page", "other words", "without asking for it"])
def test_a_consent_that_is_switched_off_or_falsified_by_hand_is_security_drift_and_mended(
    stage: Stage, how: str
) -> None:
    world = stage.world
    edit = by_hand(stage)[how]
    world.by_hand(edit.get("method", "PUT"), REALM, edit["path"], edit.get("json"))
    if "then" in edit:
        world.by_hand("PUT", REALM, edit["then"])
    plan = world.plan(stage.catalog)
    (change,) = plan
    assert isinstance(change, Update) and plan.dangers[change.key]
    world.apply(stage.catalog)
    assert told(world.plan(stage.catalog)) == []
    person = citizen(stage, HEALTH, client="edited")
    page = person.signs_in(stage.with_password(REALM, "silent"), PASSWORD)
    assert page.asks_for_consent and "健康診断の結果" in html.unescape(page.text)


def test_what_needs_consent_is_taken_from_a_service_before_it_ceases_to_ask(stage: Stage) -> None:
    """Else a login in between would give it without a word. Keycloak's own record of changes tells the order."""
    tenant = stage.catalog.tenants[REALM]
    services = tuple(
        replace(one, grants=tuple(replace(grant, scopes=("facility",)) for grant in one.grants))
        if one.id == "edited"
        else one
        for one in tenant.services
    )
    less = replace(stage.catalog, tenants={**stage.catalog.tenants, REALM: replace(tenant, services=services)})
    id = client(stage, "edited")["id"]
    stage.world.by_hand("DELETE", REALM, "/admin-events")
    try:
        stage.world.apply(less)
        done = stage.world.get(REALM, f"/admin-events?resourcePath=clients/{id}*")
        assert isinstance(done, list)
        in_order = [
            (one["operationType"], one["resourcePath"].split("/")[2:3]) for one in sorted(done, key=lambda e: e["time"])
        ]
        taken = ("DELETE", ["optional-client-scopes"])
        assert in_order == [taken, taken, ("UPDATE", [])]
        assert told(stage.world.plan(less)) == []
        assert citizen(stage, RESIDENT, client="edited").opens().error == "Invalid scopes: openid data.resident"
    finally:
        stage.world.apply(stage.catalog)
