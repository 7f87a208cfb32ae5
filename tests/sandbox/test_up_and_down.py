"""A sandbox with the real Keycloak: it comes up, says what runs, gives up nothing but what is ours, and goes down."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
import requests

from control_plane.sandbox import run
from tests.conftest import KeycloakServer

pytestmark = pytest.mark.servers
ANY_PORT = dict.fromkeys(run.USUAL, 0)


def test_the_account_of_renkei_may_create_realms_and_sees_no_others(keycloak_server: KeycloakServer) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": keycloak_server.client_id,
        "client_secret": keycloak_server.client_secret,
    }
    answer = requests.post(f"{keycloak_server.url}/realms/master/protocol/openid-connect/token", data=form, timeout=30)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    realms = f"{keycloak_server.url}/admin/realms"
    made = requests.post(realms, json={"realm": "sandbox-rights", "enabled": True}, headers=headers, timeout=60)
    assert made.status_code == 201
    assert requests.get(f"{realms}/sandbox-rights/users", headers=headers, timeout=30).status_code == 200
    assert requests.get(f"{realms}/master/users", headers=headers, timeout=30).status_code == 403
    assert requests.delete(f"{realms}/sandbox-rights", headers=headers, timeout=30).status_code == 204


def test_the_temporary_account_of_the_bootstrap_is_gone(keycloak_server: KeycloakServer) -> None:
    clients = keycloak_server.by_hand("GET", "/realms/master/clients").json()
    assert "renkei-bootstrap" not in {client["clientId"] for client in clients}
    assert "renkei" in {client["clientId"] for client in clients}


def test_a_sandbox_comes_up_once_says_so_goes_down_and_keeps_its_data(tmp_path: Path) -> None:
    directory = tmp_path / "sandbox"
    told: list[str] = []
    sandbox = run.up(directory, parts=("keycloak", "echo"), asked=ANY_PORT, lifetime=timedelta(minutes=10))
    try:
        pids = {part.name: part.pid for part in run.status(directory).parts}
        again = run.up(directory, parts=("keycloak", "echo"), asked=ANY_PORT, tell=lambda step: told.append(step.text))
        assert again.ports == sandbox.ports
        assert told == ["the upstream runs already", "Keycloak runs already"]
        assert {part.name: part.pid for part in run.status(directory).parts} == pids
        assert run.status(directory).running
        assert requests.get(f"{sandbox.upstream_url}/v2/entities?a=1", timeout=10).json()["path"] == "/v2/entities"
        for file in (sandbox.client_secret_file, sandbox.admin_password_file, directory / "sandbox.json"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        addresses = {at.laddr.ip for pid in pids.values() for at in psutil.Process(pid).net_connections() if at.laddr}
        assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    finally:
        assert run.down(directory)
    assert not run.status(directory).running
    assert not any(psutil.pid_exists(pid) for pid in pids.values())
    assert (directory / "keycloak" / "data" / "h2" / "keycloakdb.mv.db").exists()
    assert not run.down(directory)
    run.down(directory, wipe=True)
    assert not directory.exists()


def test_the_stand_in_keeps_its_entities_when_it_goes_down_and_comes_up(tmp_path: Path) -> None:
    directory = tmp_path / "sandbox"
    for expected in (201, 409):
        sandbox = run.up(directory, parts=("kong", "echo"), asked=ANY_PORT, lifetime=timedelta(minutes=10))
        try:
            body = {"name": "orion", "url": sandbox.upstream_url}
            assert requests.post(f"{sandbox.kong_admin_url}/services", json=body, timeout=10).status_code == expected
        finally:
            run.down(directory)


def test_no_sandbox_is_started_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "control_plane", "-C", str(tmp_path / "slip"), "sandbox", "up"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "slip is no directory" in done.stderr
    assert not (tmp_path / "slip").exists()
