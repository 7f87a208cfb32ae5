"""What the recordings do not show of the stand-in's proxy: late changes, hostile peers, connections that go on."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from control_plane.sandbox.kong.proxy.balancer import _next
from control_plane.sandbox.kong.proxy.rates import SECONDS, Rates, window
from control_plane.sandbox.kong.proxy.take_up import TakeUp
from control_plane.sandbox.kong.proxy.wire import Headers
from control_plane.sandbox.kong.server import Running, in_thread
from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.store import Store


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_change_counts_only_after_the_take_up_time() -> None:
    clock = Clock()
    store = Store(clock)
    take_up = TakeUp(store, Settings(take_up=5, clock=clock))
    store.put("routes", {"id": "r", "name": "r", "paths": ["/x"], "service": None})
    assert take_up.current().router.match("GET", "h", "/x", Headers()) is None
    clock.now += 4.9
    assert take_up.current().router.match("GET", "h", "/x", Headers()) is None
    clock.now += 0.2
    assert take_up.current().router.match("GET", "h", "/x", Headers()) is not None


def test_a_part_of_the_snapshot_is_kept_as_long_as_its_collection_is_the_same() -> None:
    store = Store(Clock())
    take_up = TakeUp(store, Settings())
    before = take_up.current()
    store.put("consumers", {"id": "c", "username": "alice", "custom_id": None})
    after = take_up.current()
    assert after.consumer("alice") is not None
    assert (after.router, after.plugins) == (before.router, before.plugins)


@given(st.sampled_from(sorted(SECONDS)), st.floats(min_value=0, max_value=4e9))
def test_a_moment_lies_in_the_window_that_it_opens(period: str, now: float) -> None:
    begun = window(period, now)
    assert begun <= now
    assert window(period, begun) == begun
    assert now - begun < SECONDS[period] * (1.04 if period == "month" else 1.003)  # 31 days, leap years


def test_a_new_window_begins_at_nothing() -> None:
    rates, key = Rates(), ("route", None, "127.0.0.1")
    rates.count(key, "minute", 59.0)
    assert (rates.used(key, "minute", 59.9), rates.used(key, "minute", 60.0)) == (1, 0)


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 9), min_size=1, max_size=5))
def test_targets_are_taken_as_often_as_they_weigh(weights: dict[str, int]) -> None:
    peers = {name: (name, 1, weight) for name, weight in weights.items()}
    state: dict[str, int] = {}
    taken = [_next(state, peers) for _ in range(sum(weights.values()))]
    assert {name: taken.count(name) for name in weights} == weights


# ---------------------------------------------------------------- over the wire

servers = pytest.mark.servers


@pytest.fixture(scope="module")
def kong() -> Iterator[Running]:
    with in_thread(Settings()) as running:
        yield running


Upstream = Callable[[bytes], None]


@pytest.fixture
def upstream(kong: Running) -> Iterator[Upstream]:
    """A server that answers every connection with these bytes, behind the route /u."""
    listener = socket.create_server(("127.0.0.1", 0))
    says: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while b"\r\n\r\n" not in connection.recv(65536):
                    continue
                connection.sendall(says[-1])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    put(
        kong,
        "/services/u",
        {"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "retries": 0, "read_timeout": 2000},
    )
    put(kong, "/services/u/routes/u", {"paths": ["/u"]})
    yield says.append
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def put(kong: Running, path: str, body: dict[str, Any]) -> None:
    requests.put(kong.admin_url + path, json=body, timeout=10).raise_for_status()


def raw(kong: Running, data: bytes) -> bytes:
    """What the proxy answers to these bytes until it closes."""
    port = int(kong.proxy_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(65536):
            found += part
        return found


@servers
@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused_and_the_proxy_goes_on(kong: Running, data: bytes) -> None:
    assert raw(kong, data).startswith(b"HTTP/1.1 400")
    assert requests.get(kong.proxy_url + "/nothing", timeout=10).status_code == 404


@servers
def test_two_requests_in_one_packet_are_answered_in_their_order(kong: Running) -> None:
    one = b"HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    two = b"GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert re.findall(rb"HTTP/1\.1 (\d+)", raw(kong, one + two)) == [b"404", b"400"]


@servers
def test_a_connection_serves_again_after_head_and_after_a_body(kong: Running) -> None:
    connection = http.client.HTTPConnection(kong.proxy_url.removeprefix("http://"), timeout=10)
    for method, body in (("HEAD", None), ("POST", b"x" * 300_000), ("GET", None)):
        connection.request(method, "/nothing", body)
        answer = connection.getresponse()
        text = answer.read()
        assert (answer.status, bool(text)) == (404, method != "HEAD")
        assert int(answer.headers["Content-Length"]) > 0
    connection.close()


@servers
@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ],
)
def test_an_upstream_that_speaks_no_http_is_a_502(kong: Running, upstream: Upstream, said: bytes) -> None:
    upstream(said)
    assert requests.get(kong.proxy_url + "/u", timeout=10).status_code == 502


@servers
def test_an_upstream_that_stops_in_the_middle_does_not_look_complete(kong: Running, upstream: Upstream) -> None:
    upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        assert requests.get(kong.proxy_url + "/u", timeout=10).content == b"never"


@servers
def test_hop_by_hop_headers_of_the_upstream_stay_behind_and_the_rest_comes_through(
    kong: Running, upstream: Upstream
) -> None:
    upstream(b"HTTP/1.1 207 Multi\r\nConnection: close\r\nKeep-Alive: 1\r\nServer: up\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody")
    answer = requests.get(kong.proxy_url + "/u", timeout=10)
    assert (answer.status_code, answer.text, answer.headers["X-A"]) == (207, "body", "1, 2")
    assert "Keep-Alive" not in answer.headers
    assert (answer.headers["Server"], answer.headers["Via"]) == ("up", "1.1 renkei-stand-in")


@servers
@pytest.mark.parametrize("text", ["while true do end", "local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e6) .. i end"])
def test_a_function_that_never_ends_is_a_500_and_the_proxy_goes_on(kong: Running, text: str) -> None:
    put(kong, "/routes/loop", {"paths": ["/loop"]})
    put(kong, "/routes/loop/plugins/loop", {"name": "post-function", "config": {"access": [text]}})
    assert requests.get(kong.proxy_url + "/loop", timeout=20).status_code == 500
    assert requests.get(kong.proxy_url + "/nothing", timeout=10).status_code == 404


@servers
def test_an_answer_of_its_own_says_that_it_stands_in(kong: Running) -> None:
    assert "stand-in" in requests.get(kong.proxy_url + "/nothing", timeout=10).headers["Server"]
