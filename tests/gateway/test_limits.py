"""Limits per level and plan, overridden for a tenant or a service, fair between services, counted by one node or by
several together, with the headers that clients expect; a monthly ceiling for the whole platform shows in reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
import yaml

from control_plane.catalog.load import load
from control_plane.catalog.model import Behind, Catalog, KongSettings, Redis
from control_plane.kong.policies import route_plugins
from tests.building import NOON, Part, a_platform, a_version, here, in_environment, with_api, with_service
from tests.conftest import KongServer
from tests.gateway.timed import Timed, a_timed_world
from tests.kong.world import Answer, lines
from tests.sandbox.test_compose import FILE

pytestmark = pytest.mark.servers
ENTITIES = "/ngsi/v2/entities"
WINDOWS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 31 * 86400}
REDIS = Redis("redis.test", 6380, 2, "renkei", "GATEWAY_REDIS_PASSWORD", tls=True, timeout=3)


@pytest.fixture
def timed(kong_server: KongServer) -> Iterator[Timed]:
    with a_timed_world(kong_server.upstream_url) as world:
        world.at(NOON)
        yield world


def call(timed: Timed, service: str = "portal", tenant: str = "nasushiobara", method: str = "GET") -> Answer:
    return timed.call(ENTITIES, method, apikey=timed.key_of(service, tenant))


def passed(timed: Timed, service: str = "portal", tenant: str = "nasushiobara") -> int:
    """How many calls pass before the first that does not."""
    number = 0
    while call(timed, service, tenant).status_code == 200:
        number += 1
    return number


@pytest.mark.parametrize("window", WINDOWS)
def test_limits_per_level_second_minute_hour_day_month(timed, window):
    limits = {"read": {window: 3}, "update": {window: 1}}
    timed.apply(a_platform(with_api(limits=limits), with_service("portal", reading="ngsi-v2", updating="ngsi-v2")))
    assert passed(timed) == 3
    assert call(timed, method="POST").status_code == 200
    assert call(timed, method="POST").status_code == 429
    timed.at(NOON + timedelta(seconds=WINDOWS[window]))
    assert passed(timed) == 3


def test_a_level_has_the_limit_of_its_plan(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "apis").mkdir()
    (tmp_path / "tenants").mkdir()
    (tmp_path / "renkei.yaml").write_text("platform: example\nenvironments:\n  sandbox: {}\n")
    (tmp_path / "templates/t.yaml").write_text(
        "realm_templates:\n  - {template: staff}\n"
        "api_plans:\n  - {plan: standard, levels: {read: {minute: 900, month: 100000}}}\n"
    )
    (tmp_path / "tenants/city.yaml").write_text(
        "tenant: city\ntitle: 見本市\ntype: municipality\nrealm: {template: staff}\n"
    )
    (tmp_path / "apis/a.yaml").write_text(
        "api: a\ntitle: a\nowner: city\nupstream: a\nauth: [api-key]\nplan: standard\n"
        "versions: [{version: v1, path: /a, state: published}]\nlevels: {read: {methods: [GET], limit: {minute: 60}}}\n"
    )
    catalog = load(tmp_path, "sandbox", NOON)
    (one,) = (plugin for plugin in route_plugins(catalog) if plugin.name == "rate-limiting")
    assert (one.config["minute"], one.config["month"], one.config["hour"]) == (60, 100_000, None)


def test_limits_are_overridden_for_a_tenant_or_a_service(timed):
    timed.apply(
        a_platform(
            with_api(limits={"read": {"hour": 2}}),
            with_service("portal", reading="ngsi-v2"),
            with_service("other", reading="ngsi-v2"),
            with_service("own", reading="ngsi-v2", limits={("ngsi-v2", "read"): {"hour": 5}}),
            with_service("far", reading="ngsi-v2", tenant="mibu"),
            with_tenant_limits("nasushiobara", {("ngsi-v2", "read"): {"hour": 4}}),
        )
    )
    assert [passed(timed, name) for name in ("portal", "other", "own")] == [4, 4, 5]
    assert passed(timed, "far", "mibu") == 2


def with_tenant_limits(tenant: str, limits: dict[tuple[str, str], dict[str, int]]) -> Any:
    def change(catalog: Catalog) -> Catalog:
        limited = replace(catalog.tenants[tenant], limits=limits, limits_origin=here(f"tenants/{tenant}.yaml", 5))
        return replace(catalog, tenants={**catalog.tenants, tenant: limited})

    return Part(7, change)


def test_limits_are_fair_between_services(timed):
    """One that has used its share up takes nothing of another's."""
    timed.apply(
        a_platform(
            with_api(limits={"read": {"minute": 3}}),
            with_service("greedy", reading="ngsi-v2"),
            with_service("modest", reading="ngsi-v2"),
        )
    )
    assert passed(timed, "greedy") == 3
    assert passed(timed, "modest") == 3


