"""While a platform changes, strangers call all the time: not one call of theirs reaches an upstream, and none of a
service that nothing changes for is refused. The stand-in takes changes up late, as nodes do."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.building import KEY, TOKEN, a_grant, a_platform, a_version, with_api, with_service
from tests.conftest import KongServer
from tests.kong.world import World

pytestmark = pytest.mark.servers
TAKE_UP = 0.3  # seconds


@pytest.fixture
def slow(kong_server: KongServer) -> Iterator[World]:
    """A gateway of its own, whose proxy works by a change only after a while."""
    command = [sys.executable, "-m", "control_plane.sandbox.kong", "--admin-port", "0", "--proxy-port", "0"]
    command += ["--take-up", str(TAKE_UP), "--sandbox-requires", "cjson.safe"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            words = process.stdout.readline().split()
            admin, proxy = words[words.index("admin") + 1], words[words.index("proxy") + 1]
            yield World(KongServer(admin, proxy, kong_server.upstream_url, False))
        finally:
            process.terminate()


@dataclass
class Seen:
    reached: list[str] = field(default_factory=list)  # calls of strangers that an upstream answered
    refused: list[str] = field(default_factory=list)  # calls of the untouched service that were not answered
    calls: int = 0


@contextmanager
def strangers_calling(world: World) -> Iterator[Seen]:
    """Without a key, with a wrong one, and with one of a service that has no grant; and one good service."""
    seen, stop = Seen(), threading.Event()
    bad = ({}, {"apikey": "wrong"}, {"apikey": world.key_of("nobody")})
    paths = ("/ngsi/v1/x", "/ngsi/v2/x", "/files/v1/x", "/new/v1/x")

    def strangers() -> None:
        while not stop.is_set():
            for path in paths:
                for headers in bad:
                    for method in ("GET", "POST"):
                        answer = world.call(path, method, **headers)
                        seen.calls += 1
                        if answer.status_code == 200:
                            seen.reached.append(f"{method} {path} {headers}")

    def friend() -> None:
        while not stop.is_set():
            answer = world.call("/steady/v1/x", apikey=world.key_of("steady"))
            if answer.status_code != 200:
                seen.refused.append(f"{answer.status_code} {answer.content!r}")

    threads = [threading.Thread(target=one) for one in (strangers, friend)]
    for thread in threads:
        thread.start()
    try:
        yield seen
        time.sleep(2 * TAKE_UP)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


STEADY = (
    with_api("steady", a_version("v1", "/steady/v1"), scoping="none"),
    with_service("steady", reading="steady"),
    with_service("nobody"),
)
OLD = a_version("v1", "/ngsi/v1")
NEW = a_version("v2", "/ngsi/v2")
STORY = {
    "two APIs begin": a_platform(
        *STEADY,
        with_api("ngsi-v2", OLD, NEW),
        with_api("files", a_version("v1", "/files/v1"), scoping="path"),
        with_service("portal", a_grant("ngsi-v2", "read", "update"), a_grant("files", "read")),
    ),
    "a version retires, authentication changes, a level goes": a_platform(
        *STEADY,
        with_api("ngsi-v2", a_version("v1", "/ngsi/v1", "retired"), NEW, auth=(KEY, TOKEN)),
        with_api("files", a_version("v1", "/files/v1"), scoping="path", levels={"read": ["GET"]}),
        with_service("portal", a_grant("ngsi-v2", "read"), a_grant("files", "read"), auth=(KEY, TOKEN)),
    ),
    "the version comes back, an API goes and another takes its place": a_platform(
        *STEADY,
        with_api("ngsi-v2", OLD, NEW, auth=(TOKEN,)),
        with_api("new", a_version("v1", "/new/v1"), scoping="none"),
        with_service("portal", a_grant("ngsi-v2", "read"), a_grant("new", "read"), auth=(KEY, TOKEN)),
    ),
    "everything goes": a_platform(*STEADY),
}


def test_no_strangers_call_reaches_an_upstream_while_the_platform_changes(slow: World):
    slow.apply(a_platform(*STEADY))
    with strangers_calling(slow) as seen:
        for chapter, catalog in STORY.items():
            slow.apply(catalog, parallel=8)
            assert seen.reached == [], chapter
    assert seen.reached == []
    assert seen.refused == []
    assert seen.calls > 100
