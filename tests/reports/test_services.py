"""The list of connected services."""

from __future__ import annotations

from dataclasses import replace

import pytest

from control_plane.catalog.model import Catalog, Service
from control_plane.reports import Live, LiveService, Report, services
from control_plane.reports.report import Cell, Word

from . import world


def listed(catalog: Catalog | None = None, live: Live | None = None) -> Report:
    return services(catalog or world.platform(), live, world.source(live is not None))


def rows(report: Report, service: str) -> list[dict[str, Cell]]:
    names = [column.title.code for column in report.columns]
    found = [dict(zip(names, one, strict=True)) for one in report.rows]
    return [one for one in found if one["service_id"] == service]


def ja(cell: Cell) -> list[str]:
    return [part.ja if isinstance(part, Word) else str(part) for part in (cell if isinstance(cell, tuple) else (cell,))]


def code(cell: Cell) -> str:
    assert isinstance(cell, Word)
    return cell.code


def portal(**more: object) -> Catalog:
    return world.platform(services=(replace(world.PORTAL, **more),))  # type: ignore[arg-type]


def with_service(**more: object) -> Live:
    found = {"client": True, "client_enabled": True, "consumer": True, "keys": 1, "tokens": 1} | more
    return replace(world.live(), services={"nasushiobara.portal": LiveService(**found)})  # type: ignore[arg-type]


def test_a_service_has_one_row_for_each_grant() -> None:
    assert [code(one["api"]) for one in rows(listed(), "nasushiobara.portal")] == ["files", "ngsi-v2", "soon"]


def test_a_service_without_a_grant_has_one_row() -> None:
    (only,) = rows(listed(), "otawara.bus")
    assert code(only["state"]) == "no-grant" and only["api"] is None
    assert only["service"] == "バス位置情報" and ja(only["addresses"]) == ["制限なし"]


def test_a_row_says_what_may_be_called_and_how_often() -> None:
    one = rows(listed(), "nasushiobara.portal")[1]
    assert ja(one["versions"]) == ["v1（廃止予定 2027-03-31、後継 v2）", "v2"]
    assert ja(one["levels"]) == ["参照", "更新"]
    assert ja(one["limits"]) == ["参照 1,200 回／分（個別）", "参照 50,000 回／日", "更新 300 回／分"]
    assert ja(one["scopes"]) == [
        "道路管理データ（限定公開、栃木県）",
        "河川水位データ（限定公開、栃木県、2026-04-01–2027-03-31）",
    ]
    assert one["api_owner"] == "栃木県"


def test_a_row_says_who_approved_it_and_from_where_it_may_be_called() -> None:
    one = rows(listed(), "nasushiobara.portal")[1]
    assert ja(one["approval"]) == ["2026-0012（栃木県、2026-03-10）"]
    assert ja(one["authentication"]) == ["API キー", "トークン"]
    assert ja(one["addresses"]) == ["203.0.113.0/24"]
    assert one["declared"] == "tenants/nasushiobara.yaml:31"


def test_the_apis_own_addresses_are_told_too() -> None:
    catalog = portal()
    narrow = replace(catalog.apis["ngsi-v2"], allowed_ips=("198.51.100.0/24",))
    found = rows(listed(replace(catalog, apis={**catalog.apis, "ngsi-v2": narrow})), "nasushiobara.portal")
    assert ja(found[1]["addresses"]) == ["203.0.113.0/24", "198.51.100.0/24（API）"]


def test_the_period_of_the_service_bounds_that_of_its_grants() -> None:
    one = rows(listed(portal(period=world.LAST_YEAR)), "nasushiobara.portal")[1]
    assert code(one["state"]) == "ended"


@pytest.mark.parametrize("place, state", [(0, "ended"), (1, "active"), (2, "api-draft")])
def test_the_state_is_that_of_grant_and_api(place: int, state: str) -> None:
    assert code(rows(listed(), "nasushiobara.portal")[place]["state"]) == state


def test_a_grant_whose_every_scope_has_ended_has_ended_and_one_that_has_another_has_not() -> None:
    catalog = portal(
        grants=(world.grant("ngsi-v2", scopes=("river",)), world.grant("ngsi-v2", scopes=("river", "road")))
    )
    over = replace(catalog.scopes["river"], period=world.LAST_YEAR)
    found = rows(listed(replace(catalog, scopes={**catalog.scopes, "river": over})), "nasushiobara.portal")
    assert [code(one["state"]) for one in found] == ["ended", "active"]


def test_credentials_are_counted_and_a_missing_one_stands_out() -> None:
    told = ja(rows(listed(live=with_service(keys=2)), "nasushiobara.portal")[1]["credentials"])
    assert told == ["API キー 2 件", "クライアント", "トークン検証鍵 1 件"]
    told = ja(rows(listed(live=with_service(keys=0)), "nasushiobara.portal")[1]["credentials"])
    assert told == ["クライアント", "トークン検証鍵 1 件", "API キー未発行"]


def test_a_credential_that_somebody_made_by_hand_stands_out() -> None:
    cell = rows(listed(live=with_service(foreign=1)), "nasushiobara.portal")[1]["credentials"]
    assert isinstance(cell, tuple)
    assert [(part.ja, part.tone) for part in cell if isinstance(part, Word)][-1] == ("管理外の資格情報 1 件", "bad")


def test_without_servers_nothing_is_said_of_credentials() -> None:
    assert rows(listed(), "nasushiobara.portal")[1]["credentials"] is None


def test_a_service_that_no_server_has_is_not_applied() -> None:
    live = replace(world.live(), services={})
    assert code(rows(listed(live=live), "nasushiobara.portal")[1]["state"]) == "not-applied"


def test_a_service_whose_client_was_disabled_and_that_has_no_key_is_disabled() -> None:
    live = with_service(client_enabled=False, keys=0)
    assert code(rows(listed(live=live), "nasushiobara.portal")[1]["state"]) == "disabled"


def test_what_only_the_servers_have_is_listed_as_unmanaged() -> None:
    (only,) = rows(listed(live=world.live()), "old.tool")
    assert code(only["state"]) == "unmanaged" and ja(only["credentials"]) == ["API キー 1 件"]


def test_what_was_ours_and_is_no_longer_declared_is_listed_with_its_organization() -> None:
    live = replace(world.live(), services={"otawara.old": LiveService(consumer=True)})
    (only,) = rows(listed(live=live), "otawara.old")
    assert code(only["state"]) == "left" and only["organization"] == "大田原市"


def test_the_order_of_the_yaml_changes_nothing() -> None:
    turned: Service = replace(world.PORTAL, grants=world.PORTAL.grants[::-1])
    assert listed(world.platform(services=(turned,))).sha256 == listed().sha256


def test_the_summary_counts_services_and_grants() -> None:
    told = {word.code: number for word, number in listed(live=world.live()).summary}
    assert (told["services"], told["grants"]) == (2, 3)
