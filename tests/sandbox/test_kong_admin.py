"""What the recordings do not show of the stand-in's Admin API: hostile bodies, paging, restarts, the start-up line."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.problems import RenkeiError
from control_plane.sandbox.kong import persistence
from control_plane.sandbox.kong.admin import answer
from control_plane.sandbox.kong.admin.call import Answer, Call, Node
from control_plane.sandbox.kong.server import serve
from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.store import Store
from control_plane.sandbox.kong.writes import World


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def a_node(clock: Clock | None = None) -> Node:
    clock = clock or Clock()
    return Node(World(Store(clock), clock), Settings(clock=clock), "node", lambda: "")


def ask(node: Node, method: str, path: str, body: Any = None) -> Answer:
    raw = b"" if body is None else json.dumps(body).encode()
    path, _, query = path.partition("?")
    parameters = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
    headers = {"content-type": "application/json"} if raw else {}
    segments = tuple(path.split("/")[1:])
    return answer(node, Call(method, path, segments, {n: (v,) for n, v in parameters.items()}, headers, raw))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = {
    "/services/a": "host path port protocol url tags retries client_certificate ca_certificates name id created_at",
    "/routes/a": "paths hosts headers methods protocols snis sources service strip_path tags",
    "/plugins/a": "config protocols service route consumer tags enabled instance_name",
    "/upstreams/a": "healthchecks hash_on hash_fallback slots tags host_header",
    "/consumers/a": "username custom_id tags",
    "/consumers/alice/key-auth/k": "key ttl tags consumer created_at",
    "/consumers/alice/jwt/k": "key secret algorithm rsa_public_key",
    "/certificates/00000000-0000-4000-8000-000000000001": "cert key cert_alt key_alt tags",
}


@st.composite
def hostile_puts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    path = draw(st.sampled_from(sorted(FIELDS)))
    body = draw(st.dictionaries(st.sampled_from(FIELDS[path].split()) | st.text(max_size=5), JSON, max_size=4))
    if path.startswith("/plugins"):
        body["name"] = draw(st.sampled_from(["key-auth", "rate-limiting", "http-log", "post-function", "cors", "x"]))
    return path, body


@settings(max_examples=300, deadline=None)
@given(hostile_puts())
def test_no_body_makes_the_admin_api_fail(put: tuple[str, dict[str, Any]]) -> None:
    node = a_node()
    ask(node, "PUT", "/consumers/alice", {})
    path, body = put
    found = ask(node, "PUT", path, body)
    assert found.status in (200, 400, 409), (found, path, body)
    if found.status == 200 and path.startswith("/services"):
        assert ask(node, "PATCH", f"/services/{found.body['id']}", {}).status == 200


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_what_was_accepted_is_accepted_again_unchanged(value: Any) -> None:
    node = a_node()
    first = ask(node, "PUT", "/services/a", {"host": "h.test", "tags": value})
    if first.status == 200:
        assert ask(node, "PUT", "/services/a", dict(first.body)).body == first.body


def test_an_error_of_our_own_is_answered_like_kongs_and_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = a_node()
    monkeypatch.setattr(node.world.store, "ids", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR):
        found = ask(node, "GET", "/services")
    assert (found.status, found.body) == (500, {"message": "An unexpected error occurred"})
    assert "ZeroDivisionError" in caplog.text


def test_a_credential_is_gone_when_its_time_is_over() -> None:
    clock = Clock()
    node = a_node(clock)
    ask(node, "PUT", "/consumers/alice", {})
    ask(node, "PUT", "/consumers/alice/key-auth/k", {"ttl": 10})
    before = node.world.store.version
    clock.now += 9.5
    assert ask(node, "GET", "/key-auths/k").body["ttl"] == 0
    clock.now += 1
    assert ask(node, "GET", "/key-auths/k").status == 404
    assert node.world.store.version > before
    assert ask(node, "PUT", "/consumers/alice/key-auth/k", {}).status == 200


def test_pages_show_every_row_once_though_rows_come_and_go_between_them() -> None:
    node = a_node()
    for number in range(25):
        ask(node, "PUT", f"/consumers/c{number}", {"tags": ["x"]})
    names, path = [], "/consumers?size=4&tags=x"
    while path:
        page = ask(node, "GET", path).body
        names += [row["username"] for row in page["data"]]
        if len(names) == 8:
            ask(node, "DELETE", f"/consumers/{names[0]}")
        path = (page["next"] or "").replace("%3D", "=")
    assert sorted(names) == sorted(f"c{number}" for number in range(25))


def test_entities_survive_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        file = tmp_path / "kong.json"
        running = await serve(Settings(data=file))
        store = running.store
        store.put("consumers", {"id": "1", "username": "staff-01", "custom_id": None, "tags": ["那須"]})
        await running.stop()
        assert file.stat().st_mode & 0o777 == 0o600
        again = await serve(Settings(data=file))
        found = again.store.find("consumers", "username", "staff-01")
        await again.stop()
        assert found and found["tags"] == ["那須"]

    asyncio.run(run())


def test_changes_are_saved_while_it_runs_and_a_full_disk_does_not_end_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(persistence, "PAUSE", 0.01)
    store, folder = Store(Clock()), tmp_path / "data"
    store_to = persistence.saver(store, folder / "kong.json")
    store.put("consumers", {"id": "1", "username": "staff-01"})

    async def run() -> None:
        keeping = asyncio.create_task(persistence.keep(store_to))
        while "not saved" not in caplog.text:
            await asyncio.sleep(0.01)
        folder.mkdir()
        while not (folder / "kong.json").exists():
            await asyncio.sleep(0.01)
        keeping.cancel()

    asyncio.run(asyncio.wait_for(run(), 10))
    assert [file.name for file in folder.iterdir()] == ["kong.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', '{"format": 1, "entities": {"services": [5]}}', "\x00"])
def test_a_data_file_that_is_not_ours_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    file = tmp_path / "kong.json"
    file.write_text(content)
    with pytest.raises(RenkeiError, match="as data of the stand-in Kong"):
        persistence.load(Store(Clock()), file)


def test_a_port_in_use_is_said_in_a_sentence() -> None:
    async def run() -> None:
        first = await serve(Settings())
        try:
            with pytest.raises(RenkeiError, match="is in use"):
                await serve(Settings(admin_port=int(first.admin_url.rpartition(":")[2])))
        finally:
            await first.stop()

    asyncio.run(run())


@pytest.mark.servers
def test_it_says_that_it_stands_in_and_ends_at_sigterm() -> None:
    command = [sys.executable, "-m", "control_plane.sandbox.kong", "--admin-port", "0", "--proxy-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert "stand-in" in line
        admin = re.search(r"admin (\S+)", line)
        assert admin
        with urllib.request.urlopen(admin[1], timeout=10) as reply:
            root = json.load(reply)
            assert "stand-in" in reply.headers["Server"]
        assert root["version"] == "3.9.3"
        assert "stand-in" in root["tagline"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
