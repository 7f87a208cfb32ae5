"""The stand-in's proxy answers as the recorded Kong did: every scenario, at the level `full`.

Each scenario has a stand-in of its own with the settings that it needs, a few are played side by side: most of the time
is spent waiting for a window of a limit, a batch of logs, or the end of a key. With RENKEI_TEST_KONG_ADMIN and
RENKEI_TEST_KONG_PROXY a real Kong is asked instead, whose entities are deleted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from control_plane.problems import RenkeiError
from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings

CONTRACT = Path(__file__).resolve().parents[1] / "kong_contract"
SCENARIOS = sorted(file.stem for file in (CONTRACT / "scenarios").glob("proxy-*.yaml"))
SETTINGS = {
    "proxy-tokens-guard": Settings(sandbox_requires=("cjson.safe",)),
    "proxy-key-auth": Settings(take_up=3.5),  # its last step counts on the seconds that a real Kong needs before
    "proxy-termination": Settings(proxy_port=8000),  # the recorded echo names this port
}
LONGEST = ("proxy-rate-limiting", "proxy-key-auth", "proxy-upstreams", "proxy-metrics", "proxy-logs")  # begin first
SIDE_BY_SIDE = 4
TRIES = {
    "proxy-jwt": 4
}  # two of its tokens are the same text, as recorded, only if the player makes them in one second

NOTHING_DIFFERS = ", 0 differ ("  # as in the player's last line

pytestmark = pytest.mark.servers
Play = Callable[[str], str]


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[Play]:
    """What the player said of a scenario; all that were chosen begin with the first."""
    real = os.environ.get("RENKEI_TEST_KONG_ADMIN"), os.environ.get("RENKEI_TEST_KONG_PROXY")
    ours = [item for item in request.session.items if isinstance(item, pytest.Function)]
    mine = [item for item in ours if item.function is test_the_proxy_answers_as_recorded]
    chosen = {str(item.callspec.params["scenario"]) for item in mine}
    order = [*(name for name in LONGEST if name in chosen), *sorted(chosen - set(LONGEST))]
    with ThreadPoolExecutor(1 if all(real) else SIDE_BY_SIDE) as pool:
        plays: dict[str, Future[str]] = {name: pool.submit(_play, name, *real) for name in order}
        yield lambda name: plays[name].result()


def _play(scenario: str, admin: str | None, proxy: str | None) -> str:
    said = ""
    for _ in range(TRIES.get(scenario, 1)):
        if admin and proxy:
            said = _record(scenario, admin, proxy)
        else:
            with in_thread(SETTINGS.get(scenario, Settings())) as running:
                said = _record(scenario, running.admin_url, running.proxy_url)
        if NOTHING_DIFFERS in said:
            break
    return said


def _record(scenario: str, admin: str, proxy: str) -> str:
    command = [sys.executable, str(CONTRACT / "record.py"), "--admin", admin, "--proxy", proxy, "--check", scenario]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_proxy_answers_as_recorded(scenario: str, played: Play) -> None:
    try:
        said = played(scenario)
    except RenkeiError as error:
        pytest.skip(str(error))  # port 8000 is somebody else's
    assert f"{scenario}: " in said, said
    assert NOTHING_DIFFERS in said, said


def test_the_scenarios_of_authentication_and_routing_are_among_them() -> None:
    assert {f"proxy-{name}" for name in ("key-auth", "acl", "jwt", "matching", "no-route")} <= set(SCENARIOS)
