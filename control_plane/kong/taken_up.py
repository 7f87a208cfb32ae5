"""When has the proxy taken up what was written? Kong's node looks for changes every few seconds.

Routes and services are one thing, plugins another: each is rebuilt whole from the database. So with the proxy's address
a marker route is written and asked for until it answers by its plugin: both were written after everything else of their
sort, so everything else is there too. Consumers, credentials, acl rows and servers are cached row by row, and no marker
tells of another row: the node reads the events of their changes every `db_update_frequency` seconds, and that long we
wait after the last of them. Without the proxy's address: twice the longer of the node's intervals. Markers carry the
tag `renkei-probe`, are removed at once, and those that a killed run has left are removed by the next one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

import requests

from control_plane.kong import naming
from control_plane.kong.client import Kong, at
from control_plane.problems import Problem, ServerError

LONGEST = 60.0  # seconds until we say that the proxy does not take changes up
PAUSE = 0.05  # seconds between two questions
LEFT_OVER = 120  # seconds after which a marker is nobody's any more: longer than any run waits for it
LATE = 1.2  # times an interval until the node has done what it looks for that often
PLUGINS_LATER = 6.0  # seconds from a new router to new plugins, which the node reloads apart from it


def settle(kong: Kong, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return when the proxy has all earlier writes of this run. Raises ServerError when it does not get there."""
    if not kong.unsettled:
        return
    if kong.proxy_url:
        remove_left_over(kong)
        _probe(kong, kong.proxy_url.rstrip("/"), sleep)
        prove(kong, sleep)
    else:
        sleep(2 * max(_seconds(kong, "worker_state_update_frequency", 5), _seconds(kong, "db_update_frequency", 5)))
    kong.unsettled = False


def prove(kong: Kong, sleep: Callable[[float], None] = time.sleep) -> None:
    """Return when no node honours a credential or an acl row any more that this run has taken away."""
    events = _seconds(kong, "db_update_frequency", 5) + _seconds(kong, "db_update_propagation", 0)
    left = events * LATE - (time.monotonic() - kong.cached_since)
    if left > 0:
        sleep(left)


def remove_left_over(kong: Kong) -> None:
    """Remove markers of runs that were killed; one that is younger may be in use by another run."""
    oldest = time.time() - LEFT_OVER
    for row in kong.pages("routes", {"tags": naming.PROBE}):
        if naming.PROBE in row["tags"] and float(row.get("created_at") or 0) < oldest:
            kong.delete(at("routes", row["id"]))


def _probe(kong: Kong, proxy: str, sleep: Callable[[float], None]) -> None:
    """Two markers. The first answers 418 by its plugin. Where a plugin for everything answers before it, the second
    tells at least that the router is new: its redirect to https comes before any plugin."""
    name = f"{naming.PROBE}-{uuid.uuid4().hex[:12]}"
    paths = {part: at("routes", f"{name}-{part}") for part in ("plugin", "router")}
    plugin = {"name": "request-termination", "config": {"status_code": 418, "message": name}, "tags": [naming.PROBE]}
    try:
        kong.put(paths["router"], _marker(f"{name}-router", protocols=["https"], https_redirect_status_code=308))
        kong.put(paths["plugin"], _marker(f"{name}-plugin"))
        kong.put(at("plugins", name), {**plugin, "route": {"name": f"{name}-plugin"}})
        _wait(kong, proxy, name, sleep)
    finally:
        for path in paths.values():
            kong.http.delete(path)


def _marker(name: str, **more: object) -> dict[str, object]:
    return {"hosts": [f"{name}.test"], "paths": [f"/{name}"], "methods": ["GET"], "tags": [naming.PROBE], **more}


def _wait(kong: Kong, proxy: str, name: str, sleep: Callable[[float], None]) -> None:
    end, seen = time.monotonic() + LONGEST, None
    why = "it answers neither of the markers"
    while time.monotonic() < end:
        try:
            status, text = _ask(kong, proxy, f"{name}-plugin")
            if status == 418 and name in text:
                return
            if _ask(kong, proxy, f"{name}-router")[0] == 308:
                seen = seen or time.monotonic()
                if time.monotonic() - seen > PLUGINS_LATER:
                    return
        except requests.RequestException as error:
            why = f"{type(error).__name__}"
        sleep(PAUSE)
    raise ServerError(
        Problem(
            f"the proxy at {proxy} does not take changes up within {LONGEST:.0f} s",
            note=why,
            help="is `proxy_url` the proxy of this Admin API?",
        )
    )


def _ask(kong: Kong, proxy: str, name: str) -> tuple[int, str]:
    answer = requests.get(
        f"{proxy}/{name}",
        headers={"Host": f"{name}.test"},
        timeout=(5, 10),
        allow_redirects=False,
        verify=kong.verify,
    )
    return answer.status_code, answer.text[:1000]


def _seconds(kong: Kong, setting: str, usual: float) -> float:
    """One of the intervals at which the node looks for changes; Kong's default where it does not say."""
    configuration = kong.node().get("configuration")
    found = configuration.get(setting) if isinstance(configuration, dict) else None
    return float(found) if isinstance(found, int | float) else usual
