"""What the platform as a whole is built for in a month, beside what its services may use of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from control_plane.catalog.model import Catalog, Limits, Version
from control_plane.reports import Source, render, services
from tests.building import NOON, ZONE, a_grant, a_platform, a_version, during, with_api, with_service

LIMITS = {"read": {"minute": 900, "month": 1_000_000}, "update": {"minute": 300}}
SOURCE = Source("栃木県データ連携基盤", "test", "", NOON, ZONE)


def platform(ceiling: int | None, *versions: Version, **limits: dict[tuple[str, str], dict[str, int]]) -> Catalog:
    catalog = a_platform(
        with_api("ngsi-v2", *versions, limits=LIMITS),
        with_service("portal", a_grant("ngsi-v2", "read", "update"), a_grant("ngsi-v2", "read")),
        with_service("gis", reading="ngsi-v2", limits=limits.get("gis", {})),
        with_service("over", a_grant("ngsi-v2", "read", period=during(None, "2026-10-01"))),
    )
    return replace(catalog, platform=replace(catalog.platform, limits=Limits(calls_per_month=ceiling)))


def told(catalog: Catalog) -> dict[str, int]:
    return {word.code: number for word, number in services(catalog, None, SOURCE).summary if "month" in word.code}


def test_a_monthly_ceiling_for_the_whole_platform_shows_in_reports() -> None:
    catalog = platform(5_000_000)
    assert told(catalog) == {"month-ceiling": 5_000_000, "month-promised": 2_000_000, "month-endless": 1}


@pytest.mark.parametrize("form", ["csv", "json", "html"])
def test_it_shows_in_every_format(form: str) -> None:
    text = render(services(platform(1_234_567), None, SOURCE), form, "ja").decode("utf-8-sig")
    assert "1234567" in text or "1,234,567" in text


def test_a_service_counts_with_its_own_limit_and_on_each_version() -> None:
    two = (a_version("v1", "/ngsi/v1"), a_version("v2", "/ngsi/v2"), a_version("v3", "/ngsi/v3", "draft"))
    catalog = platform(5_000_000, *two, gis={("ngsi-v2", "read"): {"month": 250_000}})
    assert told(catalog)["month-promised"] == 2 * (1_000_000 + 250_000)


def test_more_than_the_ceiling_is_said_in_words() -> None:
    notes = services(platform(1_500_000), None, SOURCE).notes
    assert any("2,000,000" in note.ja and "1,500,000" in note.ja for note in notes)
    assert any("nasushiobara.portal ngsi-v2 update" in note.en for note in notes)


def test_without_a_ceiling_nothing_is_said() -> None:
    assert told(platform(None)) == {}
