"""Who may: the same answer as asking for each service alone."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from control_plane.access import Request, evaluate, holders
from control_plane.access.callers import credentials_of, usual
from control_plane.catalog.model import Catalog, Scoping
from tests.access.platforms import boundaries, drawn
from tests.building import (
    KEY,
    NOON,
    SERVICE,
    TOKEN,
    USER,
    a_grant,
    a_platform,
    a_version,
    during,
    with_api,
    with_role,
    with_scope,
    with_service,
)


def who(catalog: Catalog, level: str = "read", at=NOON) -> list[tuple[object, ...]]:
    api = catalog.apis["ngsi-v2"]
    found = holders(catalog, api, api.level(level), api.versions, at)
    return [(one.service, one.versions, one.scopes, one.until) for one in found]


def test_data_that_end_together_stand_together():
    year, month = during(None, "2027-04-01"), during(None, "2026-11-01")
    catalog = a_platform(
        with_scope("river", period=month),
        with_scope("dam"),
        with_service("portal", a_grant("ngsi-v2", scopes=["road", "river", "dam"], period=year)),
        with_service("later", a_grant("ngsi-v2", period=during("2027-01-01"))),
        with_service("writer", updating="ngsi-v2"),
    )
    assert who(catalog) == [
        ("nasushiobara.portal", ("v2",), ("dam", "road"), year.end),
        ("nasushiobara.portal", ("v2",), ("river",), month.end),
    ]
    assert who(catalog, "update") == [("nasushiobara.writer", ("v2",), ("road",), None)]


def test_of_several_grants_the_one_that_holds_longest_counts():
    catalog = a_platform(
        with_service(
            "portal",
            a_grant("ngsi-v2", period=during(None, "2026-11-01")),
            a_grant("ngsi-v2", period=during(None, "2027-04-01")),
        )
    )
    assert who(catalog) == [("nasushiobara.portal", ("v2",), ("road",), during(None, "2027-04-01").end)]


def test_versions_that_are_not_at_the_gateway_and_services_that_cannot_prove_themselves_are_not_there():
    catalog = a_platform(
        with_api("ngsi-v2", a_version("v1", "/ngsi/v1", "retired"), a_version("v2"), auth=(TOKEN,)),
        with_service("portal", a_grant("ngsi-v2", versions=["v1", "v2"]), auth=(TOKEN,)),
        with_service("keyed", reading="ngsi-v2", auth=(KEY,)),
    )
    assert who(catalog) == [("nasushiobara.portal", ("v2",), ("road",), None)]


def test_a_public_client_is_nobody_and_people_may_through_it_what_their_role_may():
    catalog = a_platform(
        with_api("ngsi-v2", auth=(TOKEN,), callers=(SERVICE, USER)),
        with_role("reader", a_grant("ngsi-v2")),
        with_service(
            "page", a_grant("ngsi-v2"), auth=(TOKEN,), public=True, redirect_uris=("https://page.example.jp/",)
        ),
    )
    api = catalog.apis["ngsi-v2"]
    found = holders(catalog, api, api.level("read"), api.versions, NOON)
    assert [(one.service, one.roles) for one in found] == [("nasushiobara.page", ("reader",))]
    (page,) = catalog.tenants["nasushiobara"].services
    path = "/ngsi/v2/entities"
    for roles, status in ((None, 401), (["reader"], 200)):
        shown = credentials_of(catalog, page, "token", NOON, roles)
        assert evaluate(catalog, Request(shown, "GET", path, NOON, scope="road")).status == status


def test_open_data_are_everybodys():
    catalog = a_platform(with_scope("rainfall", disclosure="open"), with_api("ngsi-v2", auth=()))
    assert who(catalog) == [(None, ("v2",), ("rainfall",), None)]


def test_people_with_a_role_stand_below_the_service_through_which_they_may():
    year, month = during(None, "2027-04-01"), during(None, "2026-11-01")
    catalog = a_platform(
        with_api("ngsi-v2", auth=(KEY, TOKEN), callers=(SERVICE, USER)),
        with_service("portal", a_grant(period=year), auth=(TOKEN,), redirect_uris=("https://portal.example.jp/cb",)),
        with_service("keyed", a_grant(), auth=(KEY,), redirect_uris=("https://keyed.example.jp/cb",)),
        with_service("batch", a_grant(), auth=(TOKEN,)),
        with_role("data-user", a_grant(period=month)),
        with_role("editor", includes=["data-user"]),
    )
    api = catalog.apis["ngsi-v2"]
    found = holders(catalog, api, api.level("read"), api.versions, NOON)
    assert [(one.service.partition(".")[2], one.roles, one.until) for one in found] == [
        ("batch", (), None),
        ("keyed", (), None),
        ("portal", (), year.end),
        ("portal", ("data-user", "editor"), month.end),
    ]


@pytest.mark.parametrize("seed", range(6))
def test_who_may_is_who_is_let_through_when_he_asks(seed):
    catalog = drawn(Random(seed))
    around = [one + timedelta(seconds=by) for one in boundaries(catalog) for by in (-1, 0)]
    for at in (NOON, *Random(seed).sample(around, 4)):
        for api in catalog.apis.values():
            if api.scoping is Scoping.PATH and any(level.paths for level in api.levels):
                continue  # whose folders need not lie in a level's paths
            for level in api.levels:
                found = {
                    (one.service, role, version, scope)
                    for one in holders(catalog, api, level, api.versions, at)
                    for role in one.roles or (None,)
                    for version in one.versions
                    for scope in one.scopes or (None,)
                }
                assert found == _asked_one_by_one(catalog, api, level, at)


def _asked_one_by_one(catalog, api, level, at):
    """Every service for itself, and a person with each role through those that people sign in to."""
    let_through = set()
    for service in catalog.services():
        through = catalog.roles if service.redirect_uris else ()
        for role in (None, *through):
            kind = "token" if role else usual(api, service)
            shown = credentials_of(catalog, service, kind, at, [role] if role else None)
            for version in api.versions:
                for scope in catalog.scopes if api.scoping is not Scoping.NONE else (None,):
                    below = level.paths[0].replace("*", "x") if level.paths else ""
                    tail = catalog.scopes[scope].paths[0] if api.scoping is Scoping.PATH else below
                    if api.scoping is Scoping.QUERY:
                        tail += f"?{api.query_field}={catalog.scopes[scope].values[0]}"
                    asked_for = scope if api.scoping is Scoping.FIWARE else None
                    said = evaluate(catalog, Request(shown, level.methods[0], version.path + tail, at, scope=asked_for))
                    if said.allowed:
                        let_through.add((said.service, role if api.auth else None, version.name, said.scope))
    return let_through
