"""From Kong's services and routes to APIs and grants. What is opened is what was open, never more.

An API is taken over only when everything that keeps callers out of it can be said; else it is told with the reason,
and stays as it is in Kong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from control_plane.adopt.callers import callers_of
from control_plane.adopt.existing import Existing, Row, name_of
from control_plane.adopt.plugins import HARMLESS, guard_of, is_on, plugin, setting
from control_plane.adopt.translation import Note, Translation, slug
from control_plane.catalog.documents.apis import Method

OPEN_METHODS = list(Method.__args__)  # type: ignore[attr-defined]  # a Literal's words
READING = {"GET", "HEAD", "OPTIONS"}
WINDOWS = ("second", "minute", "hour", "day", "month")
SAID = {"key-auth", "jwt", "acl", "rate-limiting", "ip-restriction", "request-size-limiting", "post-function"}
LEFT = HARMLESS | {"request-termination"}
_OURS = re.compile(r"(?P<api>[a-z][a-z0-9-]*)\.(?P<version>v[0-9][0-9.]*)")
_PATH = re.compile(r"~(?P<path>(?:/[A-Za-z0-9_-]+|\\\.)+)\(/\|\$\)")


class CannotSay(Exception):  # no error of ours: a reason
    """Why one service of Kong is not taken over."""


def translate(existing: Existing, owner: str) -> Translation:
    found = Translation()
    callers = callers_of(existing, found)
    for service in sorted(existing["services"], key=name_of):
        try:
            _api(existing, found, service, callers, owner)
        except CannotSay as reason:
            todo = "leave it in Kong as it is, or change it there and import again"
            found.notes.append(Note(f"service {name_of(service)}", str(reason), todo))
    for row in existing["routes"]:
        if not row.get("service"):
            found.notes.append(Note(f"route {name_of(row)}", "it leads to no service", "remove it, or leave it"))
    for name in existing.unknown:
        found.notes.append(Note(name, "entities of this sort are not read", "look at them yourself; they stay in Kong"))
    return found


def _api(existing: Existing, found: Translation, service: Row, callers: Mapping[str, str], owner: str) -> None:
    name = name_of(service)
    routes = sorted((row for row in existing["routes"] if row["service"] == name), key=name_of)
    routes = [row for row in routes if not name_of(row).endswith(".cors_preflight")]
    if not routes:
        raise CannotSay("no route leads to it")
    if service.get("enabled") is False:
        raise CannotSay("it is switched off")
    match = _OURS.fullmatch(name)
    api, version = (match["api"], match["version"]) if match else (slug(name), "v1")
    paths = {_public(row) for row in routes}
    if len(paths) > 1:
        raise CannotSay(f"its routes have several paths ({', '.join(sorted(paths))}), and a version has one")
    [path] = paths
    auths = {_auth(existing, row) for row in routes}
    if len(auths) > 1:
        raise CannotSay("its routes ask for different credentials")
    [auth] = auths
    upstream, below = _upstream(existing, found, service, api, owner)
    if any(row.get("strip_path") is False for row in routes):
        below = below.rstrip("/") + path
    levels = {_level(row, name): row for row in routes}
    if len(levels) < len(routes):
        raise CannotSay("two of its routes would be one level")
    methods = {level: row.get("methods") or OPEN_METHODS for level, row in levels.items()}
    if len({one for some in methods.values() for one in some}) < sum(map(len, methods.values())):
        raise CannotSay("one method is in two routes, and a level is told by its method")
    guard = guard_of(existing, name)
    scoping = setting(guard, "scoping") or "none"
    if not auth and scoping != "none":
        raise CannotSay("it is open to all for some data: which data are open you must say yourself")
    _keys_elsewhere(existing, found, name)
    document: dict[str, Any] = {
        "api": api,
        "title": name,
        "owner": owner,
        "upstream": upstream,
        "auth": list(auth) if auth else "none",
        "scoping": scoping,
        "versions": [{"version": version, "path": path, "state": "published", "upstream_path": below or "/"}],
        "levels": {},
        **_service_limits(existing, found, name),
    }
    for level, row in levels.items():
        limit = _limit(existing, found, row, auth)
        document["levels"][level] = {"methods": sorted(set(methods[level]) & set(OPEN_METHODS)), **limit}
    if api in found.apis:
        raise CannotSay(f"a second version beside {found.apis[api]['versions'][0]['version']}: add it by hand")
    found.apis[api] = document
    if auth:
        _grants(existing, found, document, levels, callers, guard)
    for left in sorted({row["name"] for row in existing["plugins"] if row["service"] == name and is_on(row)} & LEFT):
        if not match:
            todo = "say it in the API's plan, or leave it out"
            found.notes.append(Note(f"plugin {left} of {name}", "it is not taken over", todo))


def _keys_elsewhere(existing: Existing, found: Translation, service: str) -> None:
    config = plugin(existing, "key-auth", service=service) or {}
    others = sorted({*config.get("key_names", ["apikey"])} - {"apikey"})
    if others:
        why = f"its callers may send their keys as {', '.join(others)}; the YAML knows the header apikey alone"
        found.notes.append(Note(f"key-auth of {service}", why, "have them send the header apikey before the switch"))


def _public(route: Row) -> str:
    paths = route.get("paths") or []
    for name in ("hosts", "headers", "snis", "sources", "destinations"):
        if route.get(name):
            raise CannotSay(f"its route {name_of(route)} looks at {name}, and the YAML tells calls apart by path")
    if len(paths) != 1:
        raise CannotSay(f"its route {name_of(route)} has {len(paths)} paths, and a version has one")
    match = _PATH.fullmatch(paths[0])
    path = match["path"].replace("\\", "") if match else paths[0].rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", path):
        raise CannotSay(f"its route {name_of(route)} has the path {paths[0]}, which is no plain prefix")
    return path


def _auth(existing: Existing, route: Row) -> tuple[str, ...]:
    for row in existing["plugins"]:
        concerned = not row["consumer"] and row["route"] in (None, name_of(route))
        concerned = concerned and row["service"] in (None, route["service"])
        if concerned and is_on(row) and row["name"] not in SAID | LEFT:
            raise CannotSay(f"the plugin {row['name']} stands before it, and import has no YAML for that")
    place = {"route": name_of(route), "service": route["service"]}
    if plugin(existing, "request-termination", **place) is not None:
        raise CannotSay("request-termination answers in its place")
    if any(plugin(existing, name, **place) for name in ("post-function",)) and not guard_of(existing, route["service"]):
        raise CannotSay("a post-function runs before it, and import has no YAML for that")
    key, token = (plugin(existing, name, **place) for name in ("key-auth", "jwt"))
    acl = plugin(existing, "acl", **place)
    if token is not None and token.get("key_claim_name") != "azp":
        raise CannotSay("its tokens are not told apart by `azp`, as those of a realm are")
    some = [one for one in (key, token) if one is not None]
    passing = [one for one in some if one.get("anonymous")]
    if passing and (len(passing) != len(some) or len(some) < 2 or not (acl or {}).get("allow")):
        raise CannotSay("calls without credentials pass as its anonymous consumer")
    if len(some) == 2 and not passing:
        raise CannotSay("it asks for a key and a token together, and the YAML for either")
    if acl is not None and not some:
        raise CannotSay("acl stands before it and nobody is asked who he is: no call gets through")
    return (*(["api-key"] if key is not None else []), *(["token"] if token is not None else []))


def _upstream(existing: Existing, found: Translation, service: Row, api: str, owner: str) -> tuple[str, str]:
    """The upstream's name, and the path that takes the place of the public one."""
    protocol, host = service.get("protocol") or "http", str(service.get("host"))
    port, path = service.get("port") or (443 if protocol == "https" else 80), service.get("path") or "/"
    if service.get("url"):
        raise CannotSay("it is given as a url: let decK write protocol, host, port and path")
    if protocol not in ("http", "https"):
        raise CannotSay(f"it speaks {protocol}")
    if any(row.get("name") == host for row in existing["upstreams"]):
        raise CannotSay(f"it leads to the upstream {host}: write its targets into renkei.yaml, and the API by hand")
    name = slug(api)
    found.upstreams[name] = f"{protocol}://{host}:{port}"
    return name, path


