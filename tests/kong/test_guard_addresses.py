"""The guard asks for addresses itself: it changes them together with the grants, in one write."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from control_plane.catalog.model import Behind, Catalog, KongSettings
from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings
from tests.building import a_grant, a_platform, in_environment, with_api, with_scope, with_service
from tests.conftest import KongServer
from tests.kong.world import World

pytestmark = pytest.mark.servers
API = ("203.0.113.0/25", "2001:db8::/33", "0.0.0.0/1")
OWN = ("203.0.113.0/29", "2001:db8:0:8000::/49", "192.0.2.1", "2001:db8::7", "64.0.0.0/3")
CALLERS = (
    *("203.0.113.7", "203.0.113.8", "192.0.2.1", "64.0.0.1", "95.255.255.255", "96.0.0.0", "127.0.0.2"),
    *("2001:db8::7", "2001:db8::8", "2001:db8:0:8000::1", "2001:db8:0:ffff:1:2:3:4", "2001:db8:1::", "::1", "::"),
)

BEHIND = in_environment(kong=KongSettings("http://kong.test:8001", behind=Behind(("127.0.0.1",), "X-Real-IP")))


@pytest.fixture
def bare(kong_server: KongServer) -> Iterator[World]:
    """A gateway whose ip-restrictions somebody has removed, so that the guard alone refuses."""
    with in_thread(Settings(trusted_ips=("127.0.0.1",))) as running:
        world = World(KongServer(running.admin_url, running.proxy_url, kong_server.upstream_url, real=False))
        service = with_service("portal", reading="ngsi-v2", allowed_ips=OWN)
        world.apply(a_platform(BEHIND, with_api("ngsi-v2", allowed_ips=API), service))
        for row in world.by_hand("GET", "/plugins?size=1000")["data"]:
            if row["name"] == "ip-restriction":
                world.by_hand("DELETE", f"/plugins/{row['id']}")
        yield world


def status(world: World, address: str) -> int:
    return world.call("/ngsi/v2/x", apikey=world.key_of("portal"), X_Real_IP=address).status_code


def among(address: str, networks: tuple[str, ...]) -> bool:
    return any(ip_address(address) in ip_network(one) for one in networks)


def test_the_guard_alone_lets_in_who_is_in_the_networks_of_the_api_and_of_the_service(bare: World):
    said = {address: status(bare, address) for address in CALLERS}
    assert said == {one: 200 if among(one, API) and among(one, OWN) else 403 for one in CALLERS}
    assert {200, 403} == set(said.values())


def test_an_ipv4_address_that_an_ipv6_one_carries_is_taken_as_it_is(bare: World):
    assert (status(bare, "::ffff:203.0.113.7"), status(bare, "::ffff:203.0.113.8")) == (200, 403)


def test_nobody_has_new_data_from_an_old_address_after_any_single_write(kong_server: KongServer):
    """The plugins of both platforms, put one after the other in either order: each state refuses what both refuse."""

    def platform(scope: str, address: str) -> Catalog:
        api = with_api("ngsi-v2", scoping="path")
        service = with_service("portal", a_grant("ngsi-v2", "read", scopes=(scope,)), allowed_ips=(address,))
        return a_platform(BEHIND, api, service, with_scope("road"), with_scope("river"))

    def reached(world: World, scope: str, address: str) -> bool:
        answer = world.call(f"/ngsi/v2/{scope}", apikey=world.key_of("portal"), X_Real_IP=address)
        return answer.status_code == 200

    before, after = platform("road", "203.0.113.7"), platform("river", "192.0.2.1")
    names = ("ngsi-v2.v2.post-function", "nasushiobara.portal~ngsi-v2.v2.ip-restriction")
    for order in (names, names[::-1]):
        with in_thread(Settings(trusted_ips=("127.0.0.1",))) as running:
            world = World(KongServer(running.admin_url, running.proxy_url, kong_server.upstream_url, real=False))
            world.apply(after)
            wanted = {row["instance_name"]: row["config"] for row in world.by_hand("GET", "/plugins?size=1000")["data"]}
            world.apply(before)
            assert reached(world, "road", "203.0.113.7")
            for name in order:
                world.by_hand("PATCH", f"/plugins/{name}", {"config": wanted[name]})
                assert not reached(world, "river", "203.0.113.7"), name
                assert not reached(world, "road", "192.0.2.1"), name
            assert reached(world, "river", "192.0.2.1")
