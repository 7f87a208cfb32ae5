"""Calls of strangers while a platform changes: from several threads, to an upstream that writes down what reaches it.

Wrong is a call that the catalog refuses before the change and after it, and that reaches the upstream in between.
"""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import requests

from control_plane.access import ApiKey, Credentials, Request, evaluate
from control_plane.catalog.model import Catalog
from control_plane.engine.apply import Outcome, apply
from control_plane.engine.plan import make_plan
from control_plane.engine.read import have, want
from control_plane.kong import KINDS, target
from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings
from tests.access.cases import a_token
from tests.access.test_agrees_with_the_gateway import headers
from tests.conftest import KongServer
from tests.kong.world import World

METHODS = ("GET", "POST")
CASE = "X-Case"  # the number of a call, which the upstream writes down
ISSUER = "http://keycloak.test/realms/"
STRANGERS = 2  # threads


class Upstream:
    """What has reached the API itself: the numbers of the calls."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reached: list[int] = []


@contextmanager
def an_upstream() -> Iterator[Upstream]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            upstream.reached.append(int(self.headers.get(CASE, "-1")))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        upstream = Upstream(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield upstream
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Slow(World):
    """A gateway of its own that takes up each thing late, with a delay of its own."""

    upstream: Upstream = field(default_factory=lambda: Upstream(""))
    take_up: float = 0.0

    def change(self, before: Catalog, after: Catalog, steady: ApiKey) -> Seen:
        """Apply `after` while strangers call, and go on calling until everything is taken up."""
        with calling(self, before, after, steady) as seen:
            self.apply(after, parallel=8)
            time.sleep(self.take_up)
        return seen

    def broken(self, after: Catalog, write: int) -> tuple[Outcome, ...]:
        """Apply while the Admin API refuses everything from the given write on."""
        client = self.client(parallel=1)
        send, count = client.http._session.request, 0

        def refusing(method: str, *args: Any, **more: Any) -> Any:
            nonlocal count
            count += method != "GET"
            if count >= write and method != "GET":
                raise requests.ConnectionError("refused by the test")
            return send(method, *args, **more)

        client.http._session.request = refusing  # type: ignore[method-assign]
        after = self.here(after)
        one = target(client, 1, after)
        plan = make_plan(KINDS, want([one], after, self.vault.version), have([one]))
        return apply(plan, [one], parallel=1)


@contextmanager
def a_slow_world(take_up: float, seed: int) -> Iterator[Slow]:
    settings = Settings(take_up=take_up, take_up_seed=seed, sandbox_requires=("cjson.safe",))
    with an_upstream() as upstream, in_thread(settings) as running:
        server = KongServer(running.admin_url, running.proxy_url, upstream.url, real=False)
        yield Slow(server, upstream=upstream, take_up=take_up)


@dataclass
class Seen:
    wrong: list[str] = field(default_factory=list)  # calls that reached the upstream and should not have
    refused: list[str] = field(default_factory=list)  # calls of the untouched service that did not
    calls: int = 0


@contextmanager
def calling(world: Slow, before: Catalog, after: Catalog, steady: ApiKey) -> Iterator[Seen]:
    """Everybody who may do something in neither catalog tries it; the untouched service goes on with its work."""
    asked = forbidden(before, after)
    sent = [(one.method, one.path, headers(one, world, ISSUER)) for one in asked]
    good = ("GET", "/steady/v1/x", {"apikey": world.key_of((steady.of or "").partition(".")[2])})
    seen, stop = Seen(), threading.Event()
    world.upstream.reached.clear()

    def strangers(first: int) -> None:
        with _connection(world) as connection:
            for number in itertools.cycle(range(first, len(sent), STRANGERS)):
                if stop.is_set():
                    return
                _call(connection, *sent[number], number)
                seen.calls += 1

    def friend() -> None:
        with _connection(world) as connection:
            while not stop.is_set():
                status = _call(connection, *good, -1)
                if status != 200:
                    seen.refused.append(str(status))

    threads = [threading.Thread(target=strangers, args=(number,)) for number in range(STRANGERS)]
    threads.append(threading.Thread(target=friend))
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        seen.wrong = sorted({str(asked[number]) for number in world.upstream.reached if number >= 0})


def forbidden(before: Catalog, after: Catalog) -> list[Request]:
    """The calls that neither catalog allows, nobody's first."""
    now = datetime.now(UTC)
    drawn = (
        Request(who, method, path, now, scope=scope)
        for who, path, method, scope in itertools.product(
            _credentials(before, after, now), _paths(before, after), METHODS, (None, "river")
        )
    )
    return [one for one in drawn if not evaluate(before, one).allowed and not evaluate(after, one).allowed]


def _credentials(before: Catalog, after: Catalog, now: datetime) -> list[Credentials]:
    found = [Credentials(), Credentials(key=ApiKey(None))]
    services = {service.name: (catalog, service) for catalog in (before, after) for service in catalog.services()}
    for name, (catalog, service) in services.items():
        token = a_token(catalog, service, now + timedelta(minutes=5))
        found += [Credentials(key=ApiKey(name)), Credentials(token=token), Credentials(token=replace(token, kind="ID"))]
    return found


def _paths(before: Catalog, after: Catalog) -> Sequence[str]:
    paths = {version.path for catalog in (before, after) for api in catalog.apis.values() for version in api.versions}
    return sorted(f"{path}/x" for path in paths)


@contextmanager
def _connection(world: World) -> Iterator[http.client.HTTPConnection]:
    where = urlsplit(world.server.proxy_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    try:
        yield connection
    finally:
        connection.close()


def _call(connection: http.client.HTTPConnection, method: str, path: str, sent: Mapping[str, str], number: int) -> int:
    connection.request(method, path, headers={**sent, CASE: str(number)})
    answer = connection.getresponse()
    answer.read()
    return answer.status
