"""Upstreams: several targets with weights and health checks, a standby site, time-outs, retries only for methods that
are safe, TLS to the upstream with verification, mutual TLS where given."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from control_plane.catalog.certificates import certificate
from control_plane.catalog.documents.upstreams import TargetEntry
from control_plane.catalog.model import Catalog, ClientCertificate, Health, SecretRef, Upstream, UpstreamTarget
from control_plane.engine.resource import state
from control_plane.engine.values import Secret
from control_plane.kong import KINDS, target
from control_plane.kong.declarative import declarative
from control_plane.problems import NotAllowed, Problem
from tests.authorities import Authority, Pair
from tests.building import READ, a_platform, here, in_environment, with_api
from tests.kong.world import World, lines

pytestmark = pytest.mark.servers
KEY = SecretRef("upstreams/orion", "tls_key")


@contextmanager
def a_server(
    directory: Path | None = None, pair: Pair | None = None, asks_for: Authority | None = None, waits: float = 0
) -> Iterator[tuple[str, list[str]]]:
    """A server on the loopback, with TLS where it has a pair: its place, and who called, by the name that was shown."""
    callers: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
            callers.append(dict(part[0] for part in shown["subject"])["commonName"] if shown else "nobody")
            time.sleep(waits)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A refused handshake is what some tests are about."""

    server = Quiet(("127.0.0.1", 0), Answers)
    if pair is not None and directory is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (directory / "pair.pem").write_text(pair.certificate + pair.key)
        context.load_cert_chain(directory / "pair.pem")
        if asks_for is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=asks_for.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"localhost:{server.server_port}", callers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def of(name: str, upstream: Upstream, **more: object) -> Catalog:
    """An open API on this upstream. Who is ill outlives an upstream, so each test names its own."""
    api = {"auth": (), "scoping": "none", "levels": {"read": READ}, "upstream": name, **more}
    return a_platform(in_environment(upstreams={name: upstream}), with_api("open", **api))


def http(**weights: int) -> Upstream:
    return Upstream("http", "", _targets(weights), origin=here("renkei.yaml", 8))


def https(place: str, *authorities: Authority, client: Pair | None = None, **more: object) -> Upstream:
    trusted = tuple(one for authority in authorities if (one := certificate(authority.certificate)))
    shown = None
    if client is not None and (own := certificate(client.certificate)):
        shown = ClientCertificate(own, KEY, here("renkei.yaml", 12))
    origin = here("renkei.yaml", 8)
    return Upstream("https", "", _targets({place: 100}), authorities=trusted, client=shown, origin=origin, **more)


def _targets(weights: dict[str, int]) -> tuple[UpstreamTarget, ...]:
    return tuple(UpstreamTarget(place, weight, here("renkei.yaml", 9)) for place, weight in weights.items())


def call(world: World, method: str = "GET") -> int:
    return world.call("/open/v2/x", method).status_code


# ---------------------------------------------------------------- the sentence, part by part


def test_several_targets_get_calls_by_weight_and_a_standby_site_none(world: World):
    with a_server() as (one, at_one), a_server() as (two, at_two), a_server() as (standby, at_standby):
        world.apply(of("weighed", http(**{one: 300, two: 100, standby: 0})))
        assert {call(world) for _ in range(8)} == {200}
        assert (len(at_one), len(at_two), len(at_standby)) == (6, 2, 0)


def test_a_target_that_is_ill_gets_no_more_calls(world: World):
    with a_server() as (well, at_well):
        checked = replace(http(**{well: 100, "127.0.0.1:9": 100}), health=Health("/", 60, 1))
        world.apply(of("health", checked))
        assert {call(world) for _ in range(6)} == {200}
        assert len(at_well) == 6


def test_a_time_out_ends_the_wait(world: World):
    with a_server(waits=3) as (slow, _):
        world.apply(of("slow", replace(http(**{slow: 100}), read=1, retries=0)))
        begun = time.monotonic()
        assert call(world) == 504
        assert time.monotonic() - begun < 2.5


def test_retries_are_only_for_methods_that_are_safe(world: World):
    reading = of("reading", http(**{"a.test:80": 100}))
    changing = of("changing", http(**{"a.test:80": 100}), levels={"read": READ, "update": ("PUT",)})
    assert [_service(catalog)["retries"] for catalog in (reading, changing)] == [5, 0]
    with a_server() as (well, at_well):
        world.apply(of("changing", http(**{"127.0.0.1:9": 100, well: 100}), levels={"all": ("GET", "PUT")}))
        assert sorted(call(world, "PUT") for _ in range(2)) == [200, 502]
        assert len(at_well) == 1


