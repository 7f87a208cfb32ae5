"""The phases of a request, as in Kong: route, access of every plugin, upstream, header_filter, body_filter, log.

A plugin that answers in access ends the access of those after it, but all of them still take part in the later phases.
"""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.sandbox.kong.proxy import reply as replies
from control_plane.sandbox.kong.proxy import upstream
from control_plane.sandbox.kong.proxy.exchange import Exchange, Outgoing
from control_plane.sandbox.kong.proxy.forwarding import VIA
from control_plane.sandbox.kong.proxy.paths import acceptable, escape, normalise, upstream_path
from control_plane.sandbox.kong.proxy.plugin import Instance, Plugin
from control_plane.sandbox.kong.proxy.plugins import PLUGINS
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.router import Row
from control_plane.sandbox.kong.proxy.wire import wire
from control_plane.sandbox.kong.settings import SERVER

_UNIQUE = (
    "authorization", "content-length", "content-range", "content-type", "expect", "host", "if-match",
    "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range",
)  # fmt: skip
_CHARSET = {"text/html", "text/xml", "text/plain", "text/vnd.wap.wml", "application/javascript", "application/rss+xml"}
_HOP = ("Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade")
UNEXPECTED = "An unexpected error occurred"
BODY_LIMIT = 64 * 1024 * 1024  # bytes; Kong itself has none by default


class Broken(Exception):
    """The answer cannot be given: the connection is closed, as Kong does when a header_filter fails."""


@dataclass(frozen=True)
class Chain:
    """The instances that take part in this request, in their order."""

    links: tuple[tuple[Plugin, Instance], ...]


async def answer(exchange: Exchange) -> tuple[Reply, Chain]:
    """What the client gets, filtered and ready to be sent.

    Raises:
        Broken: a filter failed.
    """
    try:
        return await _answered(exchange)
    except Broken:
        raise
    except Exception:  # as for a plugin: no request may end without an answer because of a mistake of ours
        return _finished(exchange, exchange.error(500, UNEXPECTED)), Chain(())


async def _answered(exchange: Exchange) -> tuple[Reply, Chain]:
    refused = _refused(exchange)
    if refused is not None:
        return _finished(exchange, refused), Chain(())
    early = _rewritten(exchange) or _routed(exchange)
    if early is not None:
        chain = Chain(tuple(_applicable(exchange)))
        return await _filtered(exchange, early, chain), chain
    reply, chain = _accessed(exchange)
    if reply is None:
        reply = await _served(exchange)
    return await _filtered(exchange, reply, chain), chain


def log(exchange: Exchange, chain: Chain) -> None:
    """The last phase; whatever fails in it stays unseen."""
    for plugin, instance in chain.links:
        if plugin.log:
            try:
                plugin.log(exchange, instance)
            except Exception:  # noqa: S112  # Kong writes it to its error log, which we have not
                continue


def _refused(exchange: Exchange) -> Reply | None:
    """What nginx does not let through to Kong."""
    incoming = exchange.incoming
    if not acceptable(incoming.path):
        return replies.error("text/plain", exchange.request_id, 400, "Bad request")
    if any(len(incoming.headers.all(name)) > 1 for name in _UNIQUE):
        return exchange.error(400, "Bad request")
    if len(incoming.body) > BODY_LIMIT:
        return exchange.error(413, "Payload too large")
    return None


def _rewritten(exchange: Exchange) -> Reply | None:
    for plugin, instance in _applicable(exchange):
        if plugin.rewrite:
            try:
                reply = plugin.rewrite(exchange, instance)
            except Exception:  # as in access
                reply = exchange.error(500, UNEXPECTED)
            if reply is not None:
                return reply
    return None


def _routed(exchange: Exchange) -> Reply | None:
    """Find the route and where it leads; answers where there is none, or where it wants https."""
    incoming, snapshot = exchange.incoming, exchange.snapshot
    path = normalise(incoming.path)
    match = snapshot.router.match(incoming.method, incoming.headers.get("host") or "", path, incoming.headers)
    if match is None:
        return exchange.error(404, "no Route matched with those values")
    route = match.route
    if exchange.origin.scheme not in (route.get("protocols") or ("http",)):
        return _to_https(exchange, route)
    exchange.match = match
    exchange.service = snapshot.services.get((route.get("service") or {}).get("id", ""))
    base = wire((exchange.service or {}).get("path") or "/")
    prefix = match.path if route["strip_path"] else None
    exchange.outgoing = Outgoing(
        method=incoming.method,
        scheme=(exchange.service or {}).get("protocol") or "http",
        path=escape(upstream_path(base, path, prefix)),
        query=incoming.query,
        host=incoming.headers.get("host") if route["preserve_host"] else None,
    )
    return None


