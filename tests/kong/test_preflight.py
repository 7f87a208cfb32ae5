"""What a node must have is asked before the first write."""

from __future__ import annotations

import pytest
import responses

from control_plane.catalog.model import KongSettings
from control_plane.kong import Kong, target
from control_plane.problems import ServerError
from tests.building import TOKEN, a_platform, with_api
from tests.kong.world import seal

ADMIN = "http://kong.test:8001"
PLUGINS = ["acl", "correlation-id", "jwt", "key-auth", "post-function", "request-size-limiting"]


def problems(catalog, node) -> list[str]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as admin:
        admin.get(f"{ADMIN}/", json=node)
        admin.get(f"{ADMIN}/routes", json={"data": [], "next": None})
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
    ("setting", "said"),
    [({"untrusted_lua": "off"}, "runs no Lua"), ({"database": "off"}, "has no database")],
)
def test_a_node_that_cannot_do_it_at_all_says_so(setting, said):
    (problem,) = problems(a_platform(with_api()), a_node(**setting))
    assert said in problem


def test_something_that_is_not_kong_is_an_error():
    with pytest.raises(ServerError, match="should not"):
        problems(a_platform(), {"hello": "world"})
