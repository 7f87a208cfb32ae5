"""Operations: prometheus; an access log with the fields that usage statistics need and nothing personal, of which no
entry is lost; two policies that want one plugin in one place."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from control_plane.catalog.model import AccessLog, Asked, Catalog
from control_plane.kong.policies import access_log, headers
from control_plane.kong.policies.plugin import Plugin, placed
from control_plane.problems import ConfigurationError
from tests.building import KEY, TOKEN, a_grant, a_platform, a_version, here, in_environment, with_api, with_service
from tests.kong import tokens
from tests.kong.sink import Sink, a_sink
from tests.kong.world import World

pytestmark = pytest.mark.servers


@pytest.fixture
def sink() -> Iterator[Sink]:
    with a_sink() as one:
        yield one


def platform(log: AccessLog | None = None, metrics: Asked | None = None) -> Catalog:
    return a_platform(
        in_environment(access_log=log, metrics=metrics),
        with_api("ngsi-v2", auth=(KEY, TOKEN)),
        with_api("open", a_version("v1", "/open/v1"), auth=(), scoping="none"),
        with_service("portal", a_grant("ngsi-v2", "read", scopes=["road"]), auth=(KEY, TOKEN)),
    )


def token() -> str:
    return tokens.token(name="那須 職員一", preferred_username="nasu-0001")


def test_prometheus_counts_calls_by_api_level_status_and_connected_service(world: World):
    world.apply(platform(metrics=Asked(here("renkei.yaml", 5))))

    def counted() -> float:
        text = requests.get(f"{world.server.admin_url}/metrics", timeout=10).text
        names = ('service="ngsi-v2.v2"', 'route="ngsi-v2.v2.read"', 'code="200"', 'consumer="nasushiobara.portal"')
        lines = [line for line in text.splitlines() if line.startswith("kong_http_requests_total{")]
        return sum(float(line.split()[-1]) for line in lines if all(name in line for name in names))

    before = counted()
    assert world.call("/ngsi/v2/x", apikey=world.key_of("portal")).status_code == 200
    deadline = time.monotonic() + 10
    while counted() != before + 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_access_log_has_the_fields_that_usage_statistics_need(world: World, sink: Sink):
    world.apply(platform(AccessLog(http=sink.url)))
    answer = world.call("/ngsi/v2/x", apikey=world.key_of("portal"))
    (entry,) = sink.of(1, api="ngsi-v2")
    assert (entry["consumer"], entry["api"], entry["version"]) == ("nasushiobara.portal", "ngsi-v2", "v2")
    assert (entry["level"], entry["scope"], entry["status"]) == ("read", "road", 200)
    assert entry["latencies"].keys() >= {"request", "kong", "proxy"}
    assert entry["request_size"] > 0 and entry["response_size"] > len(answer.content)
    assert entry["correlation_id"] == answer.headers["X-Correlation-ID"]


def test_an_access_log_has_nothing_personal(world: World, sink: Sink):
    """No key, token, address, user name or query string; at length in tests/kong/test_access_log.py."""
    world.apply(platform(AccessLog(http=sink.url)))
    key, signed = world.key_of("portal"), token()
    world.call("/ngsi/v2/x?name=taro-nasu", apikey=key, X_Forwarded_For="198.51.100.77", User_Agent="agent-of-taro")
    world.call("/ngsi/v2/x?name=taro-nasu", Authorization=f"Bearer {signed}")
    assert [entry["status"] for entry in sink.of(2, api="ngsi-v2")] == [200, 200]
    for personal in (key, *signed.split("."), "198.51.100.77", "127.0.0.1", "nasu-0001", "taro", "name="):
        assert personal not in sink.text


def test_one_failing_field_does_not_lose_the_entry(world: World, sink: Sink):
    world.apply(platform(AccessLog(http=sink.url)))
    failing = access_log.fields("renkei:tochigi") | {"scope": access_log.guarded("error('boom')")}
    world.by_hand("PATCH", "/plugins/tochigi.http-log", {"config": {"custom_fields_by_lua": failing}})
    world.wait()
    assert world.call("/open/v1/x").status_code == 200
    (entry,) = sink.of(1, api="open")
    assert entry["status"] == 200 and "scope" not in entry


def test_an_answer_of_the_gateway_and_its_log_entry_have_an_id_in_common(world: World, sink: Sink):
    world.apply(platform(AccessLog(http=sink.url)))
    refused = world.call("/ngsi/v2/x", apikey=world.key_of("portal"), X_Data_Scope="river")
    (entry,) = sink.of(1, api="ngsi-v2")
    assert refused.json()["instance"] == f"urn:uuid:{entry['correlation_id']}"
    assert refused.json()["reason"] == entry["decision"]


# ---------------------------------------------------------------- two policies, one plugin in one place


def of(name: str, config: dict[str, object], line: int) -> Plugin:
    return Plugin(name, config, here("apis/a.yaml", line), (), within="a.v1", service="a.v1")


def test_two_policies_that_need_the_same_plugin_in_one_place_are_merged_when_they_can_be(world: World):
    """The guard and the gateway's own answers are both a post-function of the service; Kong runs one of them."""
    world.apply(platform())
    (row,) = (
        row for row in world.by_hand("GET", "/plugins")["data"] if row["instance_name"] == "open.v1.post-function"
    )
    filled = {phase for phase, chunks in row["config"].items() if chunks}
    assert filled == {"access", "header_filter", "body_filter"}
    (joined,) = placed([of(headers.NAME, headers.transformer({name: "1"}), 3) for name in ("X-A", "X-B")])
    assert joined.config["add"]["headers"] == ["X-A:1", "X-B:1"]


def test_else_it_is_a_compile_error_that_names_both_lines():
    with pytest.raises(ConfigurationError) as raised:
        placed([of("acl", {"allow": ["a"]}, 3), of("acl", {"allow": ["b"]}, 7)])
    (problem,) = raised.value.problems
    assert str(problem.origin) == "apis/a.yaml:7"
    assert "apis/a.yaml:3" in (problem.note or "")
