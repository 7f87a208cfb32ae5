"""The request to the upstream: one connection each, retries on other targets, and what a failure answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import h11

from control_plane.sandbox.kong.proxy import balancer, tls
from control_plane.sandbox.kong.proxy.balancer import Address
from control_plane.sandbox.kong.proxy.exchange import Exchange, Outgoing, Try
from control_plane.sandbox.kong.proxy.forwarding import forwarded
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.router import Row
from control_plane.sandbox.kong.proxy.wire import Headers

_SAFE_TO_REPEAT = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}
_CHUNK = 64 * 1024
_MESSAGES = {
    502: "An invalid response was received from the upstream server",
    504: "The upstream server is timing out",
}


class _Failed(Exception):
    """An attempt that failed: the status it gives, and whether the request may have been read."""

    def __init__(self, status: int, sent: bool) -> None:
        super().__init__(status)
        self.status, self.sent = status, sent


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    h11: h11.Connection
    timeout: float  # seconds between two reads

    async def event(self) -> object:
        while True:
            event = self.h11.next_event()
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("the answer ended too early")
            if event is not h11.NEED_DATA:
                return event
            self.h11.receive_data(await asyncio.wait_for(self.reader.read(_CHUNK), self.timeout))

    async def body(self) -> AsyncIterator[bytes]:
        while not isinstance(event := await self.event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                yield bytes(event.data)


async def send(exchange: Exchange, service: Row, outgoing: Outgoing) -> Reply:
    """The upstream's answer, or the error that stands for its absence."""
    tried: set[tuple[str, int]] = set()
    for attempt in range(service["retries"] + 1 if service["retries"] is not None else 1):
        address = balancer.choose(exchange, service, outgoing.scheme, tried)
        if address is None:
            return exchange.error(503, "failure to get a peer from the ring-balancer")
        ip = await _resolve(address.host)
        if ip is None:
            return exchange.error(503, "name resolution failed")
        tried.add((address.host, address.port))
        started = exchange.node.now()
        try:
            reply = await _attempt(exchange, service, outgoing, address, ip)
        except _Failed as failure:
            exchange.tries.append(Try(ip, address.port, started, failure.status))
            exchange.upstream_statuses.append(failure.status)
            balancer.report(exchange.node, address, "timeout" if failure.status == 504 else "tcp_failure")
            last = attempt == (service["retries"] or 0)
            if last or (failure.sent and outgoing.method not in _SAFE_TO_REPEAT):
                return exchange.error(failure.status, _MESSAGES[failure.status])
            continue
        exchange.tries.append(Try(ip, address.port, started))
        exchange.upstream_statuses.append(reply.status)
        balancer.report(exchange.node, address, "http", reply.status)
        return reply
    return exchange.error(502, _MESSAGES[502])


async def _resolve(host: str) -> str | None:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    addresses = sorted(found, key=lambda one: one[0] is socket.AF_INET6)  # as `dns_order` has it: LAST,SRV,A,CNAME
    return str(addresses[0][4][0]) if addresses else None


async def _attempt(exchange: Exchange, service: Row, outgoing: Outgoing, address: Address, ip: str) -> Reply:
    try:
        context = tls.context(exchange.snapshot, service) if outgoing.scheme == "https" else None
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(ip, address.port, ssl=context, server_hostname=address.host if context else None),
            service["connect_timeout"] / 1000,
        )
    except TimeoutError as error:
        raise _Failed(504, sent=False) from error
    except OSError as error:
        raise _Failed(502, sent=False) from error
    connection = _Connection(reader, writer, h11.Connection(h11.CLIENT), service["read_timeout"] / 1000)
    try:
        return await _answer(connection, exchange, outgoing, address, service["write_timeout"] / 1000)
    except TimeoutError as error:
        writer.close()
        raise _Failed(504, sent=True) from error
    except (OSError, h11.ProtocolError) as error:
        writer.close()
        raise _Failed(502, sent=True) from error
    except BaseException:
        writer.close()
        raise


async def _answer(
    connection: _Connection, exchange: Exchange, outgoing: Outgoing, address: Address, write_timeout: float
) -> Reply:
    body = exchange.incoming.body if outgoing.body is None else outgoing.body
    target = outgoing.path if outgoing.query is None else f"{outgoing.path}?{outgoing.query}"
    lines = forwarded(exchange, outgoing, address, len(body))
    request = h11.Request(
        method=outgoing.method,
        target=target.encode("latin-1"),
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines],
    )
    parts = (request, h11.Data(body), h11.EndOfMessage()) if body else (request, h11.EndOfMessage())
    for part in parts:
        connection.writer.write(connection.h11.send(part) or b"")
    await asyncio.wait_for(connection.writer.drain(), write_timeout)
    while not isinstance(event := await connection.event(), h11.Response):
        continue  # an informational answer
    headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items())
    return Reply(
        event.status_code, headers, stream=connection.body(), from_upstream=True, close=connection.writer.close
    )
