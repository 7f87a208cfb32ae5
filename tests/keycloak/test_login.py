"""People sign in on the real Keycloak, over HTTP: who must show a second factor, and that there is no way around it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jwt
import pyotp
import pytest
import requests

from control_plane.catalog.model import Auth, Catalog, MfaMode
from tests.building import a_platform, with_group, with_role, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.stage import PASSWORD, Stage, base32

pytestmark = pytest.mark.servers

REALMS = {"by-role": "tochigi", "everyone": "nikko", "two factors": "oyama", "two factors by role": "sano"}


def a_platform_to_sign_in_to() -> Catalog:
    parts = []
    for realm, mfa, factors in (
        ("tochigi", MfaMode.BY_ROLE, ("totp",)),
        ("nikko", MfaMode.EVERYONE, ("totp",)),
        ("oyama", MfaMode.EVERYONE, ("totp", "passkey")),
        ("sano", MfaMode.BY_ROLE, ("totp", "passkey")),
    ):
        parts += [
            with_tenant(realm, mfa=mfa, factors=factors),
            with_group("dashboard", tenant=realm, roles=["dashboard-editor"]),
            with_user(f"{realm}-direct", tenant=realm, roles=["dashboard-editor"]),
            with_user(f"{realm}-group", tenant=realm, groups=["dashboard"]),
            with_user(f"{realm}-above", tenant=realm, roles=["operator"]),  # a role that includes one with MFA
            with_user(f"{realm}-viewer", tenant=realm, roles=["dashboard-viewer"]),
            with_service("web", tenant=realm, auth=[Auth.TOKEN], redirect_uris=(CALLBACK,)),
        ]
    return a_platform(
        with_role("dashboard-viewer"),
        with_role("dashboard-editor", mfa=True, includes=["dashboard-viewer"]),
        with_role("operator", includes=["dashboard-editor"]),
        *parts,
    )


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = world.here(a_platform_to_sign_in_to())
        world.apply(catalog)
        yield Stage(world, catalog)


@pytest.mark.parametrize("realm", REALMS.values(), ids=REALMS)
@pytest.mark.parametrize("name", ["direct", "group", "above"])
def test_with_a_role_that_demands_mfa_the_password_alone_leads_to_the_second_factor(
    stage: Stage, realm: str, name: str
) -> None:
    _, page = stage.after_the_password(realm, name)
    assert page.code is None
    assert page.asks_to_set_up_otp


@pytest.mark.parametrize("realm", ["tochigi", "sano"])
def test_without_such_a_role_the_password_is_enough_where_roles_decide(stage: Stage, realm: str) -> None:
    person, page = stage.after_the_password(realm, "viewer")
    assert page.code
    assert person.token(page).json()["access_token"]


@pytest.mark.parametrize("realm", ["nikko", "oyama"])
def test_everyone_shows_a_second_factor_where_the_template_says_so(stage: Stage, realm: str) -> None:
    _, page = stage.after_the_password(realm, "viewer")
    assert page.code is None
    assert page.asks_to_set_up_otp


@pytest.mark.parametrize("realm", REALMS.values(), ids=REALMS)
def test_who_has_enrolled_signs_in_with_the_code_and_not_without(stage: Stage, realm: str) -> None:
    person, page = stage.after_the_password(realm, "direct")
    secret = pyotp.TOTP(base32(page.totp_secret))
    done = person.sends(page, totp=secret.now(), totpSecret=page.totp_secret, userLabel="phone")
    assert done.code

    again = stage.person(realm)
    page = again.sends(again.opens(), username=f"{realm}-direct", password=PASSWORD)
    assert page.code is None
    assert page.asks_for_otp
    wrong = again.sends(page, otp="000000")
    assert wrong.code is None
    assert wrong.asks_for_otp


def test_the_users_list_shows_who_has_enrolled(stage: Stage) -> None:
    person, page = stage.after_the_password("tochigi", "group")
    assert stage.user("tochigi", "group")["totp"] is False
    code = pyotp.TOTP(base32(page.totp_secret)).now()
    person.sends(page, totp=code, totpSecret=page.totp_secret, userLabel="phone")
    assert stage.user("tochigi", "group")["totp"] is True
    assert told(stage.world.plan(stage.catalog)) == []  # what a person enrols is not drift


@pytest.mark.parametrize("client", ["web", "console"])
def test_a_password_sent_by_an_application_gives_no_token(stage: Stage, client: str) -> None:
    username = stage.with_password("tochigi", "viewer")
    form = {"grant_type": "password", "username": username, "password": PASSWORD}
    if client == "web":
        form |= {"client_id": "tochigi.web", "client_secret": "value of services/tochigi.web#client_secret"}
    else:
        form |= {"client_id": "admin-cli"}  # Keycloak's own client, for which the direct grant is open
    realm = stage.world.realm("tochigi")
    url = f"{stage.world.server.url}/realms/{realm}/protocol/openid-connect/token"
    answer = requests.post(url, data=form, timeout=30)
    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.text


def test_a_token_for_a_service_names_its_data_scopes_and_no_person(world: World) -> None:
    catalog = world.here(
        a_platform(
            with_tenant("tochigi"),
            with_service("reader", tenant="tochigi", reading="ngsi-v2", scopes=["road", "river"], auth=[Auth.TOKEN]),
        )
    )
    world.apply(catalog)
    (realm,) = catalog.realms
    form = {
        "grant_type": "client_credentials",
        "client_id": "tochigi.reader",
        "client_secret": "value of services/tochigi.reader#client_secret",
    }
    url = f"{world.server.url}/realms/{realm}/protocol/openid-connect/token"
    claims = _claims(requests.post(url, data=form, timeout=30).json()["access_token"])
    assert claims["data"] == {"road": True, "river": True}
    assert claims["aud"] == "tochigi"
    assert claims["azp"] == "tochigi.reader"
    assert set(claims["scope"].split()) == {"data.road", "data.river"}
    assert not claims.keys() & {"realm_access", "resource_access", "email", "preferred_username", "name", "clientHost"}


@pytest.fixture(scope="module")
def tokens(stage: Stage) -> dict[str, dict[str, Any]]:
    """What the tokens of one client say: its own, and those that a person got through it."""
    person, page = stage.after_the_password("tochigi", "viewer")
    login = person.token(page).json()
    with_secret = {"client_id": person.client_id, "client_secret": person.client_secret}
    url = f"{person.url}/protocol/openid-connect/token"

    def another(**form: str) -> dict[str, Any]:
        answer: dict[str, Any] = requests.post(url, data={**with_secret, **form}, timeout=30).json()
        return answer

    own = another(grant_type="client_credentials")
    refreshed = another(grant_type="refresh_token", refresh_token=login["refresh_token"])
    return {
        "own": _claims(own["access_token"]),
        "user": _claims(login["access_token"]),
        "user, refreshed": _claims(refreshed["access_token"]),
        "id": _claims(login["id_token"]),
        "refresh": _claims(login["refresh_token"]),
    }


@pytest.mark.parametrize("whose", ["own", "user", "user, refreshed"])
def test_every_access_token_of_a_client_of_ours_is_for_the_platform(
    tokens: dict[str, dict[str, Any]], whose: str
) -> None:
    assert tokens[whose]["aud"] == "tochigi"
    assert tokens[whose]["azp"] == "tochigi.web"


@pytest.mark.parametrize("whose", ["id", "refresh"])
def test_no_other_token_is_for_the_platform(tokens: dict[str, dict[str, Any]], whose: str) -> None:
    aud = tokens[whose]["aud"]
    assert "tochigi" not in ([aud] if isinstance(aud, str) else aud)


def test_a_client_that_signs_in_by_itself_says_so_and_a_login_through_it_never_does(
    tokens: dict[str, dict[str, Any]],
) -> None:
    assert {whose for whose, claims in tokens.items() if "service" in claims} == {"own"}
    assert tokens["own"]["service"] == tokens["own"]["azp"]
    assert {whose for whose, claims in tokens.items() if "sid" in claims} == {
        "user",
        "user, refreshed",
        "id",
        "refresh",
    }


@pytest.mark.parametrize("whose", ["own", "user", "user, refreshed"])
def test_an_access_token_says_nothing_personal(tokens: dict[str, dict[str, Any]], whose: str) -> None:
    usual = {"exp", "iat", "jti", "iss", "aud", "sub", "typ", "azp", "sid", "auth_time", "acr", "scope", "service"}
    assert tokens[whose].keys() <= usual | {"allowed-origins"}, tokens[whose]


def _claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
