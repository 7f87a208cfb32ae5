"""Well-known robots, told by their User-Agent, are refused with 403 where the API's plan says so.

It keeps honest robots away, and nobody else: a User-Agent is what the caller says of himself.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    asked = one.api.bot_detection
    if one.live and asked is not None:
        config: dict[str, object] = {"allow": [], "deny": []}
        yield Plugin("bot-detection", config, asked.origin, one.belongs, within=one.name, service=one.name)
