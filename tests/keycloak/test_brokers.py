"""An identity provider that somebody adds by hand is a way around the second factor: it is seen, and closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from control_plane.catalog.model import Auth, MfaMode
from tests.building import a_platform, with_role, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import a_world, told
from tests.keycloak.stage import PASSWORD, Stage

pytestmark = pytest.mark.servers

HUB, CITY, ALIAS = "tochigi", "nikko", "city"
SECRET = "known to both realms"
SIGNS_IN = {"auth": [Auth.TOKEN], "redirect_uris": (CALLBACK,)}


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    """People of the hub with a role that demands a second factor; in the city's realm a password is enough."""
    for world in a_world(keycloak_server):
        catalog = world.here(
            a_platform(
                with_role("editor", mfa=True),
                *(with_tenant(realm, mfa=MfaMode.BY_ROLE) for realm in (HUB, CITY)),
                with_user(f"{HUB}-editor", tenant=HUB, roles=["editor"]),
                with_user(f"{CITY}-staff", tenant=CITY),
                with_service("web", tenant=HUB, **SIGNS_IN),
            )
        )
        world.apply(catalog)
        yield Stage(world, catalog)


def add_the_citys_provider(stage: Stage) -> None:
    """What an administrator does with a few clicks: the city's realm as a provider, and a link to it for one person."""
    world = stage.world
    hub, city = (f"{world.server.url}/realms/{world.realm(name)}" for name in (HUB, CITY))
    there = f"{city}/protocol/openid-connect"
    redirect = f"{hub}/broker/{ALIAS}/endpoint"
    client = {"clientId": "hub", "secret": SECRET, "redirectUris": [redirect]}
    world.by_hand("POST", CITY, "/clients", client)
    config = {
        "clientId": "hub",
        "clientSecret": SECRET,
        "clientAuthMethod": "client_secret_post",
        "issuer": city,
        "authorizationUrl": f"{there}/auth",
        "tokenUrl": f"{there}/token",
        "jwksUrl": f"{there}/certs",
        "useJwksUrl": "true",
        "validateSignature": "true",
        "syncMode": "IMPORT",
        "defaultScope": "openid",
    }
    provider = {"alias": ALIAS, "providerId": "oidc", "enabled": True, "config": config}
    world.by_hand("POST", HUB, "/identity-provider/instances", provider)
    staff, editor = stage.user(CITY, "staff"), stage.user(HUB, "editor")
    link = {"identityProvider": ALIAS, "userId": staff["id"], "userName": staff["username"]}
    world.by_hand("POST", HUB, f"/users/{editor['id']}/federated-identity/{ALIAS}", link)


def through_the_city(stage: Stage) -> tuple[Person, Page]:
    person = stage.person(HUB)
    page = person.goes_to(person.opens(), f"/broker/{ALIAS}/login")
    return person, person.sends(page, username=f"{CITY}-staff", password=PASSWORD)


def test_a_provider_added_by_hand_lets_people_in_without_the_second_factor_until_apply_closes_it(stage: Stage) -> None:
    _, page = stage.after_the_password(HUB, "editor")
    assert page.asks_to_set_up_otp  # who signs in here is asked
    stage.with_password(CITY, "staff")
    add_the_citys_provider(stage)
    person, page = through_the_city(stage)
    held = person.token(page).json()
    assert person.refreshed(held["refresh_token"]).ok  # and who comes from there is not

    plan = stage.world.plan(stage.catalog)
    assert told(plan) == ["update brokering identity-providers"]
    [why] = plan.dangers.values()
    assert "second factor" in why
    stage.world.make(plan, stage.world.keycloak(stage.catalog))

    assert not stage.world.plan(stage.catalog)
    assert not person.refreshed(held["refresh_token"]).ok
    assert f"/broker/{ALIAS}/" not in stage.person(HUB).opens().text
    kept = stage.world.get(HUB, f"/identity-provider/instances/{ALIAS}")
    assert isinstance(kept, dict)
    assert (kept["enabled"], kept["config"]["clientId"]) == (False, "hub")


def test_a_provider_is_seen_however_many_there_are(stage: Stage) -> None:
    """Keycloak gives the first hundred, unless it is asked for more."""
    config = {"clientId": "x", "authorizationUrl": "https://idp.example.jp/a", "tokenUrl": "https://idp.example.jp/t"}
    for number in range(101):
        enabled = number == 100
        provider = {"alias": f"z-{number:03}", "providerId": "oidc", "enabled": enabled, "config": config}
        stage.world.by_hand("POST", CITY, "/identity-provider/instances", provider)
    assert [key.within for key in stage.world.plan(stage.catalog).dangers] == [stage.world.realm(CITY)]
    stage.world.apply(stage.catalog)
