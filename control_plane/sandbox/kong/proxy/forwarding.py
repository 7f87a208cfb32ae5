"""The headers that go to the upstream: hop-by-hop ones fall away, forwarded ones are Kong's.

Source: recorded in proxy-strip-path and proxy-ip-trusted; RFC 9110 section 7.6.1.
"""

from __future__ import annotations

import ipaddress

from control_plane.sandbox.kong.proxy.balancer import Address
from control_plane.sandbox.kong.proxy.exchange import Exchange, Incoming, Origin, Outgoing
from control_plane.sandbox.kong.proxy.node import Node
from control_plane.sandbox.kong.proxy.wire import Headers, wire

_HOP = ("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade", "Content-Length", "Host")
VIA = "1.1 renkei-stand-in"


def origin(node: Node, incoming: Incoming) -> Origin:
    """Who the client is: the peer, or whom a trusted peer names."""
    trusted = _is_trusted(node, incoming.peer)
    host = (incoming.headers.get("host") or "").partition(":")[0].lower()
    if not trusted:
        return Origin(incoming.peer, "http", host, incoming.port, trusted=False)
    port = incoming.headers.get("x-forwarded-port") or ""
    return Origin(
        ip=_real_ip(node, incoming),
        scheme=(incoming.headers.get("x-forwarded-proto") or "http").lower(),
        host=incoming.headers.get("x-forwarded-host") or host,
        port=int(port) if port.isascii() and port.isdigit() else incoming.port,
        trusted=True,
    )


def _is_trusted(node: Node, ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    return any(address.version == block.version and address in block for block in node.trusted)


def _real_ip(node: Node, incoming: Incoming) -> str:
    """The last address in `real_ip_header`; where it is recursive the last that is not trusted (nginx's realip)."""
    settings = node.settings
    named = ",".join(incoming.headers.all(settings.real_ip_header)).split(",")
    found = incoming.peer
    for text in reversed(named):
        try:
            found = str(ipaddress.ip_address(text.strip()))
        except ValueError:
            return found
        if not (settings.real_ip_recursive and _is_trusted(node, found)):
            return found
    return found


def forwarded(exchange: Exchange, outgoing: Outgoing, address: Address, length: int) -> Headers:
    """All header lines for the upstream."""
    incoming, came = exchange.incoming, exchange.origin
    headers = exchange.headers.copy()
    named = [name.strip() for value in incoming.headers.all("connection") for name in value.split(",")]
    trailers = any("trailers" in value.lower() for value in incoming.headers.all("te"))
    had_length = "content-length" in incoming.headers or incoming.chunked
    for name in (*_HOP, *filter(None, named)):
        headers.remove(name)
    host = outgoing.host or wire(address.host_header)
    lines = Headers([("Host", host), ("Connection", "keep-alive")])
    if trailers:
        lines.add("TE", "trailers")
    before = incoming.headers.get("x-forwarded-for")
    headers.set("X-Forwarded-For", f"{before}, {incoming.peer}" if before else incoming.peer)
    headers.set("X-Forwarded-Proto", came.scheme)
    headers.set("X-Forwarded-Host", came.host)
    headers.set("X-Forwarded-Port", str(came.port))
    headers.set("X-Forwarded-Path", _trusted(exchange, "x-forwarded-path") or incoming.path)
    prefix = _trusted(exchange, "x-forwarded-prefix") or _stripped(exchange)
    headers.set("X-Forwarded-Prefix", *([prefix] if prefix else []))
    headers.set("X-Real-IP", came.ip)
    headers.set("Via", VIA)
    headers.set("X-Kong-Request-Id", exchange.request_id)
    if length or had_length:
        lines.add("Content-Length", str(length))
    return Headers([*lines, *headers])


def _trusted(exchange: Exchange, name: str) -> str | None:
    return exchange.incoming.headers.get(name) if exchange.origin.trusted else None


def _stripped(exchange: Exchange) -> str | None:
    """The part of the path that was stripped; none when that was only the root."""
    match = exchange.match
    if match is None or not match.route["strip_path"] or match.path in (None, "/"):
        return None
    return match.path
