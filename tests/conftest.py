"""The servers that tests marked `servers` talk to: one of each for a test run, and none before a test asks for it.

Other servers are used when these are set:
    RENKEI_TEST_KEYCLOAK                            its URL; with
    RENKEI_TEST_KEYCLOAK_CLIENT_ID, _CLIENT_SECRET  a service account of the realm `master` that may create realms
    RENKEI_TEST_KEYCLOAK_ADMIN, _ADMIN_PASSWORD     a person with all rights, for changes "by hand"
    RENKEI_TEST_KONG_ADMIN, RENKEI_TEST_KONG_PROXY  Admin API and proxy of a Kong whose entities the tests may delete
    RENKEI_TEST_UPSTREAM                            an echoing upstream that this Kong reaches, else one is started
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
import requests

from control_plane.sandbox import run
from control_plane.sandbox.state import Sandbox

hypothesis.settings.register_profile(
    "renkei", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)  # how fast a drawn case runs says more of the machine than of us
hypothesis.settings.load_profile("renkei")

LIFETIME = timedelta(hours=2)  # should this process and the watchdog's look at it both fail


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need servers first: what is left for the end is short, and no worker waits for the other."""
    slow = {item.path for item in items if item.get_closest_marker("servers")}
    items.sort(key=lambda item: item.path not in slow)


@dataclass(frozen=True)
class KeycloakServer:
    """A running Keycloak and two accounts: renkei's own with few rights, and a person's with all."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    admin: str
    admin_password: str = field(repr=False)

    def admin_token(self) -> str:
        """A fresh access token with all rights (60 s), for what a test does by hand behind renkei's back."""
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": self.admin,
            "password": self.admin_password,
        }
        answer = requests.post(f"{self.url}/realms/master/protocol/openid-connect/token", data=form, timeout=30)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def by_hand(self, method: str, path: str, json: object = None) -> requests.Response:
        """One request to the admin API with all rights, such as `("GET", "/realms/x/users")`; no error is raised."""
        headers = {"Authorization": f"Bearer {self.admin_token()}"}
        return requests.request(method, f"{self.url}/admin{path}", json=json, headers=headers, timeout=60)


@dataclass(frozen=True)
class KongServer:
    """A running Kong, or what stands in for it, and an upstream that it reaches and that echoes."""

    admin_url: str
    proxy_url: str
    upstream_url: str
    real: bool


@pytest.fixture(scope="session")
def keycloak_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeycloakServer]:
    """A real Keycloak; its realms are shared by all tests of a run, so that each test uses realms of its own name."""
    url = os.environ.get("RENKEI_TEST_KEYCLOAK")
    if url:
        names = ("CLIENT_ID", "CLIENT_SECRET", "ADMIN", "ADMIN_PASSWORD")
        yield KeycloakServer(url.rstrip("/"), *(os.environ[f"RENKEI_TEST_KEYCLOAK_{name}"] for name in names))
        return
    directory = tmp_path_factory.mktemp("keycloak-server")
    sandbox = _up(directory, ("keycloak",))
    try:
        secret, password = (
            file.read_text("utf-8") for file in (sandbox.client_secret_file, sandbox.admin_password_file)
        )
        assert sandbox.keycloak_url
        yield KeycloakServer(sandbox.keycloak_url, sandbox.client_id, secret, sandbox.admin_user, password)
    finally:
        run.down(directory)


@pytest.fixture(scope="session")
def kong_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KongServer]:
    """The stand-in Kong, or the real one that is named; its entities are shared by all tests of a run."""
    admin, proxy = os.environ.get("RENKEI_TEST_KONG_ADMIN"), os.environ.get("RENKEI_TEST_KONG_PROXY")
    real = bool(admin and proxy)
    directory = tmp_path_factory.mktemp("kong-server")
    sandbox = _up(directory, ("echo",) if real else ("kong", "echo"))
    try:
        upstream = os.environ.get("RENKEI_TEST_UPSTREAM") or sandbox.upstream_url
        admin_url, proxy_url = (admin, proxy) if real else (sandbox.kong_admin_url, sandbox.kong_proxy_url)
        assert admin_url
        assert proxy_url
        assert upstream
        yield KongServer(admin_url.rstrip("/"), proxy_url.rstrip("/"), upstream, real)
    finally:
        run.down(directory)


def _up(directory: Path, parts: tuple[str, ...]) -> Sandbox:
    any_port = dict.fromkeys(run.USUAL, 0)
    return run.up(directory, parts=parts, asked=any_port, lifetime=LIFETIME, owner=run.this_process())
