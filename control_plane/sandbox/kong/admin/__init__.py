"""The Admin API over HTTP.

call.py       one request and one answer, free of the HTTP library
bodies.py     JSON and forms
crud.py       collections, entities, parents
lists.py      pages and tags
balancing.py  targets and their health
nodes.py      the node itself, schemas, tags
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, unquote_plus

from control_plane.sandbox.kong import errors
from control_plane.sandbox.kong.admin import balancing, crud, nodes
from control_plane.sandbox.kong.admin.bodies import UnsupportedMediaType
from control_plane.sandbox.kong.admin.call import Answer, Call, Node
from control_plane.sandbox.kong.proxy.exchange import Incoming
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import Headers, unwire, wire
from control_plane.sandbox.kong.settings import SERVER, Settings
from control_plane.sandbox.kong.store import Store
from control_plane.sandbox.kong.writes import World

MOST_BODY = 10 * 1024 * 1024  # bytes: nginx_admin_client_max_body_size
_LOG = logging.getLogger(__name__)


class Admin:
    """Answers requests by what is in the store."""

    def __init__(self, store: Store, settings: Settings, metrics: Callable[[], str]) -> None:
        self._node = Node(World(store, settings.clock), settings, str(uuid.uuid4()), metrics)

    async def handle(self, incoming: Incoming, send: Callable[[Reply], Awaitable[None]]) -> None:
        """One request."""
        await send(_reply(incoming, answer(self._node, _call(incoming))))


def _call(incoming: Incoming) -> Call:
    path = incoming.path
    return Call(
        method=incoming.method,
        path=unwire(path.rstrip("/")),
        segments=tuple(unquote_plus(unwire(part)) for part in path.removesuffix("/").split("/")[1:]),
        query={name: tuple(values) for name, values in parse_qs(incoming.query or "", keep_blank_values=True).items()},
        headers={name.lower(): value for name, value in incoming.headers},
        body=incoming.body,
    )


def answer(node: Node, call: Call) -> Answer:
    """The answer to one request, refusals included."""
    try:
        return _dispatched(node, call)
    except errors.KongError as error:
        return Answer(error.status, error.body)
    except UnsupportedMediaType as error:
        return Answer(415, error.html, "text/html; charset=UTF-8")
    except Exception:  # whatever a client sends, the server goes on; Kong says no more either
        _LOG.exception("%s %s", call.method, call.path)
        return Answer(500, errors.unexpected().body)


def _dispatched(node: Node, call: Call) -> Answer:
    if len(call.body) > MOST_BODY:
        return Answer(413, {"message": "Payload too large"})
    special = nodes.handlers(call.segments)
    where = None if special else crud.place(call.segments)
    if special:
        methods: tuple[str, ...] = (*special, *(("HEAD",) if "GET" in special else ()), "OPTIONS")
    elif where:
        methods = where.methods
    else:
        raise errors.not_found()
    if call.method not in methods:
        return Answer(405, {"message": "Method not allowed"})
    if call.method == "OPTIONS":
        return Answer(204, ", ".join(sorted(methods)))
    if special:
        return special["GET" if call.method == "HEAD" else call.method](node, call)
    assert where is not None  # one of both is there
    if isinstance(where, crud.Collection | crud.Item) and where.entity.collection == "targets":
        if isinstance(where, crud.Collection) and call.method != "POST":
            return balancing.targets(node, call)
        if call.method == "PUT":
            balancing.replace_target(node, call)
    return crud.answer(node.world, call, where)


def _reply(incoming: Incoming, found: Answer) -> Reply:
    headers = Headers(
        [
            ("Server", SERVER),
            ("Access-Control-Allow-Origin", incoming.headers.get("Origin") or "*"),
            ("Access-Control-Allow-Credentials", "true"),
        ]
    )
    if incoming.method == "OPTIONS" and found.status == 204:
        headers.add("Allow", found.body)
        headers.add("Access-Control-Allow-Methods", found.body)
        asked = incoming.headers.get("Access-Control-Request-Headers")
        headers.add("Access-Control-Allow-Headers", asked or "Content-Type")
        return Reply(204, headers)
    if found.status == 200 and incoming.headers.get("If-None-Match") == "*":
        return Reply(304, headers)
    if found.body is None:
        return Reply(found.status, headers)
    text = found.body if isinstance(found.body, str) else json.dumps(found.body, ensure_ascii=False, default=dict)
    body = text.encode()
    headers.add("Content-Type", wire(found.content_type))
    headers.add("Content-Length", str(len(body)))
    return Reply(found.status, headers, b"" if incoming.method == "HEAD" else body)
