"""What the node lacks, named before the first write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from control_plane.catalog.model import Catalog
from control_plane.engine.target import Check
from control_plane.kong import certificates, policies, proxies
from control_plane.kong.client import Kong
from control_plane.kong.plugins import PLACES
from control_plane.kong.policies.chunk import SANDBOX_MODULE
from control_plane.kong.policies.guard import takes_tokens
from control_plane.problems import Problem

QUIET = ("x-kong-request-id", "off")
VERSIONS = "3."  # whose Admin API this was recorded on (3.9)


def checks(kong: Kong, catalog: Catalog | None = None) -> Sequence[Check]:
    """The node's version, what it calls itself, what it tells every caller, and how long certificates last."""
    node = kong.node()
    version = str(node["version"])
    told = f"{version}, {node.get('tagline') or 'no tagline'}"
    return [
        Check("Kong version", version.startswith(VERSIONS), told, f"renkei is made for Kong {VERSIONS}x"),
        _talkative(node),
        *(certificates.lasting(catalog) if catalog else ()),
    ]


def _talkative(node: Mapping[str, Any]) -> Check:
    """What it is, and how long it took, is nobody's business: Server, Via, X-Kong-Proxy-Latency and their like."""
    configuration = node.get("configuration")
    told = _words(configuration.get("headers")) if isinstance(configuration, dict) else []
    loud = sorted(word for word in told if word.lower() not in QUIET)
    said = f"answers tell {', '.join(loud)}" if loud else "answers do not tell what the gateway is"
    return Check("Kong headers", not loud, said, "set KONG_HEADERS=X-Kong-Request-Id on every node")


def preflight(kong: Kong, catalog: Catalog | None) -> Sequence[Problem]:
    """The problems that stand against writing this catalog to this node."""
    node = kong.node()
    configuration = node.get("configuration")
    settings = configuration if isinstance(configuration, dict) else {}
    return [
        *_settings(settings, catalog),
        *(proxies.problems(settings, catalog) if catalog else ()),
        *_redis(str(node["version"]), catalog),
        *_plugins(node, catalog),
        *_everywhere(kong, catalog),
        *(certificates.unfit(kong, catalog) if catalog else ()),
    ]


def _settings(settings: Mapping[str, Any], catalog: Catalog | None) -> Iterator[Problem]:
    lua = settings.get("untrusted_lua", "sandbox")
    if lua == "off":
        yield Problem(
            "this Kong runs no Lua of its configuration (untrusted_lua is off), which the guard is",
            help="set KONG_UNTRUSTED_LUA=sandbox on every node",
        )
    if settings.get("database") == "off":
        yield Problem(
            "this Kong has no database, so that its Admin API takes no changes",
            help="use the Admin API of a node with PostgreSQL",
        )
    needs_json = catalog is None or takes_tokens(catalog)
    if lua == "sandbox" and needs_json and SANDBOX_MODULE not in _words(settings.get("untrusted_lua_sandbox_requires")):
        yield Problem(
            f"this Kong does not let the guard use {SANDBOX_MODULE}",
            note="an API takes tokens, and without the module each call of it would end with 500",
            help=f"set KONG_UNTRUSTED_LUA_SANDBOX_REQUIRES={SANDBOX_MODULE} on every node",
        )


def _redis(version: str, catalog: Catalog | None) -> Iterator[Problem]:
    """Before 3.6 rate-limiting has no section `redis`, and a limit would be refused in the middle of an apply."""
    settings = catalog.environment.kong if catalog else None
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    if settings and settings.redis and numbers < [3, 6]:
        yield Problem(
            f"this Kong ({version}) does not take Redis as the configuration writes it",
            settings.redis.origin,
            help="Kong 3.6 or newer, or one node and no `redis`",
        )


def _plugins(node: Mapping[str, Any], catalog: Catalog | None) -> Iterator[Problem]:
    plugins = node.get("plugins")
    there = plugins.get("available_on_server") if isinstance(plugins, dict) else None
    if catalog is None or not isinstance(there, dict):
        return
    for name in sorted(policies.names(catalog) - set(there)):
        yield Problem(f"this Kong lacks the plugin {name}", help=f"add it to KONG_PLUGINS: bundled or {name}")


def _everywhere(kong: Kong, catalog: Catalog | None) -> Iterator[Problem]:
    """Of a plugin for every call Kong takes one: where somebody else has put it, ours would be refused."""
    wanted = {plugin.name: plugin for plugin in policies.everywhere(catalog)} if catalog else {}
    for row in kong.rows("plugins") if wanted and not kong.adopting else ():
        if row.get("name") in wanted and not kong.is_ours(row) and not any(row.get(place) for place in PLACES):
            yield Problem(
                f"this Kong has a plugin {row['name']} for every call already, and it is not ours",
                wanted[row["name"]].origin,
                note=f"its id is {row['id']}",
                help="delete it, or take this line away",
            )


def _words(setting: object) -> list[str]:
    """A setting that Kong shows as a list, as an empty object when it is unset, or as text."""
    if isinstance(setting, str):
        return [word.strip() for word in setting.split(",")]
    return [str(word) for word in setting] if isinstance(setting, list) else []