def _to_https(exchange: Exchange, route: Row) -> Reply:
    status = route["https_redirect_status_code"]
    if status == 426:
        return exchange.error(426, "Please use HTTPS protocol", {"Upgrade": "TLS/1.2, HTTP/1.1"})
    host = (exchange.incoming.headers.get("host") or "").partition(":")[0].lower()
    return replies.page(status, {"Location": f"https://{host}{exchange.incoming.target}"})


def _applicable(exchange: Exchange) -> list[tuple[Plugin, Instance]]:
    """The global instances, where no route was found."""
    snapshot = exchange.snapshot
    found = ((plugin, snapshot.instance(plugin.name, None, None, None)) for plugin in PLUGINS)
    return [(plugin, instance) for plugin, instance in found if instance is not None]


def _accessed(exchange: Exchange) -> tuple[Reply | None, Chain]:
    """Run access; each plugin's instance is chosen at its turn, when authentication may have found a consumer."""
    snapshot, links = exchange.snapshot, []
    route, service = exchange.route, exchange.service
    reply: Reply | None = None
    for plugin in PLUGINS:
        instance = snapshot.instance(
            plugin.name,
            route["id"] if route else None,
            service["id"] if service else None,
            exchange.consumer["id"] if exchange.consumer else None,
        )
        if instance is None:
            continue
        links.append((plugin, instance))
        if reply is None and plugin.access:
            try:
                reply = plugin.access(exchange, instance)
            except Exception:  # as in Kong: whatever fails in a plugin is a 500
                reply = exchange.error(500, UNEXPECTED)
    return reply, Chain(tuple(links))


async def _served(exchange: Exchange) -> Reply:
    if exchange.service is None or exchange.outgoing is None:
        return exchange.error(503, "no Service found with those values")
    exchange.upstream_begun = exchange.node.now()
    reply = await upstream.send(exchange, exchange.service, exchange.outgoing)
    exchange.upstream_answered = exchange.node.now()
    return reply


async def _filtered(exchange: Exchange, reply: Reply, chain: Chain) -> Reply:
    """Header and body filters of all instances.

    Raises:
        Broken: one of them failed.
    """
    for name, value in exchange.early_headers:
        reply.headers.add(name, value)
    if not reply.from_upstream:
        reply.headers.set("Content-Length", str(len(reply.body)))
    exchange.reply = reply
    try:
        for plugin, instance in chain.links:
            if plugin.header_filter:
                plugin.header_filter(exchange, instance, reply)
        await _body_filtered(exchange, reply, chain)
    except Exception as error:
        reply.close()
        raise Broken from error
    return _finished(exchange, reply)


async def _body_filtered(exchange: Exchange, reply: Reply, chain: Chain) -> None:
    asked = (plugin.body_filter(exchange, instance, reply) for plugin, instance in chain.links if plugin.body_filter)
    changes = [change for change in asked if change is not None]
    if not changes:
        return
    if reply.stream is not None:
        reply.body = b"".join([part async for part in reply.stream])
        reply.stream = None
        reply.close()
    for change in changes:
        reply.body = change(reply.body)
    length = reply.headers.get("content-length")
    if length is not None and int(length) != len(reply.body) and exchange.incoming.method != "HEAD":
        raise ValueError("a body of another length than its Content-Length")


def _finished(exchange: Exchange, reply: Reply) -> Reply:
    """The headers that every answer has, without those that are for one hop."""
    headers = reply.headers
    exchange.reply = reply
    for name in _HOP if reply.from_upstream else ():
        headers.remove(name)
    kind = (headers.get("content-type") or "").strip()
    if kind.lower() in _CHARSET and reply.status not in (301, 302, 303):
        headers.set("Content-Type", f"{kind}; charset=UTF-8")
    _told(exchange, reply)
    if reply.stream is None and (exchange.incoming.method != "HEAD" or not reply.from_upstream):
        headers.set("Content-Length", str(len(reply.body)))
    if exchange.incoming.method == "HEAD":
        reply.body = b""
    return reply


def _told(exchange: Exchange, reply: Reply) -> None:
    """What the node says of itself, as its setting `headers` has it."""
    headers, told = reply.headers, exchange.node.settings.headers
    waited = 0.0
    if exchange.upstream_begun is not None and exchange.upstream_answered is not None:
        waited = exchange.upstream_answered - exchange.upstream_begun
    if "latency_tokens" in told:
        if exchange.upstream_answered is not None:
            headers.set("X-Kong-Upstream-Latency", str(round(waited * 1000)))
        spent = exchange.node.now() - exchange.started - waited
        name = "X-Kong-Proxy-Latency" if exchange.upstream_begun is not None else "X-Kong-Response-Latency"
        headers.set(name, str(max(0, round(spent * 1000))))
    if "server_tokens" in told and exchange.upstream_begun is not None:
        headers.set("Via", VIA)
    own = [SERVER] if "server_tokens" in told else []
    headers.set("Server", *(headers.all("server")[:1] if reply.from_upstream else own))
    if "x-kong-request-id" in told:
        headers.set("X-Kong-Request-Id", exchange.request_id)
