"""Start the stand-in: Admin API and proxy, both on loopback, both in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from control_plane.problems import Problem, RenkeiError
from control_plane.sandbox.kong import persistence
from control_plane.sandbox.kong.admin import Admin
from control_plane.sandbox.kong.proxy import Proxy
from control_plane.sandbox.kong.proxy.listener import listen
from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.store import Store

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Running:
    """A stand-in that answers."""

    admin_url: str
    proxy_url: str
    store: Store
    stop: Callable[[], Awaitable[None]]


async def serve(settings: Settings) -> Running:
    """Start both listeners and return their addresses; end them with `await running.stop()`.

    Raises:
        RenkeiError: a port is in use, or the data file cannot be used.
    """
    store = Store(settings.clock)
    async with contextlib.AsyncExitStack() as opened:  # ended in the opposite order: what is saved last is complete
        if settings.data:
            persistence.load(store, settings.data)
            save_changes = persistence.saver(store, settings.data)
            opened.callback(save_changes)
            opened.push_async_callback(_cancelled, asyncio.create_task(persistence.keep(save_changes)))
        proxy = Proxy(store, settings)
        opened.push_async_callback(proxy.close)
        admin_url = await _admin(opened, Admin(store, settings, proxy.metrics_text), settings)
        proxy_url = await _proxy(proxy, settings.proxy_port)
        return Running(admin_url, proxy_url, store, opened.pop_all().aclose)


async def _admin(opened: contextlib.AsyncExitStack, admin: Admin, settings: Settings) -> str:
    try:
        listening = await listen(admin.handle, HOST, settings.admin_port, settings.clock)
    except OSError as error:
        raise _in_use(settings.admin_port) from error
    opened.push_async_callback(listening.close)
    return _address(listening.server)


async def _proxy(proxy: Proxy, port: int) -> str:
    try:
        return _address(await proxy.listen(HOST, port))
    except OSError as error:
        raise _in_use(port) from error


def _address(server: asyncio.Server) -> str:
    return f"http://{HOST}:{server.sockets[0].getsockname()[1]}"


def _in_use(port: int) -> RenkeiError:
    return RenkeiError(Problem(f"port {port} on {HOST} is in use", help="Choose another port; 0 takes a free one."))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.contextmanager
def in_thread(settings: Settings) -> Iterator[Running]:
    """A stand-in in a thread of this process, for callers without an event loop; it ends with the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stand-in-kong", daemon=True)
    thread.start()
    try:
        running = asyncio.run_coroutine_threadsafe(serve(settings), loop).result(timeout=30)
        try:
            yield running
        finally:
            asyncio.run_coroutine_threadsafe(_stop(running), loop).result(timeout=30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()


async def _stop(running: Running) -> None:
    await running.stop()
