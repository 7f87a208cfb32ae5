"""The sandbox of one configuration directory: up, down, status. Each can be repeated and mends what was half done."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import requests

from control_plane.problems import Problem, RenkeiError
from control_plane.sandbox import keycloak, ports
from control_plane.sandbox.cache import locked, private_directory
from control_plane.sandbox.distribution import Distribution, installed
from control_plane.sandbox.memory import need_memory
from control_plane.sandbox.processes import Process, python_environment, spawn, stop
from control_plane.sandbox.progress import Step, Tell, silence
from control_plane.sandbox.state import LOCK, Sandbox, State, load, prepare, save

PARTS = ("keycloak", "kong", "echo")
USUAL = {"keycloak": 8180, "keycloak-management": 9180, "kong-admin": 8101, "kong-proxy": 8100, "echo": 8190}
PORTS_OF = {"keycloak": ("keycloak", "keycloak-management"), "kong": ("kong-admin", "kong-proxy"), "echo": ("echo",)}
TITLES = {"keycloak": "Keycloak", "kong": "the stand-in Kong", "echo": "the upstream"}
LIFETIME = timedelta(hours=8)
PATIENCE = 180.0  # seconds for a start on a loaded machine; 8 are usual


@dataclass(frozen=True)
class Part:
    """One server of a sandbox, as it is now."""

    name: str
    running: bool
    pid: int
    url: str | None


@dataclass(frozen=True)
class Status:
    """A sandbox as it is now; `sandbox` is None when there never was one here."""

    sandbox: Sandbox | None
    parts: tuple[Part, ...]
    until: datetime | None

    @property
    def running(self) -> bool:
        return bool(self.parts) and all(part.running for part in self.parts)


def up(
    directory: Path,
    *,
    tell: Tell = silence,
    parts: Collection[str] = PARTS,
    asked: Mapping[str, int] | None = None,
    lifetime: timedelta = LIFETIME,
    owner: Process | None = None,
) -> Sandbox:
    """Bring up what does not run yet, and return when all of it answers. `lifetime` counts from now.

    `asked` names ports (the keys of USUAL) that must be these, 0 takes any; the others are the usual or next free ones.
    Raises RenkeiError; what this call started is then stopped again.
    """
    directory = private_directory(directory.absolute())
    with locked(directory / LOCK):
        state = load(directory) or State(prepare(directory))
        prepare(directory)
        state = replace(state, until=datetime.now(UTC) + lifetime, owner=owner)
        missing = [part for part in PARTS if part in parts and not state.running(part)]
        for part in sorted(set(state.processes) - set(missing) - {"watchdog"}):
            tell(Step(f"{TITLES[part]} runs already"))
        if missing:
            state = _start(state, missing, dict(asked or {}), tell)
        if not state.running("watchdog"):
            state = _with(state, "watchdog", _watchdog(state.sandbox))
        save(state)
        return state.sandbox


def down(directory: Path, *, wipe: bool = False, overdue: bool = False, tell: Tell = silence) -> bool:
    """Stop what runs; keep the data, unless `wipe`. `overdue`: only when its time is over. False when none stopped."""
    directory = directory.absolute()
    if not directory.is_dir():
        return False
    if not (directory / LOCK).exists():  # `up` makes it first of all: without it this is somebody's own directory
        raise RenkeiError(f"{directory} is no sandbox")
    with locked(directory / LOCK):
        try:
            state = load(directory)
        except RenkeiError:
            if not wipe:
                raise
            state = None
        due = state is not None and (not overdue or state.overdue(datetime.now(UTC)))
        stopped = _stop_all(state, tell) if state and due else False
    if wipe:
        shutil.rmtree(directory)
    return stopped


def status(directory: Path) -> Status:
    """What runs at the moment; starts and changes nothing."""
    state = load(directory.absolute())
    if state is None:
        return Status(None, (), None)
    urls = {
        "keycloak": state.sandbox.keycloak_url,
        "kong": state.sandbox.kong_proxy_url,
        "echo": state.sandbox.upstream_url,
    }
    found = tuple(
        Part(part, state.running(part), process.pid, urls[part])
        for part, process in sorted(state.processes.items())
        if part in urls
    )
    return Status(state.sandbox, found, state.until if any(part.running for part in found) else None)


def this_process() -> Process:
    """Ourselves, as the owner of a sandbox that shall not outlive us."""
    return Process("owner", os.getpid(), psutil.Process().create_time())


def _start(state: State, missing: Sequence[str], asked: dict[str, int], tell: Tell) -> State:
    """Start side by side, then wait for each. The state is saved after every start, so that none is lost sight of."""
    began = time.monotonic()
    distribution = None
    if "keycloak" in missing:
        need_memory(keycloak.MEMORY, "Keycloak")
        distribution = installed(tell)
    before = state
    state = replace(state, sandbox=replace(state.sandbox, ports=_ports(state, missing, asked)))
    started: list[str] = []
    try:
        for part in missing:
            tell(Step(f"{TITLES[part]} starts"))
            state = _with(state, part, _launch(part, state.sandbox, distribution))
            started.append(part)
            save(state)
        for part in reversed(missing):  # Keycloak, which takes longest, is waited for last
            _wait(part, state, began + PATIENCE)
            tell(Step(f"{TITLES[part]} is ready at {_url(part, state.sandbox)}"))
        if distribution:
            accounts = keycloak.Accounts(state.sandbox.client_secret_file, state.sandbox.admin_password_file)
            keycloak.ensure_accounts(_url("keycloak", state.sandbox), distribution.bootstrap_secret, accounts)
    except BaseException as why:  # also Ctrl-C: what this call started must not stay
        for part in started:
            stop(state.processes[part], patience=5)
            state = state.without(part)
        save(replace(state, sandbox=before.sandbox))
        if isinstance(why, requests.RequestException):
            raise RenkeiError(
                f"Keycloak broke off while the sandbox was set up; see {state.sandbox.log('keycloak')}"
            ) from why
        raise
    return state


def _ports(state: State, missing: Collection[str], asked: Mapping[str, int]) -> dict[str, int]:
    """Ports for the missing parts: those asked for, else from those of last time on, else from the usual ones on."""
    known = dict(state.sandbox.ports)
    chosen = {port: known[port] for part in PARTS if part not in missing for port in PORTS_OF[part] if port in known}
    taken = set(chosen.values())
    for part in missing:
        for name in PORTS_OF[part]:
            chosen[name] = ports.choose(TITLES[part], known.get(name, USUAL[name]), asked.get(name), taken)
    return chosen


def _launch(part: str, sandbox: Sandbox, distribution: Distribution | None) -> Process:
    match part:
        case "keycloak" if distribution:
            home = sandbox.directory / "keycloak"
            keycloak.make_home(distribution, home)
            return keycloak.start(distribution, home, _keycloak_ports(sandbox), sandbox.log("keycloak"))
        case "kong":
            options = [
                "--admin-port",
                str(sandbox.ports["kong-admin"]),
                "--proxy-port",
                str(sandbox.ports["kong-proxy"]),
            ]
            options += ["--data", str(sandbox.kong_data), "--sandbox-requires", "cjson.safe"]
            options += ["--header", "X-Kong-Request-Id"]
            return _python("control_plane.sandbox.kong", options, sandbox, "kong")
        case _:
            return _python("control_plane.sandbox.echo", ["--port", str(sandbox.ports["echo"])], sandbox, "echo")


def _watchdog(sandbox: Sandbox) -> Process:
    return _python("control_plane.sandbox.watchdog", [str(sandbox.directory)], sandbox, "watchdog")


def _python(module: str, options: list[str], sandbox: Sandbox, name: str) -> Process:
    return spawn(
        TITLES.get(name, name), [sys.executable, "-m", module, *options], sandbox.log(name), python_environment()
    )


def _wait(part: str, state: State, end: float) -> None:
    """Until it answers; RenkeiError when it ended or its time is over, with the last error in its log."""
    pause = 0.05
    while not _answers(_ready_url(part, state.sandbox)):
        if not state.running(part):
            raise _did_not_start(part, state.sandbox, "ended while it started")
        if time.monotonic() > end:
            raise _did_not_start(part, state.sandbox, f"was not ready after {PATIENCE:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def _did_not_start(part: str, sandbox: Sandbox, how: str) -> RenkeiError:
    log = sandbox.log(part)
    lines = log.read_text("utf-8", errors="replace").splitlines() if log.exists() else []
    telling = [line for line in lines[-200:] if "ERROR" in line or "Error" in line] or lines
    said = f": {telling[-1].strip()[:300]}" if telling else ""
    return RenkeiError(Problem(f"{TITLES[part]} {how}{said}", help=f"the whole log is in {log}"))


def _ready_url(part: str, sandbox: Sandbox) -> str:
    match part:
        case "keycloak":
            return _keycloak_ports(sandbox).ready_url
        case "kong":
            return f"{sandbox.kong_admin_url}/"
        case _:
            return f"{sandbox.upstream_url}/"


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5, proxies={"http": ""}).status_code == 200
    except requests.RequestException:
        return False


def _url(part: str, sandbox: Sandbox) -> str:
    urls = {"keycloak": sandbox.keycloak_url, "kong": sandbox.kong_proxy_url, "echo": sandbox.upstream_url}
    return urls[part] or ""


def _keycloak_ports(sandbox: Sandbox) -> keycloak.Ports:
    return keycloak.Ports(sandbox.ports["keycloak"], sandbox.ports["keycloak-management"])


def _with(state: State, part: str, process: Process) -> State:
    return replace(state, processes={**state.processes, part: process})


def _stop_all(state: State, tell: Tell) -> bool:
    """Stop all parts; ourselves not, when we are the watchdog."""
    stopped = False
    for part in sorted(state.processes):
        if state.processes[part].pid == os.getpid():
            continue
        if stop(state.processes[part]):
            stopped = True
            if part in TITLES:
                tell(Step(f"{TITLES[part]} stopped"))
    save(replace(state, processes={}, until=None, owner=None))
    return stopped