def _level(route: Row, service: str) -> str:
    own = name_of(route).removeprefix(f"{service}.")
    if own != name_of(route) and re.fullmatch(r"[a-z][a-z0-9-]*", own):
        return own
    methods = set(route.get("methods") or OPEN_METHODS)
    return "read" if methods <= READING else "update" if not methods & {"GET", "HEAD"} else "all"


def _service_limits(existing: Existing, found: Translation, service: str) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    addresses = plugin(existing, "ip-restriction", service=service)
    if addresses is not None:
        if addresses.get("deny") or not addresses.get("allow"):
            raise CannotSay("addresses are denied, and the YAML names those that may call")
        limits["allowed_ips"] = sorted(addresses["allow"])
    size = plugin(existing, "request-size-limiting", service=service)
    if size is not None:
        if size.get("size_unit", "megabytes") != "megabytes":
            raise CannotSay("its size limit is not in megabytes")
        limits["max_body_mb"] = size.get("allowed_payload_size", 128)
    return limits


def _limit(existing: Existing, found: Translation, route: Row, auth: Sequence[str]) -> dict[str, Any]:
    place = {"route": name_of(route), "service": route["service"]}
    for name in ("ip-restriction", "request-size-limiting"):
        if plugin(existing, name, route=name_of(route)) is not None:
            raise CannotSay(f"{name} stands on its route {name_of(route)}, and the YAML has it for the whole API")
    limit = plugin(existing, "rate-limiting", **place)
    if limit is None:
        return {}
    if limit.get("limit_by", "consumer") not in (("consumer", "credential") if auth else ("ip", "consumer")):
        raise CannotSay(f"its limit counts by {limit['limit_by']}")
    if plugin(existing, "rate-limiting", route=name_of(route)) is None:
        why = "its limit counts all routes together; in the YAML each level counts for itself"
        found.notes.append(
            Note(f"rate-limiting of {route['service']}", why, "lower the levels' limits if that matters")
        )
    return {"limit": {window: limit[window] for window in WINDOWS if limit.get(window)}}


