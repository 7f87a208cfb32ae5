"""Data scopes: FIWARE headers set by the gateway whatever the client sends, path prefixes and query fields for other
APIs; open, limited and closed; a grant on a scope, a scope's own period, a tenant's own data without a grant. A service
with several scopes chooses one by header and gets no other."""

from __future__ import annotations

import pytest

from tests.building import a_grant, a_platform, a_version, with_api, with_scope, with_service
from tests.kong.world import World, seen_by_upstream

pytestmark = pytest.mark.servers


def fiware(world: World) -> World:
    world.apply(
        a_platform(
            with_scope("road"),
            with_scope("river", fiware=("weather", "/river/#")),
            with_api("ngsi-v2", a_version("v2", "/ngsi/v2")),
            with_service("portal", a_grant("ngsi-v2", "read", scopes=["road"])),
            with_service("both", a_grant("ngsi-v2", "read", scopes=["road", "river"])),
        )
    )
    return world


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"Fiware_Service": "other", "Fiware_ServicePath": "/river"},
        {"fiware_service": "other", "FIWARE_SERVICEPATH": "/#"},
        {"Fiware__Service": "other", "Fiware__ServicePath": "/river"},
        {"X_Data_Scope": "road", "X__Data__Scope": "river"},
    ],
    ids=str,
)
def test_fiware_headers_are_set_by_the_gateway_whatever_the_client_sends(world: World, sent: dict[str, str]):
    heard = seen_by_upstream(fiware(world).call("/ngsi/v2/entities", apikey=world.key_of("portal"), **sent))["headers"]
    assert (heard["fiware-service"], heard["fiware-servicepath"]) == ("tochigi", "/road/#")
    assert not {name for name in heard if "_" in name or name == "x-data-scope"}


@pytest.mark.parametrize("named", ["Fiware-Service", "fiware-servicepath, close", "keep-alive, X-Consumer-Username"])
def test_a_client_cannot_have_the_gateways_headers_taken_away_on_the_way(world: World, named: str):
    """Kong takes away the headers that Connection names (RFC 9110, 7.6.1), after it has set its own."""
    answer = fiware(world).call("/ngsi/v2/entities", apikey=world.key_of("portal"), Connection=named)
    assert answer.status_code == 403
    assert world.call("/ngsi/v2/entities", apikey=world.key_of("portal"), Connection="close, TE").status_code == 200


def test_a_service_with_several_scopes_chooses_one_by_header_and_gets_no_other(world: World):
    key = fiware(world).key_of("both")
    assert world.call("/ngsi/v2/entities", apikey=key).status_code == 403
    for scope, service, path in (("road", "tochigi", "/road/#"), ("river", "weather", "/river/#")):
        answer = world.call("/ngsi/v2/entities", apikey=key, X_Data_Scope=scope)
        heard = seen_by_upstream(answer)["headers"]
        assert (heard["fiware-service"], heard["fiware-servicepath"]) == (service, path)
    assert world.call("/ngsi/v2/entities", apikey=key, X_Data_Scope="road,river").status_code == 403
    assert world.call("/ngsi/v2/entities", apikey=world.key_of("portal"), X_Data_Scope="river").status_code == 403
