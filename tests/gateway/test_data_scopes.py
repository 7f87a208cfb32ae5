"""Data scopes: FIWARE headers set by the gateway whatever the client sends, path prefixes and query fields for other
APIs; open, limited and closed; a grant on a scope, a scope's own period, a tenant's own data without a grant. A service
with several scopes chooses one by header and gets no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from control_plane.catalog.model import Catalog
from tests.building import (
    AN_ENVIRONMENT,
    a_grant,
    a_platform,
    a_version,
    during,
    with_api,
    with_scope,
    with_service,
)
from tests.catalog.worlds import CITY, problems
from tests.catalog.worlds import world as configuration
from tests.kong.world import Answer, World, seen_by_upstream

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


# ---------------------------------------------------------------- a tenant's own data


SCOPES = """\
data_scopes:
  - {scope: facility, title: 施設, owner: city, disclosure: closed, fiware: {service: city, paths: [/facility/#]}}
  - {scope: files, title: ファイル, owner: city, disclosure: limited, paths: [/files]}
  - {scope: river, title: 河川, owner: town, disclosure: open, fiware: {service: town, paths: [/river/#]}}
"""
TOURISM = """\
  - {scope: tourism, title: 観光, owner: city, disclosure: limited, fiware: {service: city, paths: [/tourism/#]}}
"""
OWN = CITY + "services:\n  - {service: portal, title: ポータル, auth: [api-key], own_data: {ngsi-v2: [read]}}\n"
TOWN = "tenant: town\ntitle: 見本町\ntype: municipality\nrealm: {template: staff}\n"


def test_a_tenants_own_data_need_no_grant_now_and_later(world: World, tmp_path: Path):
    def call(**headers: str) -> Answer:
        return world.call("/ngsi/v2/entities", apikey=world.key_of("portal", tenant="city"), **headers)

    world.apply(of_files(tmp_path, city=OWN, town=TOWN, scopes=SCOPES))
    assert seen_by_upstream(call())["headers"]["fiware-servicepath"] == "/facility/#"
    assert call(X_Data_Scope="river").status_code == 403
    assert world.call("/ngsi/v2/x", "POST", apikey=world.key_of("portal", tenant="city")).status_code == 403
    world.apply(of_files(tmp_path, city=OWN, town=TOWN, scopes=SCOPES + TOURISM))
    for scope in ("facility", "tourism"):
        assert seen_by_upstream(call(X_Data_Scope=scope))["headers"]["fiware-servicepath"] == f"/{scope}/#"
    assert call(X_Data_Scope="files").status_code == 403


def test_nothing_is_a_tenants_own_without_a_word(world: World, tmp_path: Path):
    silent = OWN.replace(", own_data: {ngsi-v2: [read]}", "")
    world.apply(of_files(tmp_path, city=silent, town=TOWN, scopes=SCOPES))
    assert world.call("/ngsi/v2/x", apikey=world.key_of("portal", tenant="city")).status_code == 403


def test_closed_data_are_the_owners_alone_and_limited_data_need_its_approval(tmp_path: Path):
    def said(scope: str) -> list[str]:
        grant = f"    grants:\n      - {{api: ngsi-v2, levels: [read], scopes: [{scope}]}}\n"
        town = TOWN + "services:\n  - service: gis\n    title: GIS\n    auth: [api-key]\n" + grant
        return [one.message for one in problems(tmp_path / scope, city=CITY, town=town, scopes=SCOPES + TOURISM)]

    assert said("river") == []
    assert said("tourism") == ["grant on limited scope 'tourism' has no approval"]
    assert said("facility") == ["closed data scope 'facility' is granted to another tenant"]


def of_files(directory: Path, **files: str) -> Catalog:
    return replace(configuration(directory, **files), environment=AN_ENVIRONMENT)


# ---------------------------------------------------------------- path prefixes, periods


def test_path_prefixes_are_the_data_of_other_apis(world: World):
    world.apply(
        a_platform(
            with_scope("road", paths=["/road"]),
            with_api("files", a_version("v1", "/files/v1"), scoping="path"),
            with_service("portal", a_grant("files", "read", scopes=["road"])),
        )
    )
    answers = {"/road": 200, "/road/a.csv": 200, "/roadX": 403, "/river": 403, "/Road/a": 403, "/road/..%2Friver": 403}
    for path, status in answers.items():
        assert world.call("/files/v1" + path, apikey=world.key_of("portal")).status_code == status, path


def test_open_limited_and_closed_of_open_data_only_what_is_open_is_given(world: World):
    scopes = [with_scope(name, disclosure=name) for name in ("open", "limited", "closed")]
    world.apply(a_platform(*scopes, with_api("data", a_version("v1", "/data/v1"), auth=())))
    for scope, status in {"open": 200, "limited": 403, "closed": 403}.items():
        assert world.call("/data/v1/x", X_Data_Scope=scope).status_code == status


def test_a_scope_has_a_period_of_its_own_whatever_the_grants_say(world: World):
    over, now = during("2020-01-01", "2021-01-01"), during("2020-01-01")
    world.apply(
        a_platform(
            with_scope("road", period=now),
            with_scope("river", period=over),
            with_api("ngsi-v2", a_version("v2", "/ngsi/v2")),
            with_service("portal", a_grant("ngsi-v2", "read", scopes=["road", "river"])),
        )
    )
    heard = seen_by_upstream(world.call("/ngsi/v2/x", apikey=world.key_of("portal")))["headers"]
    assert heard["fiware-servicepath"] == "/road/#"
    assert world.call("/ngsi/v2/x", apikey=world.key_of("portal"), X_Data_Scope="river").status_code == 403


# ---------------------------------------------------------------- query fields


def observations(world: World) -> World:
    world.apply(
        a_platform(
            with_scope("road", values=["road-2026", "road-2025"]),
            with_scope("river", values=["river"]),
            with_api(
                "points",
                a_version("v1", "/points/v1"),
                scoping="query",
                query_field="dataset",
                levels={"read": ["GET"]},
            ),
            with_service("roads", a_grant("points", "read", scopes=["road"])),
            with_service("rivers", a_grant("points", "read", scopes=["river"])),
        )
    )
    return world


def test_a_query_field_says_which_data_of_other_apis(world: World):
    key = observations(world).key_of("roads")
    for value, status in {"road-2026": 200, "road-2025": 200, "river": 403, "": 403, "ROAD-2026": 403}.items():
        assert world.call(f"/points/v1/x?a=1&dataset={value}", apikey=key).status_code == status, value
    assert world.call("/points/v1/x?a=1", apikey=key).status_code == 403


def test_who_has_one_value_may_leave_the_field_out_and_the_gateway_sets_it(world: World):
    key = observations(world).key_of("rivers")
    for sent, heard in {"": "dataset=river", "?a=1": "a=1&dataset=river", "?dataset=river": "dataset=river"}.items():
        assert seen_by_upstream(world.call("/points/v1/x" + sent, apikey=key))["query"] == heard


@pytest.mark.parametrize(
    "query",
    [
        *("dataset=river&dataset=road-2026", "dataset=river&Dataset=road-2026", "dataset=river&dataset[]=road-2026"),
        *(
            "dataset=river;dataset=road-2026",
            "a=1;dataset=road-2026&dataset=river",
            "dataset=river&%64ataset=road-2026",
        ),
        *(
            "%64ataset=river",
            "DATASET=river",
            "dataset[]=river",
            "dataset[0]=river",
            "dataset%5B%5D=river",
            "+dataset=river",
        ),
        *(
            "%2564ataset=river",
            "dataset%00=river",
            "dataset=%72iver",
            "dataset",
            "dataset=river&dataset",
            "%zz=1",
            "?dataset=river",
        ),
    ],
)
def test_another_spelling_that_an_upstream_could_take_for_the_field_is_refused(world: World, query: str):
    assert observations(world).call(f"/points/v1/x?{query}", apikey=world.key_of("rivers")).status_code == 403
