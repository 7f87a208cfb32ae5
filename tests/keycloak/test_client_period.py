"""A service's client is on inside its period and off outside, on the real Keycloak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import requests

from control_plane.catalog.model import Catalog, Period
from tests.building import NOON, TOKEN, a_platform, with_api, with_service, with_tenant
from tests.conftest import KeycloakServer
from tests.keycloak.conftest import World, a_world, told

pytestmark = pytest.mark.servers

REALM = "nasushiobara"
BEGIN, END = NOON - timedelta(days=30), NOON + timedelta(days=30)
OUTSIDE = pytest.mark.parametrize(
    "instant", [BEGIN - timedelta(seconds=1), END], ids=["before it begins", "at its end"]
)


@pytest.fixture(scope="module")
def applied(keycloak_server: KeycloakServer) -> Iterator[tuple[World, Catalog]]:
    for world in a_world(keycloak_server):
        period = Period(BEGIN, END)
        catalog = world.here(
            a_platform(
                with_tenant(REALM),
                with_api("ngsi-v2", auth=(TOKEN,)),
                with_service("meter", reading="ngsi-v2", auth=(TOKEN,), period=period),
            )
        )
        world.apply(catalog)
        yield world, catalog


def at(catalog: Catalog, when: datetime) -> Catalog:
    return replace(catalog, as_of=when)


def asks(world: World) -> requests.Response:
    """The service, for a token of its own."""
    name = f"{REALM}.meter"
    form = {"client_id": name, "client_secret": f"value of services/{name}#client_secret"}
    url = f"{world.server.url}/realms/{world.realm(REALM)}/protocol/openid-connect/token"
    return requests.post(url, data={"grant_type": "client_credentials", **form}, timeout=30)


@OUTSIDE
def test_inside_its_period_it_gets_a_token_and_outside_none(applied: tuple[World, Catalog], instant: datetime) -> None:
    world, catalog = applied
    world.apply(catalog)
    assert asks(world).status_code == 200
    outside = at(catalog, instant)
    assert told(world.plan(outside)) == [f"update client {REALM}.meter"]
    world.apply(outside)
    refused = asks(world)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert not world.plan(outside)
    world.apply(catalog)
    assert asks(world).status_code == 200


@OUTSIDE
def test_one_that_is_switched_on_by_hand_outside_is_security_drift_and_mended(
    applied: tuple[World, Catalog], instant: datetime
) -> None:
    world, catalog = applied
    outside = at(catalog, instant)
    world.apply(outside)
    (found,) = world.by_hand("GET", REALM, f"/clients?clientId={REALM}.meter").json()
    world.by_hand("PUT", REALM, f"/clients/{found['id']}", {"clientId": found["clientId"], "enabled": True})
    assert asks(world).status_code == 200
    plan = world.plan(outside)
    assert list(plan.dangers.values()) == ["it is switched on outside of its period"]
    world.apply(outside)
    assert asks(world).status_code == 401


def test_one_that_is_switched_off_by_hand_inside_is_a_difference_and_no_danger(applied: tuple[World, Catalog]) -> None:
    world, catalog = applied
    world.apply(catalog)
    (found,) = world.by_hand("GET", REALM, f"/clients?clientId={REALM}.meter").json()
    world.by_hand("PUT", REALM, f"/clients/{found['id']}", {"clientId": found["clientId"], "enabled": False})
    plan = world.plan(catalog)
    assert told(plan) == [f"update client {REALM}.meter"]
    assert not plan.dangers
    world.apply(catalog)
    assert asks(world).status_code == 200
