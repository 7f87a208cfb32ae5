"""The data plane of the stand-in: what a real Kong's proxy port does with the entities that the Admin API wrote.

    listener.py    HTTP/1.1 with the client             upstream.py    with the upstream; balancer.py says with which
    router.py      which route takes a request          forwarding.py  the headers that go on
    snapshot.py    the entities, arranged for the proxy  take_up.py     when they are new
    node.py        what outlives a request
    pipeline.py    the phases of a request               plugins/       one file per plugin, and the table of them
    lua.py         LuaJIT in a cage                      pdk.py         what Kong offers to functions in it

It depends on the store and the settings alone. `Proxy` is its whole surface.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from control_plane.sandbox.kong.proxy import pipeline
from control_plane.sandbox.kong.proxy.exchange import Exchange, Incoming
from control_plane.sandbox.kong.proxy.forwarding import origin
from control_plane.sandbox.kong.proxy.listener import Listening, listen
from control_plane.sandbox.kong.proxy.node import node
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.store import Store

_NOTICE = 0.05  # seconds between two looks at the store, where changes count later than they are made


async def _counted(exchange: Exchange, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for part in stream:
        exchange.sent += len(part)
        yield part


class Proxy:
    """The proxy of one store."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._node = node(store, settings)
        self._listening: Listening | None = None

    async def listen(self, host: str, port: int) -> asyncio.Server:
        """Serve requests until `close`; port 0 takes a free one.

        Raises:
            OSError: the port is in use.
        """
        if self._node.settings.take_up > 0:
            self._node.start(self._notice())
        self._listening = await listen(self.handle, host, port, self._node.settings.clock)
        return self._listening.server

    async def handle(self, incoming: Incoming, send: Callable[[Reply], Awaitable[None]]) -> None:
        """Answer one request through `send`; a plugin's filter that fails sends nothing."""
        exchange = Exchange(
            node=self._node,
            snapshot=self._node.take_up.current(),
            incoming=incoming,
            origin=origin(self._node, incoming),
            started=self._node.now(),
            headers=incoming.headers.copy(),
        )
        try:
            reply, chain = await pipeline.answer(exchange)
        except pipeline.Broken:
            return
        if reply.stream is None:
            exchange.sent = len(reply.body)
        else:
            reply.stream = _counted(exchange, reply.stream)
        try:
            await send(reply)
        finally:
            reply.close()
            pipeline.log(exchange, chain)

    async def close(self) -> None:
        """End the listener, its connections and what runs beside them."""
        if self._listening:
            await self._listening.close()
        tasks = list(self._node.tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def metrics_text(self) -> str:
        """The Prometheus metrics, which the Admin API shows at /metrics."""
        return self._node.metrics.text()

    async def _notice(self) -> None:
        while True:
            self._node.take_up.notice()
            await asyncio.sleep(_NOTICE)
