"""A stand-in whose time a test sets: nobody runs renkei while it passes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings
from tests.conftest import KongServer
from tests.kong.world import World


@dataclass
class Clock:
    """The gateway's time: the real one until a test sets it."""

    set_to: float | None = None

    def __call__(self) -> float:
        return time.time() if self.set_to is None else self.set_to


@dataclass
class Timed(World):
    """A gateway of its own, and its clock."""

    clock: Clock | None = None

    def at(self, instant: datetime) -> None:
        assert self.clock
        self.clock.set_to = instant.timestamp()


@contextmanager
def a_timed_world(upstream: str) -> Iterator[Timed]:
    clock = Clock()
    settings = Settings(sandbox_requires=("cjson.safe",), trusted_ips=("127.0.0.1",), clock=clock)
    with in_thread(settings) as running:
        server = KongServer(running.admin_url, running.proxy_url, upstream, real=False)
        yield Timed(server, clock=clock)