def test_limits_of_open_data_count_each_address_for_itself(timed):
    open_data = with_api("open", a_version("v1", "/open/v1"), auth=(), scoping="none", limits={"read": {"minute": 1}})
    timed.apply(a_platform(open_data, believing()))
    got = [timed.call("/open/v1/x", X_Real_IP=ip).status_code for ip in ("192.0.2.1", "192.0.2.2", "192.0.2.1")]
    assert got == [200, 200, 429]


def believing() -> Any:
    return in_environment(kong=KongSettings("http://kong.test:8001", behind=Behind(("127.0.0.1",), "X-Real-IP")))


def test_limits_come_with_the_headers_that_clients_expect(timed):
    timed.at(NOON + timedelta(seconds=20))
    timed.apply(
        a_platform(with_api(limits={"read": {"minute": 2, "hour": 9}}), with_service("portal", reading="ngsi-v2"))
    )
    first = call(timed).headers
    assert (first["RateLimit-Limit"], first["RateLimit-Remaining"], first["RateLimit-Reset"]) == ("2", "1", "40")
    assert (first["X-RateLimit-Limit-Minute"], first["X-RateLimit-Remaining-Minute"]) == ("2", "1")
    assert (first["X-RateLimit-Limit-Hour"], first["X-RateLimit-Remaining-Hour"]) == ("9", "8")
    assert first["Retry-After"] is None
    call(timed)
    over = call(timed)
    assert over.status_code == 429
    assert (over.headers["RateLimit-Remaining"], over.headers["Retry-After"]) == ("0", "40")


# ---------------------------------------------------------------- one node, or several


def with_redis(redis: Redis | None) -> Catalog:
    return a_platform(
        in_environment(kong=KongSettings("http://kong.test:8001", redis=redis)),
        with_api(limits={"read": {"minute": 3}}),
        with_service("portal", reading="ngsi-v2"),
        with_service("own", reading="ngsi-v2", limits={("ngsi-v2", "read"): {"minute": 2}}),
    )


def configs(timed: Timed) -> list[dict[str, Any]]:
    rows = timed.by_hand("GET", "/plugins?size=1000")["data"]
    return [row["config"] for row in rows if row["name"] == "rate-limiting"]


def test_policy_is_local_on_one_node(timed):
    timed.apply(with_redis(None))
    assert [one["policy"] for one in configs(timed)] == ["local", "local"]


def test_policy_is_redis_for_several_nodes(timed):
    timed.apply(with_redis(REDIS))
    for one in configs(timed):
        assert (one["policy"], one["sync_rate"], one["fault_tolerant"]) == ("redis", -1, True)
        assert one["redis"] == {
            "host": "redis.test",
            "port": 6380,
            "database": 2,
            "username": "renkei",
            "password": "{vault://env/gateway-redis-password}",
            "ssl": True,
            "ssl_verify": True,
            "server_name": "redis.test",
            "timeout": 3000,
        }
    assert [passed(timed), passed(timed, "own")] == [3, 2]


def test_going_from_one_node_to_several_and_back_leaves_nothing_to_do(timed):
    timed.apply(with_redis(None))
    changed = lines(timed.plan(with_redis(REDIS)))
    assert len(changed) == 2
    assert all(line.startswith("update kong.route-plugin") for line in changed)
    timed.apply(with_redis(REDIS))
    timed.apply(with_redis(None))


@pytest.mark.parametrize(
    "by_hand",
    [{"policy": "local"}, {"sync_rate": 60}, {"redis": {"host": "elsewhere.test"}}, {"fault_tolerant": False}],
)
def test_what_is_changed_by_hand_of_how_nodes_count_is_drift(timed, by_hand):
    timed.apply(with_redis(REDIS))
    timed.by_hand("PATCH", "/plugins/ngsi-v2.v2.read.rate-limiting", {"config": by_hand})
    assert lines(timed.plan(with_redis(REDIS))) == ["update kong.route-plugin ngsi-v2.v2 ngsi-v2.v2.read.rate-limiting"]


def test_a_redis_that_kongs_schema_refuses_is_refused_by_the_stand_in_too(timed):
    timed.apply(with_redis(REDIS))
    path = f"{timed.server.admin_url}/plugins/ngsi-v2.v2.read.rate-limiting"
    for wrong in ({"port": 70_000}, {"timeout": -1}, {"host": None}, {"ssl": "yes"}):
        answer = requests.patch(path, json={"config": {"redis": wrong}}, timeout=10)
        assert answer.status_code == 400, (wrong, answer.text)


def test_the_reference_deployment_has_redis_and_the_password_in_the_nodes_environment():

    services = yaml.safe_load(FILE.read_text("utf-8"))["services"]
    assert services["redis"]["image"].startswith("redis:")
    assert services["kong"]["environment"]["REDIS_PASSWORD"] == services["redis"]["environment"]["REDIS_PASSWORD"]
    assert services["kong"]["depends_on"]["redis"] == {"condition": "service_healthy"}
