"""The list of who is who at services with ids of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from control_plane.app.listing import report as asked_for
from control_plane.app.run import Ask
from control_plane.catalog.model import Auth, Catalog, Service
from control_plane.keycloak.pairwise import subject
from control_plane.problems import Refused
from control_plane.reports import Report, subjects

from . import world

CITY = "nasushiobara"


def platform() -> Catalog:
    one = Service(CITY, "passport", "観光パスポート", frozenset({Auth.TOKEN}), pairwise=True)
    return world.platform(services=(one, replace(one, id="portal", pairwise=False), replace(one, id="new")))


def listed() -> Report:
    live = replace(world.live(), subjects={f"{CITY}.passport": {"staff-01": "id-1", "by-hand": "id-2"}})
    return subjects(platform(), live, world.source())


def test_every_account_of_the_realm_has_its_id_at_each_service_with_ids_of_its_own() -> None:
    rows = [row for row in map(dict, listed().plain()) if row["service_id"] == f"{CITY}.passport"]
    assert {row["account"]: row["subject"] for row in rows} == {
        "by-hand": "id-2",
        "gone-01": "not-made",
        "staff-01": "id-1",
        "staff-02": "not-made",
        "staff-03": "not-made",
    }
    assert {row["realm"] for row in rows} == {CITY}


def test_a_service_whose_salt_is_not_made_yet_says_so_and_one_with_the_accounts_own_ids_is_not_there() -> None:
    found = {(row["service_id"], row["subject"]) for row in map(dict, listed().plain())}
    assert {subject for name, subject in found if name == f"{CITY}.new"} == {"not-made"}
    assert f"{CITY}.portal" not in {name for name, _ in found}


def test_it_says_that_it_holds_personal_data() -> None:
    assert listed().audience.code == "personal-data"


def test_the_configuration_alone_knows_no_ids(tmp_path) -> None:
    with pytest.raises(Refused, match="knows no ids"):
        asked_for(Ask(tmp_path, None), "subjects", live=False)


def test_an_id_is_a_uuid_that_host_account_and_salt_decide() -> None:
    """Whether they are Keycloak's, a test on the server says."""
    assert subject("a", "b", "c") == subject("a", "b", "c")
    assert len({subject("a", "b", "c"), subject("x", "b", "c"), subject("a", "x", "c"), subject("a", "b", "x")}) == 4
    assert subject("a", "b", "c")[14] == "3"
