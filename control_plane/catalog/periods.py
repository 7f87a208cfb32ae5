"""Dates and instants of the language as periods.

A date is a whole day in the platform's zone: `from` is its first instant, `until` its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from control_plane.catalog.located import Located
from control_plane.catalog.model import ALWAYS, Period
from control_plane.problems import Problem


def period(start: date | datetime | None, until: date | datetime | None, zone: ZoneInfo) -> Period:
    if start is None and until is None:
        return ALWAYS
    return Period(_instant(start, zone, 0), _instant(until, zone, 1))


def _instant(value: date | datetime | None, zone: ZoneInfo, days: int) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return _midnight(value, zone, days)


@lru_cache(maxsize=4096)
def _midnight(day: date, zone: ZoneInfo, later: int) -> datetime:
    """Ten thousand grants name a few days."""
    return datetime.combine(day + timedelta(days=later), time(), zone)


def check_period(
    where: Located[object], start: date | datetime | None, until: date | datetime | None, zone: ZoneInfo
) -> Iterator[Problem]:
    """A problem when it ends before it begins."""
    if start is not None and until is not None and period(start, until, zone).empty:
        yield where.problem("the period ends before it begins", "until", note=f"It begins on {start}.")
