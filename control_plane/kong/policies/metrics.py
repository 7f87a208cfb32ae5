"""Counters for Prometheus, at the Admin API's /metrics: calls by API version, level, status and connected service."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.kong.policies.plugin import Plugin


def everywhere(catalog: Catalog) -> Iterator[Plugin]:
    metrics = catalog.environment.metrics
    if metrics is not None:
        config: dict[str, object] = {
            "per_consumer": True,  # a consumer is a service, never a person
            "status_code_metrics": True,
            "bandwidth_metrics": True,
            "latency_metrics": True,
            "upstream_health_metrics": False,
            "ai_metrics": False,
        }
        yield Plugin("prometheus", config, metrics.origin, (), within=catalog.platform.name)
