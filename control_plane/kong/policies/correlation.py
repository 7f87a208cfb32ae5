"""An id for each call, to the upstream and back to the client, so that one call can be found in every log."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing

HEADER = "X-Correlation-ID"


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    config = {"header_name": HEADER, "generator": "uuid", "echo_downstream": True}
    yield Plugin("correlation-id", config, one.api.origin, one.belongs, within=one.name, service=one.name)
