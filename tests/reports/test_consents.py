"""The list of consents: numbers, and people only where they are asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from control_plane.app.listing import report as asked_for
from control_plane.app.run import Ask
from control_plane.catalog.model import Auth, Catalog, DataScope, Disclosure, Fiware, Service
from control_plane.problems import Refused
from control_plane.reports import FORMATS, Live, Report, consents, render, with_consents
from control_plane.reports.consents import of_people, realms

from . import world

CITY = "nasushiobara"
WHEN = 1_774_659_723_456  # 2026-03-28T10:02:03+09:00
GIVEN = {
    (CITY, "staff-01"): (("nasushiobara.passport", ("member", "river"), WHEN),),
    (CITY, "staff-02"): (("nasushiobara.passport", ("member",), WHEN), ("nasushiobara.gone", ("member",), None)),
    (CITY, "by-hand"): (),
}


def platform() -> Catalog:
    member = DataScope(
        "member", "会員情報", CITY, Disclosure.CLOSED, fiware=Fiware("nasushiobara"), consent="お住まいの地域"
    )
    passport = Service(
        CITY,
        "passport",
        "観光パスポート",
        frozenset({Auth.TOKEN}),
        redirect_uris=("https://passport.example.jp/cb",),
        grants=(world.grant("ngsi-v2", scopes=("member", "road")),),
    )
    batch = replace(passport, id="batch", redirect_uris=())
    catalog = world.platform(services=(passport, batch))
    return replace(catalog, scopes={**catalog.scopes, "member": member})


def live() -> Live:
    return with_consents(world.live(), GIVEN)


def rows(report: Report) -> list[dict[str, object]]:
    return list(map(dict, report.plain()))


def told(form: str, report: Report) -> str:
    return render(report, form, "ja").decode("utf-8-sig", "replace")


def test_each_service_that_asks_has_a_number_for_each_scope_that_needs_consent() -> None:
    (passport,) = [one for one in rows(consents(platform(), live(), world.source())) if one["state"] == "asked"]
    assert (passport["service_id"], passport["scope"], passport["scope_owner"]) == (
        "nasushiobara.passport",
        "member",
        "那須塩原市",
    )
    assert (passport["consented"], passport["accounts"], passport["text"]) == (2, 5, "お住まいの地域")


def test_a_consent_that_is_still_recorded_and_no_longer_asked_for_is_told() -> None:
    left = [one for one in rows(consents(platform(), live(), world.source())) if one["state"] == "no-longer-asked"]
    assert [(one["service_id"], one["scope"], one["consented"]) for one in left] == [
        ("nasushiobara.gone", "member", 1),
        ("nasushiobara.passport", "river", 1),
    ]


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "xlsx"])
def test_the_list_of_numbers_names_nobody(form: str) -> None:
    text = told(form, consents(platform(), live(), world.source()))
    assert "nasushiobara.passport" in text
    assert [name for _, name in world.live().users if name in text] == []


def test_who_asks_for_people_gets_each_with_the_time_and_a_word_on_how_to_handle_it() -> None:
    report = of_people(platform(), live(), world.source())
    assert [(one["scope"], one["account"], one["since"]) for one in rows(report)] == [
        ("member", "staff-02", None),
        ("member", "staff-01", "2026-03-28T10:02:03+09:00"),
        ("member", "staff-02", "2026-03-28T10:02:03+09:00"),
        ("river", "staff-01", "2026-03-28T10:02:03+09:00"),
    ]
    assert report.audience.code == "personal-data"
    assert {word.code: number for word, number in report.summary} == {"people": 2}


def test_people_are_looked_for_only_where_anybody_is_asked() -> None:
    assert realms(platform()) == {CITY}
    assert realms(world.platform()) == frozenset()


def test_the_accounts_that_were_looked_up_are_held_against_the_realms_own_count() -> None:
    report = consents(platform(), live(), world.source())
    assert [(one.realm, one.listed, one.server) for one in report.counts] == [(CITY, 3, 5)]
    assert report.proven is False


def test_without_a_server_there_are_no_numbers() -> None:
    (one,) = rows(consents(platform(), None, world.source(with_servers=False)))
    assert (one["consented"], one["accounts"]) == (None, None)


@pytest.mark.parametrize("name", ["users", "services", "apis"])
def test_no_other_list_has_a_form_with_people_of_its_own(tmp_path, name: str) -> None:
    with pytest.raises(Refused, match="has no form with --who"):
        asked_for(Ask(tmp_path, None), name, who=True)


def test_the_configuration_knows_nobody_who_has_consented(tmp_path) -> None:
    with pytest.raises(Refused, match="does not know who has consented"):
        asked_for(Ask(tmp_path, None), "consents", live=False, who=True)


def test_json_holds_the_numbers_and_the_digest_is_theirs() -> None:
    report = consents(platform(), live(), world.source())
    found = json.loads(told("json", report))
    assert found["sha256"] == report.sha256
    assert found["list"] == "consents"
