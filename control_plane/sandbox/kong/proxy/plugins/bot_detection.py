"""bot-detection: refuses by User-Agent; `allow` goes before `deny`, and that before the list of well-known robots."""

from __future__ import annotations

import re

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply

# Kong's own list names some 400; these are the ones that its documentation and our examples speak of.
_KNOWN = re.compile(
    r"Googlebot|bingbot|Baiduspider|YandexBot|DuckDuckBot|facebookexternalhit|Slurp|AhrefsBot|SemrushBot|MJ12bot"
    r"|PetalBot|Applebot|archive\.org_bot|Exabot|Sogou|ia_archiver|Scrapy"
)


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    agents = exchange.headers.all("user-agent")
    if not agents:
        return None
    if len(agents) > 1:
        return exchange.error(400, "Bad request")
    agent, config = agents[0], instance.config
    if any(re.search(pattern, agent) for pattern in config.get("allow") or ()):
        return None
    if any(re.search(pattern, agent) for pattern in config.get("deny") or ()) or _KNOWN.search(agent):
        return exchange.error(403, "Forbidden")
    return None
