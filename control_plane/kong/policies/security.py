"""Headers for browsers that a plan asks for, and none that tell an attacker what the upstream is made of.

nosniff: Fetch standard. Strict-Transport-Security: RFC 6797, a year; browsers ignore it where the call came over
http. Cache-Control: what was answered to one caller must not come out of a cache to another one (RFC 9111, 5.2.2.5);
open data may be kept. Kong's own `Server` and `Via` are a setting of the node, KONG_HEADERS.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kong.policies import headers
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing

PUT = {"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000"}
NOT_KEPT = {"Cache-Control": "no-store"}
TELLTALES = ("Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version", "X-Runtime", "X-Generator")


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    asked = one.api.security_headers
    if asked is not None:
        put = {**PUT, **(NOT_KEPT if one.live and one.api.auth else {})}
        config = headers.transformer(put, remove=TELLTALES)
        yield Plugin(headers.NAME, config, asked.origin, one.belongs, within=one.name, service=one.name)
