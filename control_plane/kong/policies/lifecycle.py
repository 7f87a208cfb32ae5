"""The life of a version: a deprecated one says so in its headers, a retired one answers 410 with a body and no auth.

Deprecation: RFC 9745, a date as `@` and seconds. Sunset: RFC 8594, an HTTP date. Link: RFC 8288, with the relations
successor-version (RFC 5829), deprecation (RFC 9745) and sunset (RFC 8594). A day in YAML is a whole day: a version is
deprecated from its first instant on, and answers until the last instant of its sunset day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from email.utils import formatdate
from zoneinfo import ZoneInfo

from control_plane.catalog.model import State, Version
from control_plane.kong.policies import headers
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.policies.problem import terminated
from control_plane.kong.view import Gateway, Standing

TITLE = {"ja": "提供終了", "en": "Gone"}
GONE = {
    "ja": "{title} {version} は提供を終了しました。",
    "en": "{title} {version} is no longer available.",
}
SUCCESSOR = {"ja": "後継バージョンは {path} です。", "en": " Its successor is at {path}."}
GUIDE = {"ja": "移行の手引き: {guide}", "en": " How to move: {guide}"}


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    zone = gateway.catalog.platform.zone
    dates = dict(_dates(one.version, zone)) if one.version.state is State.DEPRECATED else {}
    links = list(_links(one)) if one.version.state is not State.PUBLISHED else []
    if dates or links:
        link = {"Link": ", ".join(links)} if links else {}  # beside the upstream's own, which it may need for paging
        yield _plugin(one, headers.NAME, headers.transformer(dates, append=link))
    if one.version.state is State.RETIRED:
        yield _plugin(one, "request-termination", _gone(gateway, one))


def _plugin(one: Standing, name: str, config: dict[str, object]) -> Plugin:
    return Plugin(name, config, one.version.origin, one.belongs, within=one.name, service=one.name)


def _dates(version: Version, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    if version.deprecated:
        yield "Deprecation", f"@{int(_start(version.deprecated, zone).timestamp())}"
    if version.sunset:
        end = _start(version.sunset + timedelta(days=1), zone)
        yield "Sunset", formatdate(end.timestamp(), usegmt=True)


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _links(one: Standing) -> Iterator[str]:
    if one.version.successor:
        yield f'<{one.api.version(one.version.successor).path}>; rel="successor-version"'
    if one.version.guide:
        yield f'<{one.version.guide}>; rel="deprecation"; type="text/html"'
        yield f'<{one.version.guide}>; rel="sunset"; type="text/html"'


def _gone(gateway: Gateway, one: Standing) -> dict[str, object]:
    """Both languages, the platform's own first: what a node answers that has not the answers of `answers` yet."""
    first = gateway.catalog.platform.locale
    languages = sorted(GONE, key=lambda language: language != first)
    return terminated(
        410,
        " / ".join(TITLE[language] for language in languages),
        " / ".join(detail(one, language) for language in languages),
        **members(one),
    )


def members(one: Standing) -> dict[str, str | None]:
    """What a retired version's answer says for programs: the path of its successor, and the guide."""
    return {
        "successor": one.api.version(one.version.successor).path if one.version.successor else None,
        "guide": one.version.guide,
    }


def detail(one: Standing, language: str) -> str:
    said, more = GONE[language].format(title=one.api.title, version=one.version.name), members(one)
    if more["successor"]:
        said += SUCCESSOR[language].format(path=more["successor"])
    if more["guide"]:
        said += GUIDE[language].format(guide=more["guide"])
    return said
