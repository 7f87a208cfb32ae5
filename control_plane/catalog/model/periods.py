"""When something holds: periods with a beginning and an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Period:
    """From `start` (included) to `end` (excluded), both aware; None is unbounded.

    A date in YAML means the whole day in the platform's zone: `until: 2027-03-31` ends at 2027-04-01T00:00.
    """

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def within(self, other: Period) -> Period:
        """The instants that are in both."""
        if other.start is None and other.end is None:
            return self
        starts = [p.start for p in (self, other) if p.start]
        ends = [p.end for p in (self, other) if p.end]
        return Period(max(starts, default=None), min(ends, default=None))

    @property
    def empty(self) -> bool:
        return self.start is not None and self.end is not None and self.start >= self.end


ALWAYS = Period()
