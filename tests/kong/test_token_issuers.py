"""Tokens of another platform: taken for exactly what its service is granted, and for nobody else."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import jwt
import pytest

from control_plane.catalog.model import Catalog, TokenIssuer
from control_plane.engine.plan import Update
from tests.building import KEY, TOKEN, a_grant, a_platform, with_api, with_scope, with_service, with_tenant
from tests.kong.tokens import bearer, token
from tests.kong.world import World, lines, public_pem, realm_key, seen_by_upstream

pytestmark = pytest.mark.servers

CITY, OTHER = "https://id.city.example.jp/realms/platform", "https://id.other.example.jp/realms/platform"


def theirs(issuer: str = CITY, client: str = "link", audience: str = "tochigi", key: str | None = None) -> TokenIssuer:
    return TokenIssuer(issuer, client, audience, public_pem(key or issuer))


def platforms(*, name: str = "regional", of: TokenIssuer | None = None, **more: Any) -> Catalog:
    return a_platform(
        with_scope("road"),
        with_scope("river"),
        with_tenant("nasushiobara"),
        with_api("ngsi-v2", auth=more.pop("auth", (TOKEN,))),
        with_api("closed", auth=(TOKEN,), scoping="none"),
        with_service(name, a_grant("ngsi-v2", scopes=["road"]), auth=(TOKEN,), token_issuer=of or theirs(), **more),
        with_service("second", a_grant("closed"), auth=(TOKEN,), token_issuer=theirs(OTHER, "link-2", "second-aud")),
        with_service("portal", a_grant("ngsi-v2"), auth=(TOKEN,)),
    )


def shown(issuer: str = CITY, client: str = "link", signed_by: str | None = None, **claims: Any) -> dict[str, str]:
    """A token of a client's own account, as a Keycloak elsewhere writes it; a claim that is None is left out."""
    body = {
        "typ": "Bearer", "iss": issuer, "azp": client, "aud": "tochigi", "client_id": client, "sub": "an account",
        "exp": int(time.time()) + 300, **claims,
    }  # fmt: skip
    held = {name: value for name, value in body.items() if value is not None}
    return bearer(jwt.encode(held, realm_key(signed_by or issuer), "RS256"))


@pytest.fixture(params=[(TOKEN,), (KEY, TOKEN)], ids=["token", "either"])
def linked(world: World, request: pytest.FixtureRequest) -> World:
    world.apply(platforms(auth=request.param))
    return world


def test_it_is_the_service_to_the_upstream_with_the_data_that_it_is_granted(linked: World) -> None:
    heard = seen_by_upstream(linked.call("/ngsi/v2/x", **shown()))["headers"]
    assert heard["x-consumer-username"] == "nasushiobara.regional"
    assert heard["fiware-servicepath"] == "/road/#"


def test_it_gives_no_other_level_no_other_data_and_no_other_api(linked: World) -> None:
    assert linked.call("/ngsi/v2/x", "POST", **shown()).status_code == 403
    assert linked.call("/ngsi/v2/x", X_Data_Scope="river", **shown()).status_code == 403
    assert linked.call("/closed/v2/x", **shown()).status_code == 403


def test_a_platform_that_runs_renkei_too_says_whose_token_it_is_in_its_own_way(linked: World) -> None:
    assert linked.call("/ngsi/v2/x", **shown(client_id=None, service="link")).status_code == 200
    assert linked.call("/ngsi/v2/x", **shown(service="another")).status_code == 401


REFUSED: dict[str, dict[str, Any]] = {
    "of a person": {"sid": "a login"},
    "of a person, with the service's claim": {"sid": "a login", "service": "link"},
    "of nobody that is named": {"client_id": None},
    "an ID token": {"typ": "ID"},
    "for another audience": {"aud": "second-aud"},
    "for nobody": {"aud": None},
    "of another realm over there": {"iss": CITY + "-2"},
    "that has expired": {"exp": int(time.time()) - 60},
    "that is for later": {"nbf": int(time.time()) + 86_400},
    "signed by another platform that we trust": {"signed_by": OTHER},
    "signed by our own realm": {"signed_by": "nasushiobara"},
    "of another client over there": {"client": "link-3"},
    "of another service's client": {"client": "link-2", "aud": "second-aud"},
    "of our own issuer, signed over there": {"iss": "http://keycloak.test/realms/nasushiobara"},
    "in the name of the service here": {"client": "nasushiobara.regional"},
    "in the name of a service of ours": {"client": "nasushiobara.portal", "service": "nasushiobara.portal"},
}


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED)
def test_any_other_token_of_it_is_refused(linked: World, claims: dict[str, Any]) -> None:
    assert linked.call("/ngsi/v2/x", **shown(**claims)).status_code == 401
    assert linked.call("/closed/v2/x", **shown(**claims)).status_code in (401, 403)


def test_our_own_realm_has_no_token_for_a_service_of_another_platform(linked: World) -> None:
    assert linked.call("/ngsi/v2/x", **bearer(token("regional"))).status_code == 401
    assert linked.call("/ngsi/v2/x", **bearer(token("portal"))).status_code == 200


def test_another_key_in_git_takes_the_place_of_the_one_before_in_one_write(world: World) -> None:
    world.apply(platforms())
    renewed = platforms(of=theirs(key="their new key"))
    assert lines(world.plan(renewed)) == ["update kong.jwt nasushiobara.regional link"]
    world.apply(renewed)
    assert world.call("/ngsi/v2/x", **shown()).status_code == 401
    assert world.call("/ngsi/v2/x", **shown(signed_by="their new key")).status_code == 200


def test_a_key_that_is_changed_by_hand_is_security_drift_and_mended(world: World) -> None:
    world.apply(platforms())
    path = "/consumers/nasushiobara.regional/jwt/link"
    world.by_hand("PATCH", path, {"rsa_public_key": public_pem("a stranger")})
    assert world.call("/ngsi/v2/x", **shown(signed_by="a stranger")).status_code == 200
    plan = world.plan(platforms())
    (change,) = plan
    assert isinstance(change, Update) and plan.dangers[change.key]
    world.apply(platforms())
    assert world.call("/ngsi/v2/x", **shown(signed_by="a stranger")).status_code == 401


def test_a_renamed_service_goes_on_with_the_same_client_over_there(world: World) -> None:
    world.apply(platforms())
    renamed = platforms(name="town", previously="nasushiobara.regional")
    world.apply(renamed)
    heard = seen_by_upstream(world.call("/ngsi/v2/x", **shown()))["headers"]
    assert heard["x-consumer-username"] == "nasushiobara.town"


def test_a_service_that_comes_back_to_our_realm_has_its_tokens_alone(world: World) -> None:
    world.apply(platforms())
    tenant = platforms().tenants["nasushiobara"]
    services = tuple(replace(one, token_issuer=None) if one.id == "regional" else one for one in tenant.services)
    catalog = platforms()
    back = replace(catalog, tenants={**catalog.tenants, "nasushiobara": replace(tenant, services=services)})
    world.apply(back)
    assert world.call("/ngsi/v2/x", **shown()).status_code == 401
    assert world.call("/ngsi/v2/x", **bearer(token("regional"))).status_code == 200