def _service(catalog: Catalog) -> dict[str, object]:
    want = state(resource for kind in KINDS for resource in kind.desired(catalog))
    return dict(declarative(want)["services"][0])


def test_tls_to_the_upstream_is_verified(world: World, tmp_path: Path):
    ours, others = Authority("Prefecture CA"), Authority("Somebody's CA")
    with a_server(tmp_path, ours.pair("localhost")) as (place, callers):
        world.apply(of("verified", https(place, ours)))
        assert call(world) == 200
        world.apply(of("verified", https(place, others)))
        assert call(world) == 502
        world.apply(of("verified", https(place, others, ours)))
        assert call(world) == 200
        world.apply(of("verified", https(place)))
        assert call(world) == 502  # the machine does not know our authority
        assert len(callers) == 2


def test_a_certificate_for_another_name_is_not_taken(world: World, tmp_path: Path):
    ours = Authority()
    with a_server(tmp_path, ours.pair("orion.example.jp")) as (place, callers):
        world.apply(of("misnamed", https(place, ours)))
        assert (call(world), callers) == (502, [])


def test_mutual_tls_where_it_is_given(world: World, tmp_path: Path):
    ours, clients = Authority(), Authority("Client CA")
    gateway = clients.pair("renkei-gateway")
    world.vault.own[str(KEY)] = gateway.key
    with a_server(tmp_path, ours.pair("localhost"), asks_for=clients) as (place, callers):
        world.apply(of("mutual", https(place, ours, client=gateway)))
        assert (call(world), callers) == (200, ["renkei-gateway"])
        world.apply(of("mutual", https(place, ours)))
        assert call(world) == 502
        assert world.by_hand("GET", "/certificates")["data"] == []


def test_a_target_may_be_an_ipv6_address_and_is_no_difference_afterwards(world: World):
    place = TargetEntry.model_validate({"url": "http://[2001:DB8::1]:1026"}).place
    assert place == "[2001:0db8:0000:0000:0000:0000:0000:0001]:1026"
    world.apply(of("sixth", http(**{place: 100})))
    (upstream,) = world.by_hand("GET", "/upstreams")["data"]
    world.by_hand("POST", f"/upstreams/{upstream['id']}/targets", {"target": "[2001:db8::2]:1026"})
    places = {row["target"] for row in world.by_hand("GET", f"/upstreams/{upstream['id']}/targets")["data"]}
    assert places == {place, place.replace("0001]", "0002]")}
    world.apply(of("sixth", http(**{place: 50})))


# ---------------------------------------------------------------- certificates as objects


def test_renewing_a_certificate_is_one_write(world: World):
    clients, ours = Authority("Client CA"), Authority()
    old, new = clients.pair("renkei-gateway", days=20), clients.pair("renkei-gateway", days=400)
    world.vault.own[str(KEY)] = old.key
    world.apply(of("renewed", https("a.test:443", ours, client=old)))
    world.vault.own[str(KEY)] = new.key
    catalog = of("renewed", https("a.test:443", ours, client=new))
    assert lines(world.plan(catalog)) == ["update kong.certificate renewed"]
    world.apply(catalog)


def test_a_new_authority_is_trusted_before_the_old_one_goes(world: World):
    old, new = Authority("Old CA"), Authority("New CA")
    world.apply(of("trust", https("a.test:443", old)))
    outcomes = world.apply(of("trust", https("a.test:443", new)))
    assert [type(one.change).__name__ for one in outcomes] == ["Create", "Update", "Delete"]


def test_one_authority_of_two_upstreams_is_there_once(world: World):
    ours = Authority()
    upstreams = {name: https(f"{name}.test:443", ours) for name in ("one", "two")}
    apis = [with_api(name, auth=(), scoping="none", upstream=name) for name in upstreams]
    world.apply(a_platform(in_environment(upstreams=upstreams), *apis))
    assert len(world.by_hand("GET", "/ca_certificates")["data"]) == 1


