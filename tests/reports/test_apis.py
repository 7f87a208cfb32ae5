"""The list of APIs by version."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from control_plane.catalog.model import Catalog, State
from control_plane.reports import Report, apis
from control_plane.reports.report import Cell, Word

from . import world


def listed(catalog: Catalog | None = None) -> Report:
    return apis(catalog or world.platform(), world.live(), world.source())


def rows(report: Report, api: str, version: str) -> list[dict[str, object]]:
    return [one for one in map(dict, report.plain()) if (one["api"], one["version"]) == (api, version)]


def with_v1(**changed: object) -> Catalog:
    catalog = world.platform()
    api = catalog.apis["ngsi-v2"]
    v1, *others = api.versions
    api = replace(api, versions=(replace(v1, **changed), *others))  # type: ignore[arg-type]
    return replace(catalog, apis={**catalog.apis, "ngsi-v2": api})


def shown(report: Report, column: str) -> list[Cell]:
    place = next(number for number, one in enumerate(report.columns) if one.title.code == column)
    return [row[place] for row in report.rows]


def test_each_version_names_who_may_call_it_with_its_last_day_and_successor() -> None:
    (one,) = rows(listed(), "ngsi-v2", "v1")
    assert one["service_id"] == "nasushiobara.portal"
    assert (one["lifecycle"], one["sunset"], one["successor"]) == ("deprecated", "2027-03-31", "v2")
    assert (one["organization"], one["until"], one["state"]) == ("那須塩原市", "2027-03-31", "active")
    assert one["levels"] == ["read", "update"]
    assert one["declared"] == "tenants/nasushiobara.yaml:31"


def test_a_version_that_nobody_has_a_grant_on_has_one_row() -> None:
    (one,) = rows(listed(), "files", "v1")
    assert (one["service_id"], one["state"]) == (None, "unused")


def test_a_grant_that_has_ended_is_no_use() -> None:
    (one,) = rows(listed(), "files", "v2")
    assert (one["service_id"], one["state"]) == (None, "unused")


def test_a_draft_and_a_retired_version_are_used_by_nobody() -> None:
    (draft,) = rows(listed(), "soon", "v2")
    (retired,) = rows(listed(with_v1(state=State.RETIRED)), "ngsi-v2", "v1")
    for one in (draft, retired):
        assert (one["service_id"], one["state"]) == (None, None)


def test_a_version_that_answers_after_its_last_day_stands_out() -> None:
    for day, told in ((date(2026, 9, 30), "overdue"), (date(2026, 10, 1), "deprecated")):  # it is 2026-10-01
        (one,) = rows(listed(with_v1(sunset=day)), "ngsi-v2", "v1")
        assert one["lifecycle"] == told


def test_open_data_is_used_by_everybody() -> None:
    catalog = world.platform(services=())
    opened = replace(catalog.apis["ngsi-v2"], auth=frozenset())
    (one,) = rows(listed(replace(catalog, apis={**catalog.apis, "ngsi-v2": opened})), "ngsi-v2", "v2")
    assert one["state"] == "open"


def test_the_summary_says_how_many_services_have_to_move() -> None:
    told = {word.code: number for word, number in listed().summary}
    assert told == {"versions": 5, "draft": 1, "published": 2, "deprecated": 2, "services-to-move": 1}


def test_life_cycles_are_said_in_both_languages() -> None:
    cells = [cell for cell in shown(listed(), "lifecycle") if isinstance(cell, Word)]
    assert {(cell.ja, cell.en) for cell in cells} >= {("廃止予定", "deprecated"), ("公開前", "draft")}


def test_what_the_servers_have_makes_no_difference() -> None:
    assert apis(world.platform(), None, world.source(False)).sha256 == listed().sha256


def test_the_order_of_the_yaml_changes_nothing() -> None:
    turned = replace(world.PORTAL, grants=world.PORTAL.grants[::-1])
    assert listed(world.platform(services=(turned,))).sha256 == listed().sha256
