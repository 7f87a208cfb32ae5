"""What can be said of deploy/compose.yaml without Docker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).parents[2] / "deploy" / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found = yaml.safe_load(FILE.read_text("utf-8"))["services"]
    assert isinstance(found, dict)
    return found


def test_every_port_is_published_on_loopback_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_node_allows_what_the_guard_requires_and_logs_no_query_strings(services: dict[str, Any]) -> None:
    kong = services["kong"]["environment"]
    assert kong["KONG_UNTRUSTED_LUA_SANDBOX_REQUIRES"] == "cjson.safe"
    assert kong["KONG_PROXY_ACCESS_LOG"] == "off"
    assert "server_tokens" not in kong["KONG_HEADERS"]


def test_no_secret_stands_in_the_file(services: dict[str, Any]) -> None:
    settings = [pair for service in services.values() for pair in service.get("environment", {}).items()]
    secret = [value for name, value in settings if name.endswith(("PASSWORD", "SECRET", "TOKEN_ID"))]
    assert secret
    assert all(str(value).startswith("${RENKEI_") for value in secret)


def test_every_service_that_is_waited_for_is_there_and_can_say_that_it_is_ready(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] == "service_completed_successfully" or "healthcheck" in services[name]


def test_the_upstream_needs_nothing_of_this_package() -> None:
    echo = (FILE.parents[1] / "control_plane" / "sandbox" / "echo.py").read_text("utf-8")
    assert "control_plane import" not in echo
    assert "from control_plane" not in echo
