"""Counters of rate-limiting, as policy `local` keeps them: by route, service, whom, and calendar window (UTC)."""

from __future__ import annotations

from datetime import UTC, datetime

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 2592000, "year": 31536000}
Key = tuple[str | None, str | None, str]  # route, service, whom
_KEPT = 10_000  # more counters than this are swept


class Rates:
    """How many requests each window has seen. They outlive the plugins that asked to count."""

    def __init__(self) -> None:
        self._counts: dict[tuple[Key, str, int], int] = {}

    def used(self, key: Key, period: str, now: float) -> int:
        """Requests in the current window."""
        return self._counts.get((key, period, window(period, now)), 0)

    def count(self, key: Key, period: str, now: float) -> None:
        """One more."""
        if len(self._counts) > _KEPT:
            self._sweep(now)
        place = (key, period, window(period, now))
        self._counts[place] = self._counts.get(place, 0) + 1

    def _sweep(self, now: float) -> None:
        self._counts = {place: n for place, n in self._counts.items() if place[2] == window(place[1], now)}


def window(period: str, now: float) -> int:
    """When the current window began, in seconds since 1970."""
    if period in ("month", "year"):
        today = datetime.fromtimestamp(now, UTC)
        month = today.month if period == "month" else 1
        return int(datetime(today.year, month, 1, tzinfo=UTC).timestamp())
    return int(now) // SECONDS[period] * SECONDS[period]
