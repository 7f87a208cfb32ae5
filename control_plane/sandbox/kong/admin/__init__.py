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
from collections.abc import Callable
from urllib.parse import parse_qs, unquote_plus

from aiohttp import web

from control_plane.sandbox.kong import errors
from control_plane.sandbox.kong.admin import balancing, crud, nodes
from control_plane.sandbox.kong.admin.bodies import UnsupportedMediaType
from control_plane.sandbox.kong.admin.call import Answer, Call, Node
from control_plane.sandbox.kong.settings import SERVER, Settings
from control_plane.sandbox.kong.store import Store
from control_plane.sandbox.kong.writes import World

MOST_BODY = 10 * 1024 * 1024  # bytes: nginx_admin_client_max_body_size
_LOG = logging.getLogger(__name__)


class Admin:
    """Answers requests by what is in the store."""

    def __init__(self, store: Store, settings: Settings, metrics: Callable[[], str]) -> None:
        self._node = Node(World(store, settings.clock), settings, str(uuid.uuid4()), metrics)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        body = await request.content.read(MOST_BODY + 1)
        while len(body) <= MOST_BODY and not request.content.at_eof():
            body += await request.content.read(MOST_BODY + 1 - len(body))
        if len(body) > MOST_BODY:
            return _response(request, Answer(413, {"message": "Payload too large"}))
        path, _, query = request.raw_path.partition("?")
        call = Call(
            method=request.method,
            path=path.rstrip("/"),
            segments=tuple(unquote_plus(part) for part in path.removesuffix("/").split("/")[1:]),
            query={name: tuple(values) for name, values in parse_qs(query, keep_blank_values=True).items()},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
        )
        return _response(request, answer(self._node, call))


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


def _response(request: web.BaseRequest, found: Answer) -> web.Response:
    headers = {
        "Server": SERVER,
        "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
        "Access-Control-Allow-Credentials": "true",
    }
    if request.method == "OPTIONS" and found.status == 204:
        asked = request.headers.get("Access-Control-Request-Headers", "Content-Type")
        headers |= {
            "Allow": found.body,
            "Access-Control-Allow-Methods": found.body,
            "Access-Control-Allow-Headers": asked,
        }
        return web.Response(status=204, headers=headers)
    if found.status == 200 and request.headers.get("If-None-Match") == "*":
        return web.Response(status=304, headers=headers)
    if found.body is None:
        return web.Response(status=found.status, headers=headers)
    text = found.body if isinstance(found.body, str) else json.dumps(found.body, ensure_ascii=False, default=dict)
    return web.Response(
        status=found.status, headers={**headers, "Content-Type": found.content_type}, body=text.encode()
    )