def _grants(
    existing: Existing,
    found: Translation,
    api: dict[str, Any],
    levels: Mapping[str, Row],
    callers: Mapping[str, str],
    guard: Mapping[str, Any] | None,
) -> None:
    for realm in (guard or {}).get("realms", ()):
        tenant, _, shared = realm.partition(" ")
        found.shared[tenant] = shared
    for line in (guard or {}).get("scopes", ()):
        name, service, *paths = line.split(" ")
        said = {"fiware": {"service": service, "paths": paths}} if api["scoping"] == "fiware-headers" else {}
        found.scopes.setdefault(name, {"scope": name, "title": name, "owner": api["owner"], "disclosure": "open"})
        found.scopes[name] |= said or {"paths": paths}
    for consumer, caller in callers.items():
        tenant, _, service = caller.partition(".")
        entry = found.tenants[tenant][service]
        if not set(entry["auth"]) & set(api["auth"]):
            continue
        may = [level for level, row in levels.items() if _admits(existing, row, consumer)]
        if guard is None:
            grants = [{"api": api["api"], "levels": may}] if may else []
        else:
            grants = _guarded(guard, consumer, api["api"], may)
        entry.setdefault("grants", []).extend(grants)
        for level, row in levels.items() if grants else ():
            own = plugin(existing, "rate-limiting", route=name_of(row), consumer=consumer)
            if own and level in may:
                said = {window: own[window] for window in WINDOWS if own.get(window)}
                entry.setdefault("limits", {}).setdefault(api["api"], {})[level] = said


def _guarded(guard: Mapping[str, Any], consumer: str, api: str, may: Sequence[str]) -> list[dict[str, Any]]:
    """Grants as a guard of ours holds them: levels with the same data and period together."""
    together: dict[tuple[str, str, str], list[str]] = {}
    for line in sorted(guard["grants"]):
        who, level, scopes, start, end = line.split(" ")
        if who == consumer and level in may:
            together.setdefault((scopes, start, end), []).append(level)
    return [
        {
            "api": api,
            "levels": [level for level in may if level in levels],
            **({} if scopes == "-" else {"scopes": scopes.split(",")}),
            **({} if start == "-" else {"from": start}),
            **({} if end == "-" else {"until": end}),
        }
        for (scopes, start, end), levels in together.items()
    ]


def _admits(existing: Existing, route: Row, consumer: str) -> bool:
    acl = plugin(existing, "acl", route=name_of(route), service=route["service"])
    if acl is None:
        return True
    groups = {row.get("group") for row in existing["acls"] if row["consumer"] == consumer}
    if acl.get("allow"):
        return bool(groups & set(acl["allow"]))
    return not groups & set(acl.get("deny") or ())