@pytest.mark.parametrize(
    "by_hand",
    [
        lambda world, other: {"tls_verify": False},
        lambda world, other: {"ca_certificates": [world.by_hand("POST", "/ca_certificates", {"cert": other})["id"]]},
        lambda world, other: {"client_certificate": None},
    ],
    ids=["not verified", "another authority", "no client certificate"],
)
def test_what_is_changed_by_hand_is_drift_and_is_mended(world: World, by_hand):
    ours, gateway = Authority(), Authority("Client CA").pair("renkei-gateway")
    world.vault.own[str(KEY)] = gateway.key
    catalog = of("mended", https("a.test:443", ours, client=gateway))
    world.apply(catalog)
    world.by_hand("PATCH", "/services/open.v2", by_hand(world, Authority("Evil CA").certificate))
    assert lines(world.plan(catalog)) == ["update kong.service open.v2 open.v2"]
    world.apply(catalog)


def test_an_authority_of_ours_that_was_exchanged_by_hand_is_put_back(world: World):
    catalog = of("exchanged", https("a.test:443", Authority()))
    world.apply(catalog)
    (row,) = world.by_hand("GET", "/ca_certificates")["data"]
    world.by_hand("PATCH", f"/ca_certificates/{row['id']}", {"cert": Authority("Evil CA").certificate})
    assert {type(change).__name__ for change in world.plan(catalog)} == {"Create", "Delete"}
    world.apply(catalog)
    assert world.by_hand("GET", "/ca_certificates")["data"][0]["cert"] == row["cert"]


def test_the_key_is_seen_nowhere(world: World):
    gateway = Authority().pair("renkei-gateway")
    world.vault.own[str(KEY)] = gateway.key
    catalog = of("unseen", https("a.test:443", Authority(), client=gateway))
    before = world.plan(catalog)
    world.apply(catalog)
    world.by_hand("PATCH", f"/certificates/{world.by_hand('GET', '/certificates')['data'][0]['id']}", {"tags": None})
    everything = repr(before) + repr(world.plan(catalog)) + repr(world.client().rows("certificates"))
    assert "PRIVATE KEY" not in everything
    for line in gateway.key.splitlines()[1:-1]:
        assert line not in everything


@pytest.mark.parametrize("key", ["another's", "no key at all"])
def test_a_key_that_does_not_fit_is_named_before_anything_is_written(world: World, key):
    clients = Authority("Client CA")
    world.vault.own[str(KEY)] = clients.pair("x").key if key == "another's" else key
    catalog = of("unfit", https("a.test:443", Authority(), client=clients.pair("renkei-gateway")))
    (problem,) = target(world.client(), 1, catalog).preflight()
    fits = f"the key {KEY} does not fit the certificate of upstream 'unfit'"
    assert problem.message == (fits if key == "another's" else f"the secret {KEY} is no private key")
    assert str(problem.origin) == "renkei.yaml:12"


def test_an_account_that_may_not_read_the_key_leaves_it_to_apply(world: World):
    def refused(_: Secret) -> str:
        raise NotAllowed(Problem("403"))

    catalog = of("unread", https("a.test:443", Authority(), client=Authority().pair("renkei-gateway")))
    client = world.client()
    client.peek = refused
    assert list(target(client, 1, catalog).preflight()) == []


def test_doctor_and_the_next_change_by_date_tell_when_a_certificate_ends(world: World):
    ours, gateway = Authority(days=500), Authority("Client CA").pair("renkei-gateway", days=20)
    world.vault.own[str(KEY)] = gateway.key
    catalog = replace(of("ending", https("a.test:443", ours, client=gateway)), as_of=datetime.now(UTC))
    found = {check.name: check for check in target(world.client(), 1, catalog).checks()}
    one = found["certificate of upstream ending"]
    assert (one.ok, one.detail.startswith("renkei-gateway until ")) == (False, True)
    assert found["authority of upstream ending"].ok
    until = certificate(gateway.certificate).until
    at = until - timedelta(days=1)
    assert replace(catalog, as_of=at).next_change() == until


def test_the_declarative_form_has_authorities_and_without_secrets_no_client_certificate():
    gateway = Authority("Client CA").pair("renkei-gateway")
    catalog = of("declared", https("a.test:443", Authority(), client=gateway))
    want = state(resource for kind in KINDS for resource in kind.desired(catalog))
    plain, whole = declarative(want), declarative(want, lambda _: gateway.key)
    assert plain["services"][0]["ca_certificates"] == [plain["ca_certificates"][0]["id"]]
    assert "certificates" not in plain and "client_certificate" not in plain["services"][0]
    assert whole["services"][0]["client_certificate"] == {"id": whole["certificates"][0]["id"]}
    assert whole["certificates"][0]["key"] == gateway.key
