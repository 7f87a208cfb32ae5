"""What a sandbox remembers between two commands: its addresses, its processes, and until when it may run.

<directory>/               0700
    sandbox.json           0600; written last, replaced whole
    keycloak/ kong.json    the data of the servers, which `down` keeps
    secrets/               the sandbox's secret store and the secrets of Keycloak's accounts
    logs/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from control_plane.problems import Problem, RenkeiError
from control_plane.sandbox.cache import private_directory, write_private
from control_plane.sandbox.processes import Process, find

FORMAT = 1
LOCK = "sandbox.lock"  # held by up and down; marks the directory as one that `down --wipe` may remove


@dataclass(frozen=True)
class Sandbox:
    """How to reach the servers of a sandbox and the secrets for them. A part that was not asked for has no address."""

    directory: Path
    ports: Mapping[str, int]

    @property
    def keycloak_url(self) -> str | None:
        return self._at("keycloak", "localhost")

    @property
    def kong_admin_url(self) -> str | None:
        return self._at("kong-admin", "127.0.0.1")

    @property
    def kong_proxy_url(self) -> str | None:
        return self._at("kong-proxy", "127.0.0.1")

    @property
    def upstream_url(self) -> str | None:
        return self._at("echo", "127.0.0.1")

    @property
    def keycloak_console(self) -> str | None:
        return f"{self.keycloak_url}/admin/master/console/" if self.keycloak_url else None

    @property
    def client_id(self) -> str:
        return "renkei"

    @property
    def client_secret_file(self) -> Path:
        """The secret of the client `renkei` in Keycloak's realm `master`; the file holds nothing else."""
        return self.directory / "accounts" / "keycloak-client.secret"

    @property
    def admin_user(self) -> str:
        return "admin"

    @property
    def admin_password_file(self) -> Path:
        """The password of the person `admin` for Keycloak's console; the file holds nothing else."""
        return self.directory / "accounts" / "keycloak-admin.password"

    @property
    def secrets_directory(self) -> Path:
        """Where the environment `sandbox` keeps the secrets that renkei makes."""
        return self.directory / "secrets"

    @property
    def kong_data(self) -> Path:
        return self.directory / "kong.json"

    def log(self, part: str) -> Path:
        return self.directory / "logs" / f"{part}.log"

    def _at(self, part: str, host: str) -> str | None:
        return f"http://{host}:{self.ports[part]}" if part in self.ports else None


@dataclass(frozen=True)
class State:
    """What stands in sandbox.json. `owner` is a process that the sandbox shall not outlive, such as a test run."""

    sandbox: Sandbox
    processes: Mapping[str, Process] = field(default_factory=dict)
    until: datetime | None = None
    owner: Process | None = None

    def running(self, part: str) -> bool:
        return part in self.processes and find(self.processes[part]) is not None

    def without(self, part: str) -> State:
        return replace(self, processes={name: p for name, p in self.processes.items() if name != part})

    def overdue(self, now: datetime) -> bool:
        """Whether its time is over or its owner is gone."""
        return (self.until is not None and now >= self.until) or (self.owner is not None and find(self.owner) is None)


def prepare(directory: Path) -> Sandbox:
    """The directories of a sandbox that has no addresses yet."""
    private_directory(directory)
    (directory / LOCK).touch(mode=0o600)
    for inner in ("accounts", "secrets", "logs"):
        private_directory(directory / inner)
    return Sandbox(directory, {})


def save(state: State) -> None:
    document = {
        "format": FORMAT,
        "ports": dict(state.sandbox.ports),
        "processes": {part: asdict(process) for part, process in state.processes.items()},
        "until": state.until.isoformat() if state.until else None,
        "owner": asdict(state.owner) if state.owner else None,
    }
    write_private(state.sandbox.directory / "sandbox.json", json.dumps(document, indent=2) + "\n")


def load(directory: Path) -> State | None:
    """What an earlier `up` left, or None when there was none. Raises RenkeiError when it cannot be understood."""
    file = directory / "sandbox.json"
    try:
        document = json.loads(file.read_text("utf-8"))
        if document["format"] != FORMAT:
            raise ValueError
        return State(
            Sandbox(directory, {str(part): int(port) for part, port in document["ports"].items()}),
            {str(part): _process(found) for part, found in document["processes"].items()},
            datetime.fromisoformat(document["until"]).astimezone(UTC) if document["until"] else None,
            _process(document["owner"]) if document["owner"] else None,
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise RenkeiError(
            Problem(
                f"{file} cannot be understood",
                help="remove it when no sandbox runs, or run `renkei sandbox down --wipe`",
            )
        ) from None


def _process(found: Mapping[str, object]) -> Process:
    name, pid, started = found["name"], found["pid"], found["started"]
    if not (isinstance(name, str) and isinstance(pid, int) and pid > 0 and isinstance(started, int | float)):
        raise ValueError
    return Process(name, pid, float(started))
