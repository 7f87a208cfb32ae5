"""What a node must have is asked before the first write."""

from __future__ import annotations

import pytest
import responses

from control_plane.catalog.model import AccessLog, Asked, Cors, KongSettings
from control_plane.kong import Kong, target
from control_plane.kong.client import COLLECTIONS
from control_plane.problems import Origin, ServerError
from tests.building import TOKEN, a_platform, in_environment, with_api
from tests.kong.world import seal

ADMIN = "http://kong.test:8001"
PLUGINS = ["acl", "correlation-id", "jwt", "key-auth", "post-function", "request-size-limiting"]


def problems(catalog, node, plugins=()) -> list[str]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as admin:
        admin.get(f"{ADMIN}/", json=node)
        for name in COLLECTIONS:
            rows = list(plugins) if name == "plugins" else []
            admin.get(f"{ADMIN}/{name}", json={"data": rows, "next": None})
        kong = Kong(KongSettings(ADMIN), None, "tochigi", seal, str, 1)
        return [problem.message for problem in target(kong, 1, catalog).preflight()]


def a_node(requires=(), plugins=PLUGINS, **configuration):
    listed = list(requires) or {}  # an empty list is an object in Lua's JSON
    return {
        "version": "3.9.3",
        "configuration": {"untrusted_lua": "sandbox", "untrusted_lua_sandbox_requires": listed, **configuration},
        "plugins": {"available_on_server": {name: {} for name in plugins}},
    }


def test_a_node_with_everything_has_no_problems():
    assert problems(a_platform(with_api(auth=(TOKEN,))), a_node(requires=["cjson.safe"])) == []


def test_a_node_that_does_not_offer_json_is_named_where_an_api_takes_tokens_and_only_there():
    assert problems(a_platform(with_api(auth=(TOKEN,))), a_node()) == [
        "this Kong does not let the guard use cjson.safe"
    ]
    assert problems(a_platform(with_api()), a_node()) == []


def test_a_missing_plugin_is_named():
    node = a_node(plugins=[name for name in PLUGINS if name != "post-function"])
    assert problems(a_platform(with_api()), node) == ["this Kong lacks the plugin post-function"]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (in_environment(access_log=AccessLog(http="https://logs.example.jp")), "http-log"),
        (in_environment(access_log=AccessLog(file="/var/log/access.json")), "file-log"),
        (in_environment(metrics=Asked()), "prometheus"),
        (with_api(cors=Cors(("*",))), "cors"),
        (with_api(bot_detection=Asked()), "bot-detection"),
        (with_api(security_headers=Asked()), "response-transformer"),
    ],
    ids=["http-log", "file-log", "prometheus", "cors", "bot-detection", "response-transformer"],
)
def test_a_plugin_that_the_yaml_asks_for_and_the_node_lacks_is_named(asked, name):
    assert f"this Kong lacks the plugin {name}" in problems(a_platform(asked), a_node())


@pytest.mark.parametrize(("place", "said"), [({}, 1), ({"service": {"id": "s"}}, 0)], ids=["everywhere", "a service"])
def test_somebody_elses_plugin_for_every_call_is_named_and_not_overwritten(place, said):
    log = AccessLog(http="https://logs.example.jp", origin=Origin("renkei.yaml", 7))
    foreign = {"id": "f", "name": "http-log", "tags": None, "config": {}, **place}
    found = problems(a_platform(in_environment(access_log=log)), a_node(plugins=[*PLUGINS, "http-log"]), [foreign])
    assert found == ["this Kong has a plugin http-log for every call already, and it is not ours"] * said


@pytest.mark.parametrize(
    ("setting", "said"),
    [({"untrusted_lua": "off"}, "runs no Lua"), ({"database": "off"}, "has no database")],
)
def test_a_node_that_cannot_do_it_at_all_says_so(setting, said):
    (problem,) = problems(a_platform(with_api()), a_node(**setting))
    assert said in problem


def test_something_that_is_not_kong_is_an_error():
    with pytest.raises(ServerError, match="should not"):
        problems(a_platform(), {"hello": "world"})
