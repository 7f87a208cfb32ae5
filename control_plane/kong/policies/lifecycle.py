"""The life of a version: a deprecated one says so in its headers, a retired one answers 410 with a body and no auth.

Deprecation: RFC 9745, a date as `@` and seconds. Sunset: RFC 8594, an HTTP date. Link: RFC 8288, with the relations
successor-version (RFC 5829), deprecation (RFC 9745) and sunset (RFC 8594). A day in YAML is a whole day: a version is
deprecated from its first instant on, and answers until the last instant of its sunset day.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from email.utils import formatdate
from zoneinfo import ZoneInfo

from control_plane.catalog.model import State, Version
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing

GONE = {
    "ja": "{title} {version} は提供を終了しました。",
    "en": "{title} {version} is no longer available.",
}
SUCCESSOR = {"ja": "後継バージョンは {path} です。", "en": "Its successor is at {path}."}


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    zone = gateway.catalog.platform.zone
    headers = [*_dates(one.version, zone)] if one.version.state is State.DEPRECATED else []
    links = list(_links(one)) if one.version.state is not State.PUBLISHED else []
    if headers or links:
        yield _plugin(one, "response-transformer", _headers(headers, links))
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


def _headers(headers: list[tuple[str, str]], links: list[str]) -> dict[str, object]:
    """Ours replace the upstream's dates; links are added to the upstream's own, which it may need for paging."""
    lines = [f"{name}:{value}" for name, value in headers]
    return {
        "replace": {"headers": lines},
        "add": {"headers": lines},
        "append": {"headers": [f"Link:{', '.join(links)}"] if links else []},
        "remove": {"headers": []},
        "rename": {"headers": []},
    }


def _gone(gateway: Gateway, one: Standing) -> dict[str, object]:
    """RFC 9457, in the platform's language."""
    locale = gateway.catalog.platform.locale if gateway.catalog.platform.locale in GONE else "en"
    detail = GONE[locale].format(title=one.api.title, version=one.version.name)
    if one.version.successor:
        separator = "" if locale == "ja" else " "
        detail += separator + SUCCESSOR[locale].format(path=one.api.version(one.version.successor).path)
    body = {"type": "about:blank", "title": "Gone", "status": 410, "detail": detail}
    return {
        "status_code": 410,
        "content_type": "application/problem+json; charset=utf-8",
        "body": json.dumps(body, ensure_ascii=False),
        "message": None,
        "echo": False,
        "trigger": None,
    }
