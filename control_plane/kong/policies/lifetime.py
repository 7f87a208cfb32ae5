"""The period of a version, held by the gateway itself: before it begins 404, after its last day 410, to everybody.

A pre-function, for it runs before authentication: who calls a version that has ended learns so with any credentials or
none, as of a retired one. The answer's body is that of `answers`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from control_plane.catalog.model import ALWAYS
from control_plane.kong.policies.chunk import BY_US
from control_plane.kong.policies.guard import PHASES
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing

TEXT = """-- {name}: when the version answers, {by_us}
local FROM, TILL = {start}, {end} -- {told}

return function()
  local now = ngx.time()
  if now < FROM then return kong.response.exit(404, {{ message = "not published yet" }}) end
  if now >= TILL then return kong.response.exit(410, {{ message = "gone" }}) end
end
"""


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    period = one.version.period(gateway.catalog.platform.zone)
    if not one.live or period == ALWAYS:
        return
    text = TEXT.format(
        name=one.name,
        by_us=BY_US,
        start=_seconds(period.start, "0"),
        end=_seconds(period.end, "math.huge"),
        told=f"{_told(period.start)} to {_told(period.end)}",
    )
    config = {"access": [text], **{phase: [] for phase in PHASES}}
    yield Plugin("pre-function", config, one.version.origin, one.belongs, within=one.name, service=one.name)


def _seconds(at: datetime | None, otherwise: str) -> str:
    return otherwise if at is None else str(int(at.timestamp()))


def _told(at: datetime | None) -> str:
    return "any time" if at is None else at.isoformat(timespec="seconds")
