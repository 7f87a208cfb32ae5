"""Addresses per service and per API, their intersection, behind trusted proxies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from control_plane.catalog.model import Behind, Catalog, KongSettings
from control_plane.kong import proxies
from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings
from tests.building import Part, a_platform, a_version, here, in_environment, with_api, with_service
from tests.conftest import KongServer
from tests.kong.world import World

pytestmark = pytest.mark.servers
OFFICE, HOME, PARTNER = "203.0.113.7", "198.51.100.1", "203.0.113.200"


def behind(*networks: str, header: str = "X-Forwarded-For", several: bool = False) -> Part:
    said = Behind(networks, header, several, here("renkei.yaml", 6))
    return in_environment(kong=KongSettings("http://kong.test:8001", behind=said))


@contextmanager
def a_gateway(upstream: str, trusted: tuple[str, ...], header: str, recursive: bool = False) -> Iterator[World]:
    settings = Settings(trusted_ips=trusted, real_ip_header=header, real_ip_recursive=recursive)
    with in_thread(settings) as running:
        yield World(KongServer(running.admin_url, running.proxy_url, upstream, real=False))


def platform(proxy: Part) -> Catalog:
    return a_platform(
        proxy,
        with_api("ngsi-v2", allowed_ips=("203.0.113.0/25", HOME)),
        with_api("files", a_version("v1", "/files/v1"), scoping="none"),
        with_service("free", reading="ngsi-v2"),
        with_service("portal", reading="ngsi-v2", updating="files", allowed_ips=("203.0.113.0/24",)),
    )


def status(world: World, path: str, service: str, forwarded: str) -> int:
    return world.call(
        path, "PUT" if "files" in path else "GET", apikey=world.key_of(service), X_Forwarded_For=forwarded
    ).status_code


@pytest.fixture
def one_proxy(kong_server: KongServer) -> Iterator[World]:
    with a_gateway(kong_server.upstream_url, ("127.0.0.1",), "X-Forwarded-For") as world:
        world.apply(platform(behind("127.0.0.1")))
        yield world


@pytest.mark.parametrize(
    ("path", "service", "address", "expected"),
    [
        ("/ngsi/v2/x", "free", OFFICE, 200),
        ("/ngsi/v2/x", "free", HOME, 200),
        ("/ngsi/v2/x", "free", PARTNER, 403),
        ("/files/v1/x", "portal", OFFICE, 200),
        ("/files/v1/x", "portal", PARTNER, 200),
        ("/files/v1/x", "portal", HOME, 403),
        ("/ngsi/v2/x", "portal", OFFICE, 200),
        ("/ngsi/v2/x", "portal", PARTNER, 403),
        ("/ngsi/v2/x", "portal", HOME, 403),
    ],
)
def test_addresses_per_service_and_per_api_hold_both(one_proxy, path, service, address, expected):
    """A consumer's ip-restriction would take the place of the API's: what both have in common stands there."""
    assert status(one_proxy, path, service, address) == expected


def test_a_forged_header_changes_nothing_behind_a_trusted_proxy(one_proxy):
    """The proxy appends whom it has seen; what the client wrote stands before it."""
    assert status(one_proxy, "/ngsi/v2/x", "free", f"{OFFICE}, {PARTNER}") == 403
    assert status(one_proxy, "/ngsi/v2/x", "free", f"{PARTNER}, {OFFICE}") == 200


def test_behind_several_proxies_the_last_address_that_is_no_proxy_counts(kong_server):
    with a_gateway(kong_server.upstream_url, ("127.0.0.1", "10.0.3.0/28"), "X-Forwarded-For", recursive=True) as world:
        world.apply(platform(behind("127.0.0.1", "10.0.3.0/28", several=True)))
        assert status(world, "/ngsi/v2/x", "free", f"{PARTNER}, {OFFICE}, 10.0.3.2") == 200
        assert status(world, "/ngsi/v2/x", "free", f"{OFFICE}, {PARTNER}, 10.0.3.2") == 403


def test_without_a_trusted_proxy_no_header_is_believed(kong_server):
    with a_gateway(kong_server.upstream_url, (), "X-Real-IP") as world:
        world.apply(platform(in_environment()))
        assert status(world, "/ngsi/v2/x", "free", OFFICE) == 403
        answer = world.call("/ngsi/v2/x", apikey=world.key_of("free"), X_Real_IP=OFFICE)
        assert answer.status_code == 403


def said(catalog: Catalog, **settings: object) -> list[str]:
    return [problem.message for problem in proxies.problems(settings, catalog)]


def test_trusted_ips_are_checked_where_addresses_are_used_and_only_there():
    quiet = a_platform(behind("10.0.0.1"), with_service("portal", reading="ngsi-v2"))
    assert said(quiet, trusted_ips=["0.0.0.0/0"], real_ip_header="X-Real-IP") == []
    by_address = with_api("open", auth=(), scoping="none", limits={"read": {"minute": 9}})
    for part in (by_address, with_api(allowed_ips=(OFFICE,)), with_service("p", allowed_ips=(OFFICE,))):
        loud = a_platform(behind("10.0.0.1"), part)
        assert len(said(loud, trusted_ips=["0.0.0.0/0"], real_ip_header="X-Forwarded-For")) == 1
        assert len(said(loud, trusted_ips={}, real_ip_header="X-Real-IP")) == 2
        assert said(loud, trusted_ips=["10.0.0.1"], real_ip_header="x-forwarded-for", real_ip_recursive="off") == []


def test_proxies_that_the_yaml_does_not_name_are_named_with_what_to_write():
    catalog = a_platform(with_service("portal", reading="ngsi-v2", allowed_ips=(OFFICE,)))
    (problem,) = proxies.problems({"trusted_ips": ["10.0.3.0/28", "unix:"], "real_ip_header": "X-Real-IP"}, catalog)
    assert (
        problem.message
        == "this Kong takes the word of 10.0.3.0/28 on where a call comes from, and the YAML does not say so"
    )
    assert "behind: {proxies: [10.0.3.0/28], header: X-Real-IP}" in (problem.help or "")
    assert said(catalog, trusted_ips={}) == []


def test_networks_are_compared_as_networks():
    catalog = a_platform(behind("10.0.0.1", "2001:db8::/32"), with_service("p", allowed_ips=(OFFICE,)))
    found = said(catalog, trusted_ips=["2001:0db8::/32", "10.0.0.1/32"], real_ip_header="X-Forwarded-For")
    assert found == []
