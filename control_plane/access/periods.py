"""Periods in words, in the platform's zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from control_plane.catalog.model import Period


def ends(periods: Iterable[Period]) -> datetime | None:
    """When the first of them ends; None: never."""
    return min((period.end for period in periods if period.end), default=None)


def until(end: datetime | None, zone: ZoneInfo) -> str:
    """The last day, as YAML has it, or the instant where it is not midnight."""
    if end is None:
        return "without end"
    local = end.astimezone(zone)
    if local.time() == time():
        return f"until {(local - timedelta(days=1)).date()}"
    return f"until {local.isoformat(timespec='seconds')}"


def since(start: datetime, zone: ZoneInfo) -> str:
    local = start.astimezone(zone)
    return f"from {local.date() if local.time() == time() else local.isoformat(timespec='seconds')}"


def told(period: Period, zone: ZoneInfo) -> str:
    """`from 2026-04-01 until 2027-03-31`."""
    return " ".join([*([since(period.start, zone)] if period.start else []), until(period.end, zone)])
