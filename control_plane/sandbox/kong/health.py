"""Which targets of an upstream are thought healthy.

Kept by the upstream's name and the target's address, not by ids: in Kong, too, an upstream that is deleted and made
again under the same name starts with the health that the old one had.
"""

from __future__ import annotations

from collections import Counter


class Health:
    """Marks and counters of passive health checks. A target that nobody has marked is healthy."""

    def __init__(self) -> None:
        self._unhealthy: set[tuple[str, str]] = set()
        self._counters: dict[tuple[str, str], Counter[str]] = {}

    def is_healthy(self, upstream: str, target: str) -> bool:
        """Whether `target` ("host:port") of the upstream of this name takes requests."""
        return (upstream, target) not in self._unhealthy

    def mark(self, upstream: str, target: str, healthy: bool) -> None:
        """By hand (Admin API) or because a counter is full; counting begins anew."""
        self._counters.pop((upstream, target), None)
        if healthy:
            self._unhealthy.discard((upstream, target))
        else:
            self._unhealthy.add((upstream, target))

    def count(self, upstream: str, target: str, what: str) -> int:
        """One more `what`: "success", "http_failure", "tcp_failure" or "timeout"; returns how many there are in a row.

        A success ends a series of failures, a failure one of successes.
        """
        counter = self._counters.setdefault((upstream, target), Counter())
        for other in [name for name in counter if (name == "success") != (what == "success")]:
            del counter[other]
        counter[what] += 1
        return counter[what]
