"""HTTP/1.1 on the client's side, byte for byte: h11 leaves methods, targets, header names and their order as they came.

A web framework would normalise or refuse some of what Kong lets through: unknown methods, odd paths, answers without
a Content-Type.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate

import h11

from control_plane.sandbox.kong.proxy.exchange import Incoming
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import Headers

_CHUNK = 64 * 1024
_HEAD_LIMIT = 64 * 1024  # bytes of request line and headers
_IDLE = 65.0  # seconds; nginx's keepalive_timeout in Kong
_BODY_LIMIT = 64 * 1024 * 1024 + 1

Handle = Callable[[Incoming, Callable[[Reply], Awaitable[None]]], Awaitable[None]]


@dataclass(frozen=True)
class Listening:
    """An open port; `close` ends it and every connection to it."""

    server: asyncio.Server
    close: Callable[[], Awaitable[None]]


async def listen(handle: Handle, host: str, port: int, clock: Callable[[], float] = time.time) -> Listening:
    """Serve `handle`, which gets a request and a function that sends its answer. `clock` is what `Date` says.

    Raises:
        OSError: the port is in use.
    """
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(handle, reader, writer, clock))
        connections.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await task
        connections.discard(task)
        writer.close()

    server = await asyncio.start_server(connected, host, port, limit=_CHUNK * 2)

    async def close() -> None:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    return Listening(server, close)


async def _serve(
    handle: Handle, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Callable[[], float]
) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT)
    peer, port = writer.get_extra_info("peername")[0], writer.get_extra_info("sockname")[1]

    async def event() -> object:
        while True:
            found = connection.next_event()
            if found is not h11.NEED_DATA:
                return found
            if connection.they_are_waiting_for_100_continue:
                writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            connection.receive_data(await asyncio.wait_for(reader.read(_CHUNK), _IDLE))

    async def send(reply: Reply) -> None:
        await _send(connection, writer, reply, clock())

    try:
        while isinstance(request := await event(), h11.Request):
            body = bytearray()
            while isinstance(part := await event(), h11.Data):
                if len(body) < _BODY_LIMIT:
                    body += part.data
            await handle(_incoming(request, bytes(body), peer, port), send)
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()
    except h11.RemoteProtocolError:
        if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            lines = Headers([("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")])
            await send(Reply(400, lines, b"Bad request\n"))
    except (TimeoutError, UnicodeError, h11.LocalProtocolError):
        return


def _incoming(request: h11.Request, body: bytes, peer: str, port: int) -> Incoming:
    headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw_items())
    target = request.target.decode("latin-1")
    if target.startswith("http://"):  # as to a forward proxy: nginx takes the host from there (RFC 9112 section 3.2.2)
        host, slash, rest = target.removeprefix("http://").partition("/")
        target = slash + rest or "/"
        headers.set("Host", host)
    return Incoming(
        method=request.method.decode("latin-1"),
        target=target,
        headers=headers,
        body=body,
        peer=peer,
        port=port,
        chunked="chunked" in (headers.get("transfer-encoding") or "").lower(),
        http_version=request.http_version.decode(),
    )


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, reply: Reply, now: float) -> None:
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    lines.append((b"Date", formatdate(now, usegmt=True).encode()))
    writer.write(connection.send(h11.Response(status_code=reply.status, headers=lines)) or b"")
    body_allowed = reply.status not in (204, 304) and reply.status >= 200
    if reply.stream is not None:
        async for part in reply.stream:
            writer.write(connection.send(h11.Data(part)) or b"")
            await writer.drain()
    elif reply.body and body_allowed:
        writer.write(connection.send(h11.Data(reply.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
