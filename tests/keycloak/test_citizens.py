"""Citizens come in by a service that has proven who they are: one account, their consent, another id at each service.

The proofing service is another realm of the same Keycloak, and tells nothing but a number of its own: what Keycloak's
profile demands besides, it asks the citizen for, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest

from control_plane.catalog.model import Catalog, MfaMode, Oidc
from tests.building import (
    SECRET_OF_A_PROVIDER,
    TOKEN,
    a_grant,
    a_platform,
    with_api,
    with_provider,
    with_scope,
    with_service,
    with_tenant,
    with_user,
)
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.stage import PASSWORD, Stage

pytestmark = pytest.mark.servers

HOME, PROOF, DOOR = "nasushiobara", "nikko", "proofing"
RESIDENT = "data.resident"


def for_citizens(world: World) -> Catalog:
    issuer = f"{world.server.url}/realms/{world.realm(PROOF)}"
    there = f"{issuer}/protocol/openid-connect"
    places = (issuer, f"{there}/auth", f"{there}/token", f"{there}/certs")
    spoken = Oidc(*places, "home", SECRET_OF_A_PROVIDER, scopes=("openid",))
    signs_in: dict[str, Any] = {"auth": [TOKEN], "redirect_uris": (CALLBACK,), "pairwise": True}
    return world.here(
        a_platform(
            with_tenant(HOME, mfa=MfaMode.BY_ROLE),
            with_tenant(PROOF, mfa=MfaMode.BY_ROLE),
            with_user(f"{PROOF}-citizen", tenant=PROOF),
            with_scope("resident", owner=HOME, consent="お住まいの地域"),
            with_api("ngsi-v2", auth=(TOKEN,)),
            with_service("passport", a_grant("ngsi-v2", scopes=["resident"]), tenant=HOME, **signs_in),
            with_service("library", a_grant("ngsi-v2", scopes=["resident"]), tenant=HOME, **signs_in),
            with_provider(DOOR, tenant=HOME, protocol=spoken, first_login="create"),
        )
    )


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = for_citizens(world)
        world.apply(catalog)
        back = f"{world.server.url}/realms/{world.realm(HOME)}/broker/{DOOR}/endpoint"
        secret = f"value of {SECRET_OF_A_PROVIDER}"
        client = {"clientId": "home", "secret": secret, "redirectUris": [back], "defaultClientScopes": ["basic"]}
        world.by_hand("POST", PROOF, "/clients", client)
        yield Stage(world, catalog)


def at(stage: Stage, service: str) -> tuple[Person, Page]:
    """The citizen, in a browser of his own, after the login over there."""
    known = f"value of services/{HOME}.{service}#client_secret"
    asked = replace(stage.person(HOME), client_id=f"{HOME}.{service}", client_secret=known)
    person = replace(asked, scope=f"openid {RESIDENT}", cookies={})
    stage.with_password(PROOF, "citizen")
    page = person.goes_to(person.opens(), f"/broker/{DOOR}/login")
    return person, person.sends(page, username=f"{PROOF}-citizen", password=PASSWORD)


ASKED = {"email": "citizen@example.jp", "lastName": "見本", "firstName": "市民"}


def at_first(stage: Stage, service: str) -> tuple[Person, Page]:
    """Likewise, when nobody has come yet: Keycloak asks for what is missing in the profile."""
    for account in stage.world.by_hand("GET", HOME, "/users").json():
        stage.world.by_hand("DELETE", HOME, f"/users/{account['id']}")
    person, page = at(stage, service)
    assert all(f'name="{field}"' in page.text for field in ASKED), page.text
    assert not page.asks_for_password
    return person, person.sends(page, **ASKED)


def claims(person: Person, page: Page) -> dict[str, Any]:
    answer = person.token(page)
    assert answer.ok, answer.text
    said: dict[str, Any] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return said


def test_a_citizen_gets_one_account_is_asked_for_consent_and_has_another_id_at_each_service(stage: Stage) -> None:
    person, page = at_first(stage, "passport")
    assert page.asks_for_consent, page.text
    first = claims(person, person.sends(page, accept="はい"))
    person, page = at(stage, "library")
    assert page.asks_for_consent
    second = claims(person, person.sends(page, accept="はい"))

    (account,) = stage.world.by_hand("GET", HOME, "/users").json()
    assert len({first["sub"], second["sub"], account["id"]}) == 3
    assert first["data"] == second["data"] == {"resident": True}
    assert {name: account[name] for name in ASKED} == ASKED
    assert account["emailVerified"] is False
    assert {"name", "email", "preferred_username", "given_name", "family_name"} & first.keys() == set()

    again, page = at(stage, "passport")
    assert claims(again, page)["sub"] == first["sub"], "not asked again, and the same id"
    assert told(stage.world.plan(stage.catalog)) == [], "the account is the citizen's and not ours"


def test_who_says_no_gives_nothing_to_that_service(stage: Stage) -> None:
    person, page = at_first(stage, "passport")
    refused = person.sends(page, cancel="いいえ")
    assert (refused.code, refused.error) == (None, "access_denied")
