"""The stand-in's Admin API answers as the recorded Kong did: every scenario, wording of errors included.

Played at the level `full`, which includes what the levels `codes` and `status` compare. With RENKEI_TEST_KONG_ADMIN and
RENKEI_TEST_KONG_PROXY a real Kong is asked, whose entities are deleted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings

CONTRACT = Path(__file__).resolve().parents[1] / "kong_contract"
SCENARIOS = sorted(file.stem for file in (CONTRACT / "scenarios").glob("admin-*.yaml"))

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def addresses() -> Iterator[tuple[str, str]]:
    admin, proxy = os.environ.get("RENKEI_TEST_KONG_ADMIN"), os.environ.get("RENKEI_TEST_KONG_PROXY")
    if admin and proxy:
        yield admin, proxy
        return
    with in_thread(Settings()) as running:
        yield running.admin_url, running.proxy_url


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_admin_api_answers_as_recorded(scenario: str, addresses: tuple[str, str]) -> None:
    admin, proxy = addresses
    command = [sys.executable, str(CONTRACT / "record.py"), "--admin", admin, "--proxy", proxy, "--check", scenario]
    played = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert played.returncode == 0, played.stdout + played.stderr
    assert ", 0 differ (" in played.stdout, "no exchange was compared"


def test_the_recordings_hold_every_part_that_the_project_relies_on() -> None:
    parts = {"services", "routes", "plugins", "consumers", "key-auth", "acls", "jwt", "tags", "list", "delete"}
    assert {f"admin-{part}" for part in parts} <= set(SCENARIOS)
