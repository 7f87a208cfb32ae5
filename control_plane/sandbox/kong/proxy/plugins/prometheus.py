"""prometheus: counts requests, bytes and latencies. A request without a route is not counted."""

from __future__ import annotations

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.serialize import milliseconds, request_size, response_size

_UPSTREAM = (25.0, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000)
_KONG = (5.0, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000)


def log(exchange: Exchange, instance: Instance) -> None:
    route, service, reply, config = exchange.route, exchange.service, exchange.reply, instance.config
    if route is None or reply is None:
        return
    place = {
        "service": (service.get("name") or service["host"]) if service else "",
        "route": route.get("name") or route["id"],
    }
    consumer = exchange.consumer if config["per_consumer"] else None
    whom = {"workspace": "default", "consumer": (consumer and (consumer.get("username") or consumer["id"])) or ""}
    metrics = exchange.node.metrics
    if config["status_code_metrics"]:
        labels = {**place, "code": str(reply.status), "source": "service" if reply.from_upstream else "kong", **whom}
        metrics.add("kong_http_requests_total", "HTTP status codes per service/route in Kong", labels)
    if config["bandwidth_metrics"]:
        for direction, size in (("ingress", request_size(exchange)), ("egress", response_size(exchange))):
            labels = {**place, "direction": direction, **whom}
            metrics.add("kong_bandwidth_bytes", "Total bandwidth (ingress/egress) throughput in bytes", labels, size)
    if config["latency_metrics"]:
        _latencies(exchange, {**place, "workspace": "default"})


def _latencies(exchange: Exchange, labels: dict[str, str]) -> None:
    metrics = exchange.node.metrics
    total, waited = milliseconds(exchange.started, exchange.node.now()), 0
    if exchange.upstream_begun is not None and exchange.upstream_answered is not None:
        waited = milliseconds(exchange.upstream_begun, exchange.upstream_answered)
        metrics.observe("kong_upstream_latency_ms", "Latency added by upstream response", labels, waited, _UPSTREAM)
    metrics.observe("kong_kong_latency_ms", "Latency added by Kong", labels, max(0, total - waited), _KONG)
    metrics.observe("kong_request_latency_ms", "Total latency incurred during requests", labels, total, _UPSTREAM)
