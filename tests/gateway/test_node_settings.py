"""Node settings that the configuration relies on are read from the node, and a missing one is named before the first
write: Lua sandbox, plugins, database, trusted addresses, the real-IP header, what Redis needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from control_plane.app.apply import apply
from control_plane.app.run import Ask, Run
from control_plane.catalog.model import Asked, Behind, Catalog, KongSettings, Redis
from control_plane.engine.plan import make_plan
from control_plane.engine.read import have, want
from control_plane.engine.resource import Key
from control_plane.engine.target import Target
from control_plane.kong import KINDS, target
from control_plane.problems import Refused
from control_plane.render.document import About
from tests.building import KEY, TOKEN, a_platform, here, in_environment, with_api, with_service
from tests.kong.world import World

pytestmark = pytest.mark.servers
KONG = KongSettings("http://kong.test:8001")
PROXY = Behind(("127.0.0.1",), "X-Real-IP", origin=here("renkei.yaml", 6))
SETTINGS: dict[str, Any] = {"untrusted_lua_sandbox_requires": ["cjson.safe"], "trusted_ips": ["127.0.0.1"]}


def platform(**kong: Any) -> Catalog:
    return a_platform(
        in_environment(kong=replace(KONG, behind=PROXY, **kong), metrics=Asked()),
        with_api(auth=(KEY, TOKEN), limits={"read": {"minute": 9}}),
        with_service("portal", reading="ngsi-v2", allowed_ips=("127.0.0.1",)),
    )


def a_node(world: World, said: dict[str, Any]) -> Callable[[], Any]:
    """What the node says, with some of it other than it is."""
    node = world.client().node()
    configuration = {**node["configuration"], **SETTINGS, **said.get("configuration", {})}
    there = {name: one for name, one in node["plugins"]["available_on_server"].items() if name != said.get("without")}
    plugins = {**node["plugins"], "available_on_server": there}
    version = said.get("version", node["version"])
    return lambda: {**node, "version": version, "configuration": configuration, "plugins": plugins}


def a_run(world: World, catalog: Catalog, said: dict[str, Any]) -> Run:
    """As `renkei apply` makes it, of the gateway alone."""
    catalog, client = world.here(catalog), world.client()
    client.node = a_node(world, said)  # type: ignore[method-assign]
    one: Target = target(client, 4, catalog)
    plan = make_plan(KINDS, want([one], catalog, world.vault.version), have([one]))
    about = About("tochigi", "test", datetime.now(UTC), None, (), None)
    systems: Any = SimpleNamespace(targets=(one,), book=SimpleNamespace(ensure=lambda refs: None))
    nobody: frozenset[Key] = frozenset()
    left: dict[str, Any] = {"deletable": nobody, "dormant": nobody}
    return Run(Ask(Path()), catalog, systems, want={}, have={}, there={}, plan=plan, about=about, **left)


MISSING: dict[str, tuple[dict[str, Any], str, str]] = {
    "lua is off": ({"untrusted_lua": "off"}, "runs no Lua", "KONG_UNTRUSTED_LUA=sandbox"),
    "the sandbox has no module": (
        {"untrusted_lua_sandbox_requires": {}},
        "does not let the guard use cjson.safe",
        "KONG_UNTRUSTED_LUA_SANDBOX_REQUIRES=cjson.safe",
    ),
    "there is no database": ({"database": "off"}, "has no database", "PostgreSQL"),
    "the proxy is not trusted": (
        {"trusted_ips": {}},
        "does not take the word of 127.0.0.1",
        "KONG_TRUSTED_IPS=127.0.0.1",
    ),
    "everybody is trusted": (
        {"trusted_ips": ["127.0.0.1", "0.0.0.0/0"]},
        "takes everybody's word",
        "KONG_TRUSTED_IPS=127.0.0.1",
    ),
    "others are trusted too": (
        {"trusted_ips": ["127.0.0.1", "10.0.0.0/8"]},
        "takes the word of 10.0.0.0/8 too",
        "KONG_TRUSTED_IPS=127.0.0.1",
    ),
    "another header is read": (
        {"real_ip_header": "X-Forwarded-For"},
        "from X-Forwarded-For and not from X-Real-IP",
        "KONG_REAL_IP_HEADER=X-Real-IP",
    ),
    "it looks behind the last proxy": (
        {"real_ip_recursive": "on"},
        "looks behind the last proxy",
        "KONG_REAL_IP_RECURSIVE=off",
    ),
}


@pytest.mark.parametrize("case", MISSING)
def test_a_missing_setting_is_named_before_the_first_write(world, case):
    configuration, message, help = MISSING[case]
    run = a_run(world, platform(), {"configuration": configuration})
    with pytest.raises(Refused) as refused:
        apply(run, lambda event: None)
    (problem,) = refused.value.problems
    assert message in problem.message
    assert help in (problem.help or "")
    assert [world.by_hand("GET", f"/{name}")["data"] for name in ("services", "consumers", "plugins")] == [[], [], []]


@pytest.mark.parametrize(
    "plugin", ["post-function", "key-auth", "jwt", "acl", "ip-restriction", "rate-limiting", "prometheus"]
)
def test_a_missing_plugin_is_named_before_the_first_write(world, plugin):
    run = a_run(world, platform(), {"without": plugin})
    with pytest.raises(Refused) as refused:
        apply(run, lambda event: None)
    assert [one.message for one in refused.value.problems] == [f"this Kong lacks the plugin {plugin}"]
    assert world.by_hand("GET", "/services")["data"] == []


def test_a_kong_that_does_not_know_redis_is_named_where_it_is_used(world):
    redis = Redis("redis.test", origin=here("renkei.yaml", 7))
    with pytest.raises(Refused, match=r"this Kong \(3\.4\.2\) does not take Redis"):
        apply(a_run(world, platform(redis=redis), {"version": "3.4.2"}), lambda event: None)
    assert apply_problems(world, platform(redis=redis), "3.9.3") == []
    assert apply_problems(world, platform(), "3.4.2") == []


def apply_problems(world: World, catalog: Catalog, version: str) -> list[str]:
    (one,) = a_run(world, catalog, {"version": version}).systems.targets
    return [problem.message for problem in one.preflight()]


def test_all_that_is_missing_is_named_at_once(world):
    configuration = {"untrusted_lua": "off", "database": "off", "trusted_ips": {}}
    with pytest.raises(Refused) as refused:
        apply(a_run(world, platform(), {"configuration": configuration, "without": "acl"}), lambda event: None)
    assert len(refused.value.problems) == 4


def test_of_a_node_that_has_everything_nothing_is_named(world):
    assert apply_problems(world, platform(), "3.9.3") == []
