"""What is ours is known by number and time of start; what is not ours is never stopped."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from control_plane.problems import RenkeiError
from control_plane.sandbox import distribution, memory, ports, run, state
from control_plane.sandbox.processes import Process, find, python_environment, spawn, stop
from control_plane.sandbox.state import Sandbox, State

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours."""
    with subprocess.Popen(SLEEP) as child:
        yield child
        child.kill()


def test_a_process_that_we_started_is_stopped(tmp_path: Path) -> None:
    ours = spawn("sleeper", SLEEP, tmp_path / "log", os.environ)
    assert find(ours) is not None
    assert stop(ours)
    assert find(ours) is None
    assert not stop(ours)


def test_a_process_that_ignores_the_request_to_end_is_ended(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    ours = spawn("deaf", [sys.executable, "-c", deaf], tmp_path / "log", os.environ)
    while "deaf" not in (tmp_path / "log").read_text():
        time.sleep(0.05)
    assert stop(ours, patience=0.2)
    assert find(ours) is None


def test_a_number_that_now_belongs_to_somebody_else_is_left_alone(
    stranger: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    remembered = Process("Keycloak", stranger.pid, psutil.Process(stranger.pid).create_time() - 3600)
    directory = tmp_path / "sandbox"
    state.save(State(replace(state.prepare(directory), ports={"keycloak": 8180}), {"keycloak": remembered}))
    assert not run.status(directory).running
    assert not run.down(directory)
    assert stranger.poll() is None


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, {"keycloak": 8180, "kong-admin": 8101, "kong-proxy": 8100, "echo": 8190})
    written = State(
        sandbox, {"echo": Process("the upstream", 7, 1.5)}, datetime(2026, 4, 1, tzinfo=UTC), run.this_process()
    )
    state.save(written)
    assert state.load(tmp_path) == written
    assert stat.S_IMODE((tmp_path / "sandbox.json").stat().st_mode) == 0o600
    assert sandbox.keycloak_url == "http://localhost:8180"
    assert sandbox.kong_admin_url == "http://127.0.0.1:8101"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', "\xff", '{"format": 1, "ports": 1}'])
def test_a_state_that_cannot_be_understood_is_an_error_and_can_be_wiped(tmp_path: Path, text: str) -> None:
    directory = tmp_path / "sandbox"
    state.prepare(directory)
    (directory / "sandbox.json").write_text(text, "latin-1")
    with pytest.raises(RenkeiError, match="cannot be understood"):
        run.status(directory)
    run.down(directory, wipe=True)
    assert not directory.exists()


def test_there_is_no_sandbox_where_none_was_brought_up(tmp_path: Path) -> None:
    assert run.status(tmp_path / "none").sandbox is None
    assert not run.down(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_wiping_removes_nothing_that_is_no_sandbox(tmp_path: Path) -> None:
    (tmp_path / "renkei.yaml").write_text("platform: tochigi\n")
    with pytest.raises(RenkeiError, match="is no sandbox"):
        run.down(tmp_path, wipe=True)
    assert (tmp_path / "renkei.yaml").exists()


def test_a_sandbox_is_overdue_when_its_time_is_over_or_its_owner_gone(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    mine = State(Sandbox(tmp_path, {}), until=now + timedelta(hours=1), owner=run.this_process())
    assert not mine.overdue(now)
    assert mine.overdue(now + timedelta(hours=1))
    assert replace(mine, owner=Process("owner", os.getpid(), 1.0)).overdue(now)


def test_the_watchdog_ends_what_outlived_its_time_and_then_itself(tmp_path: Path) -> None:
    directory = tmp_path / "sandbox"
    echo = run.up(directory, parts=("echo",), asked={"echo": 0}, lifetime=timedelta(seconds=0))
    left = state.load(echo.directory)
    assert left is not None
    end = time.monotonic() + 30
    while any(find(process) for process in left.processes.values()) and time.monotonic() < end:
        time.sleep(0.2)
    assert not any(find(process) for process in left.processes.values())
    assert run.status(directory).until is None


def test_what_does_not_start_says_why_and_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # no Python starts with that
    with pytest.raises(RenkeiError, match=r"the upstream ended while it started: .*[Ee]rror") as error:
        run.up(tmp_path / "sandbox", parts=("echo",), asked={"echo": 0})
    assert error.value.problems[0].help == f"the whole log is in {tmp_path / 'sandbox' / 'logs' / 'echo.log'}"
    assert run.status(tmp_path / "sandbox").parts == ()


def test_a_port_that_was_asked_for_and_is_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RenkeiError, match=f"port {port} for the upstream is in use"):
            run.up(tmp_path / "sandbox", parts=("echo",), asked={"echo": port})
        assert ports.choose("the upstream", port, None, set()) != port


def test_a_child_finds_this_package_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", "import control_plane.sandbox.echo"]
    subprocess.run(command, cwd=tmp_path, env=python_environment(), check=True)


def test_too_little_memory_is_said_with_both_figures() -> None:
    with pytest.raises(RenkeiError, match=r"too little memory for Keycloak: \d+ MiB are free, 99999999 MiB are needed"):
        memory.need_memory(99_999_999, "Keycloak")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "keycloak/../../evil"])
def test_an_archive_with_a_member_that_lands_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(RenkeiError, match="does not belong"):
        distribution.unpack(archive, tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_the_settings_of_the_machine_for_another_keycloak_do_not_reach_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KC_DB", "postgres")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dx=y")
    assert not {"KC_DB", "JAVA_TOOL_OPTIONS"} & set(distribution.environment())


def test_maven_can_be_a_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENKEI_MAVEN", "https://mirror.example.jp/maven2/")
    assert distribution.archive().url.startswith("https://mirror.example.jp/maven2/org/keycloak/")
