"""Nodes that lag behind: of every thing that was written since the last wait a node may have any version.

As a real node takes things up (sandbox/kong/proxy/take_up.py): routes and services are one thing, plugins another, and
every other row is cached for itself. No socket stands between a question and its answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from control_plane.sandbox.kong.proxy import pipeline
from control_plane.sandbox.kong.proxy.exchange import Exchange, Incoming, Outgoing
from control_plane.sandbox.kong.proxy.forwarding import origin
from control_plane.sandbox.kong.proxy.node import Node, node
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.snapshot import Compiler, Snapshot
from control_plane.sandbox.kong.proxy.take_up import ALONE, WHOLE, Rows
from control_plane.sandbox.kong.proxy.wire import Headers, unwire, wire
from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.store import TABLES, Store

Tables = dict[str, Rows]


@dataclass
class Lagging:
    """What nodes may work by, from the last wait until now."""

    store: Store
    settings: Settings
    whole: list[Tables] = field(default_factory=list)  # every state since all was taken up
    alone: list[Tables] = field(default_factory=list)  # every state since the events of cached rows were read
    compiler: Compiler = field(default_factory=Compiler)
    node: Node = field(init=False)

    def __post_init__(self) -> None:
        self.node = node(self.store, self.settings)
        self.wrote()

    def wrote(self) -> None:
        state = {name: self.store.rows(name) for name in TABLES}
        self.whole.append(state)
        self.alone.append(state)

    def proved(self) -> None:
        self.alone = self.alone[-1:]

    def settled(self) -> None:
        self.whole = self.whole[-1:]
        self.proved()

    def view(self, draw: Random, *, extreme: bool = False) -> Snapshot:
        """What one node may work by at this moment; `extreme`: of each thing the oldest version or the newest."""
        whole, alone = self.whole, self.alone
        if extreme:
            whole, alone = [whole[0], whole[-1]], [alone[0], alone[-1]]
        rows: Tables = {}
        for together in WHOLE:
            state = draw.choice(whole)
            rows |= {name: state[name] for name in together}
        for name in ALONE:
            versions = [{row["id"]: row for row in state[name]} for state in alone]
            ids = sorted({row_id for version in versions for row_id in version})
            taken = (draw.choice(versions).get(row_id) for row_id in ids)
            rows[name] = tuple(row for row in taken if row is not None)
        return self.compiler.snapshot(rows)

    def ask(self, snapshot: Snapshot, method: str, path: str, headers: dict[str, str]) -> Exchange:
        """The request on its way through a node that works by this."""
        lines = Headers([("Host", "gateway.test"), *((name, wire(value)) for name, value in headers.items())])
        incoming = Incoming(method, wire(path), lines, b"", "127.0.0.1", 8000)
        exchange = Exchange(
            node=self.node,
            snapshot=snapshot,
            incoming=incoming,
            origin=origin(self.node, incoming),
            started=self.node.now(),
            headers=incoming.headers.copy(),
        )
        asyncio.run(pipeline.answer(exchange))
        return exchange


def passed(exchange: Exchange) -> dict[str, str] | None:
    """The headers that reached the upstream; None when nothing did."""
    if exchange.upstream_begun is None:
        return None
    return {name.lower(): unwire(value) for name, value in exchange.headers}


@pytest.fixture
def no_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would go to an upstream is answered at once."""

    async def answered(exchange: Exchange, service: Any, outgoing: Outgoing) -> Reply:
        return Reply(200, Headers([("Content-Type", "application/json")]), b"{}", from_upstream=True)

    monkeypatch.setattr(pipeline.upstream, "send", answered)
