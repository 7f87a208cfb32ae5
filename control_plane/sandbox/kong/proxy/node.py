"""What outlives a request: the entities that the proxy works by, its counters, its metrics."""

from __future__ import annotations

import asyncio
import ipaddress
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from control_plane.problems import Problem, RenkeiError
from control_plane.sandbox.kong.proxy.metrics import Metrics
from control_plane.sandbox.kong.proxy.rates import Rates
from control_plane.sandbox.kong.proxy.take_up import TakeUp
from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.store import Store

WORKSPACE = "00000000-0000-0000-0000-000000000000"  # there is one, and it has no rows of its own here


@dataclass
class Node:
    """One running proxy."""

    store: Store
    settings: Settings
    take_up: TakeUp
    rates: Rates
    metrics: Metrics
    trusted: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    kept: dict[str, Any] = field(default_factory=dict)  # a plugin's own memory, by the plugin's name

    def now(self) -> float:
        """Seconds since 1970."""
        return self.settings.clock()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside the requests; it is cancelled when the proxy closes."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def node(store: Store, settings: Settings) -> Node:
    """A node with nothing counted yet.

    Raises:
        RenkeiError: a trusted address is none.
    """
    return Node(
        store=store,
        settings=settings,
        take_up=TakeUp(store, settings),
        rates=Rates(),
        metrics=Metrics(),
        trusted=tuple(_network(block) for block in settings.trusted_ips),
    )


def _network(block: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(block, strict=False)
    except ValueError as error:
        raise RenkeiError(Problem(f"{block!r} is no address and no CIDR block")) from error
