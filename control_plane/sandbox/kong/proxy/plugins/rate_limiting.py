"""rate-limiting: so many requests per calendar window. A request that is refused does not count.

Policies cluster and redis count here like local: there is one node.
"""

from __future__ import annotations

import math

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.rates import SECONDS, Key, window
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import unwire


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    config, rates, now = instance.config, exchange.node.rates, exchange.node.now()
    limits = {period: int(config[period]) for period in SECONDS if config.get(period)}
    key = _key(exchange, instance)
    left = {period: limit - rates.used(key, period, now) for period, limit in limits.items()}
    full = next((period for period in left if left[period] <= 0), None)
    headers, reset = _headers(limits, left, full, now)
    if full:
        said = {**headers, "Retry-After": str(reset)}
        status, message = config.get("error_code") or 429, config.get("error_message") or "API rate limit exceeded"
        return exchange.error(status, message, None if config["hide_client_headers"] else said)
    for period in limits:
        rates.count(key, period, now)
    if not config["hide_client_headers"]:
        for name, value in headers.items():
            exchange.early_headers.set(name, value)
    return None


def _headers(limits: dict[str, int], left: dict[str, int], full: str | None, now: float) -> tuple[dict[str, str], int]:
    """The header lines, and the seconds until the tightest window begins anew.

    What is left counts this request too, but in a refusal only in the window that is full.
    """
    remaining = {period: max(0, left[period] - (1 if full in (None, period) else 0)) for period in limits}
    tightest = min(limits, key=lambda period: (remaining[period], -SECONDS[period]))
    reset = max(1, SECONDS[tightest] - math.floor(now - window(tightest, now)))
    headers = {
        "RateLimit-Limit": str(limits[tightest]),
        "RateLimit-Remaining": str(remaining[tightest]),
        "RateLimit-Reset": str(reset),
    }
    for period, limit in limits.items():
        headers[f"X-RateLimit-Limit-{period.capitalize()}"] = str(limit)
        headers[f"X-RateLimit-Remaining-{period.capitalize()}"] = str(remaining[period])
    return headers, reset


def _key(exchange: Exchange, instance: Instance) -> Key:
    """Who is limited, and in the plugin's scope; without a consumer, header or path it is the address."""
    config, row = instance.config, instance.row
    whom: str | None = None
    match config["limit_by"]:
        case "service":
            whom = exchange.service["id"] if exchange.service else None
        case "consumer":
            whom = exchange.consumer["id"] if exchange.consumer else None
        case "credential":
            whom = str(exchange.credential["id"]) if exchange.credential else None
        case "header":
            whom = exchange.headers.get(config["header_name"])
        case "path" if unwire(exchange.incoming.path) == config["path"]:
            whom = exchange.incoming.path
    route, service = row.get("route"), row.get("service")
    return route and route["id"], service and service["id"], whom or exchange.origin.ip
