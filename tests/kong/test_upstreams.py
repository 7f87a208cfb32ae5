"""Upstreams with several servers: who gets calls, what a change costs, what a retry may repeat."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from control_plane.catalog.model import Catalog, Health, Upstream, UpstreamTarget
from control_plane.engine.resource import state
from control_plane.kong import KINDS
from control_plane.kong.declarative import declarative
from tests.building import READ, a_platform, here, in_environment, with_api
from tests.kong.world import World, every, lines

HEALTH = Health("/version", 60, 2)


@contextmanager
def a_server() -> Iterator[tuple[str, list[str]]]:
    """A server on the loopback: its host and port, and the paths that it was asked for."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def targets(**weights: int) -> tuple[UpstreamTarget, ...]:
    return tuple(UpstreamTarget(place, weight, here("renkei.yaml", 9)) for place, weight in weights.items())


def of(upstream: Upstream | str, name: str = "orion", **more: object) -> Catalog:
    """An open API that only reads, on this upstream.

    A test that calls it names it: whose turn it is, and who is ill, outlives an upstream.
    """
    api = {"auth": (), "scoping": "none", "levels": {"read": READ}, "upstream": name, **more}
    return a_platform(in_environment(upstreams={name: upstream}), with_api("open", **api))


def an_upstream(*, health: Health | None = None, path: str = "", protocol: str = "http", **weights: int) -> Upstream:
    return Upstream(protocol, path, targets(**weights), health, origin=here("renkei.yaml", 8))


def service(catalog: Catalog) -> dict[str, object]:
    want = state(resource for kind in KINDS for resource in kind.desired(catalog))
    return dict(declarative(want)["services"][0])


def test_servers_get_calls_by_weight_and_a_standby_none(world: World):
    with a_server() as (first, at_first), a_server() as (second, at_second), a_server() as (standby, at_standby):
        world.apply(of(an_upstream(path="/base", **{first: 300, second: 100, standby: 0}), "shared"))
        assert {world.call("/open/v2/cities").status_code for _ in range(8)} == {200}
        assert (len(at_first), len(at_second), at_standby) == (6, 2, [])
        assert set(at_first) == {"/base/v2/cities"}


def test_a_standby_takes_over_when_its_line_and_the_others_change(world: World):
    with a_server() as (first, at_first), a_server() as (standby, at_standby):
        world.apply(of(an_upstream(**{first: 100, standby: 0}), "taken-over"))
        world.apply(of(an_upstream(**{first: 0, standby: 100}), "taken-over"))
        assert world.call("/open/v2/cities").status_code == 200
        assert (len(at_first), len(at_standby)) == (0, 1)


def test_a_changed_weight_is_one_write(world: World):
    world.apply(of(an_upstream(**{"a.test:80": 100, "b.test:80": 100})))
    plan = world.plan(of(an_upstream(**{"a.test:80": 100, "b.test:80": 50})))
    assert lines(plan) == ["update kong.target orion.tochigi.renkei b.test:80"]


def test_a_new_server_and_one_that_goes_leave_the_others_alone(world: World):
    world.apply(of(an_upstream(**{"a.test:80": 100, "b.test:80": 100}, health=HEALTH)))
    outcomes = world.apply(of(an_upstream(**{"a.test:80": 100, "c.test:80": 100}, health=HEALTH)))
    assert len(outcomes) == 2


def test_a_server_that_cannot_be_reached_is_left_out(world: World):
    with a_server() as (well, asked):
        world.apply(of(an_upstream(**{well: 100, "127.0.0.1:9": 100}, health=HEALTH), "ill"))
        assert {world.call("/open/v2/cities").status_code for _ in range(10)} == {200}
        assert len(asked) == 10
        upstream = world.by_hand("GET", "/upstreams/ill.tochigi.renkei/health")["data"]
        assert {one["target"]: one["health"] for one in upstream}["127.0.0.1:9"] == "UNHEALTHY"


def test_a_url_becomes_servers_and_a_url_again(world: World):
    with a_server() as (one, asked):
        world.apply(of("http://orion.test"))
        world.apply(of(an_upstream(**{one: 100})))
        assert world.call("/open/v2/cities").status_code == 200
        world.apply(of("http://orion.test"))
        assert world.call("/open/v2/cities").status_code == 200
        assert len(asked) == 1
        assert world.by_hand("GET", "/upstreams")["data"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/upstreams/orion.tochigi.renkei", {"healthchecks": {"passive": {"unhealthy": {"tcp_failures": 0}}}}),
        ("/upstreams/orion.tochigi.renkei", {"algorithm": "least-connections"}),
        ("/upstreams/orion.tochigi.renkei/targets/b.test:80", {"weight": 100}),
        ("/services/open.v2", {"retries": 9}),
        ("/services/open.v2", {"read_timeout": 1}),
    ],
)
def test_what_is_changed_by_hand_is_drift_and_is_mended(world: World, path, body):
    catalog = of(an_upstream(**{"a.test:80": 100, "b.test:80": 0}, health=HEALTH))
    world.apply(catalog)
    world.by_hand("PATCH", path, body)
    assert len(lines(world.plan(catalog))) == 1
    world.apply(catalog)


def test_a_server_that_somebody_added_is_reported_and_stays(world: World):
    catalog = of(an_upstream(**{"a.test:80": 100}))
    world.apply(catalog)
    world.by_hand("POST", "/upstreams/orion.tochigi.renkei/targets", {"target": "x.test:80"})
    plan = world.plan(catalog)
    assert list(every(plan, "delete", "target")) == []
    assert "x.test:80" in {resource.key.name for resource in plan.unmanaged}


def test_only_apis_that_only_read_are_tried_again_unless_the_yaml_says_so():
    pool = an_upstream(**{"a.test:80": 100})
    assert service(of(pool))["retries"] == 5
    assert service(of(pool, levels={"read": READ, "update": ("PUT",)}))["retries"] == 0
    given = Upstream("http", "", pool.targets, retries=2)
    assert service(of(given, levels={"update": ("POST",)}))["retries"] == 2


def test_time_outs_are_milliseconds_and_certificates_are_checked():
    pool = Upstream("https", "", targets(**{"a.test:443": 100}), connect=5, read=90, write=30)
    found = service(of(pool))
    assert (found["connect_timeout"], found["read_timeout"], found["write_timeout"]) == (5000, 90_000, 30_000)
    assert found["tls_verify"] is True
    assert service(of(Upstream("https", "", pool.targets, verify=False)))["tls_verify"] is False
    assert "tls_verify" not in service(of("https://orion.test"))
