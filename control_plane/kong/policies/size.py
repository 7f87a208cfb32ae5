"""The largest body that an API takes, in megabytes; a larger one is refused with 413 before the upstream sees it."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if one.live:
        config = {
            "allowed_payload_size": one.api.max_body_mb,
            "size_unit": "megabytes",
            "require_content_length": False,
        }
        yield Plugin("request-size-limiting", config, one.api.origin, one.belongs, within=one.name, service=one.name)
