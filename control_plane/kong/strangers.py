"""Objects without our mark, by what they do to ours: who gets in by them, and which calls they take.

Judged by what is there and not by the YAML, for that is what the gateway goes by. A sentence says how access is wider
than with our own objects alone; None: it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from control_plane.kong import naming
from control_plane.kong.client import Kong, Row, at, named

REFUSE = frozenset({"rate-limiting", "ip-restriction", "request-size-limiting", "acl", "bot-detection"})
HARMLESS = frozenset({"request-termination", "correlation-id", "prometheus", "response-transformer"})
LOGS = frozenset({"http-log", "file-log", "tcp-log", "udp-log", "syslog", "loggly", "datadog", "statsd", "zipkin"})
CODE = frozenset({"pre-function", "post-function"})
AUTHENTICATION = frozenset({"key-auth", "jwt", "basic-auth", "hmac-auth", "oauth2", "ldap-auth", "session"})
_OPERATORS = re.compile(r"[][.+*?(){}|^$]")


def credential(kong: Kong, consumer: str, by: str) -> str:
    """A key or a jwt credential on a consumer of ours."""
    if consumer == naming.anonymous_name(kong.platform):
        return f"{by} is taken for a call without credentials, and counts as one that has shown some"
    return f"{by} is {consumer} to the gateway, with all of its grants"


def groups(kong: Kong) -> frozenset[str]:
    """The acl groups that open something of ours."""
    return frozenset(
        str(group)
        for row in kong.rows("plugins")
        if row.get("name") == "acl" and kong.is_ours(row)
        for group in (row.get("config") or {}).get("allow") or ()
    )


def membership(kong: Kong, consumer: str, group: str, *, on_ours: bool, opening: frozenset[str]) -> str | None:
    """An acl row: a right on a consumer of ours, or a right on something of ours for a consumer of others."""
    if consumer == naming.anonymous_name(kong.platform):
        return f"every call without credentials is in the group {group}"
    if group in opening:
        return f"{consumer} may call what the group {group} opens, and no grant says so"
    return f"{consumer} is in the group {group}, and no grant says so" if on_ours else None


def plugin(row: Row, *, on_ours: bool) -> str | None:
    """A plugin on an object of ours, or one for every call and so for ours too."""
    name = str(row.get("name"))
    if row.get("enabled") is False or name in HARMLESS:
        return None
    if not on_ours and (any(row.get(place) for place in ("service", "route", "consumer")) or name in REFUSE):
        return None
    if name in LOGS:
        return f"{name} sends what is called, with keys and tokens, to a place that Git does not know"
    if name in CODE:
        return f"{name} runs code that Git does not know in the calls of ours"
    if name in AUTHENTICATION:
        return f"{name} decides who a caller is, and not as Git says"
    if name in REFUSE:
        return f"{name} takes the place of the rule that Git asks for: Kong runs the most specific one alone"
    return f"{name} changes calls of ours, or what becomes of them, and Git does not know it"


def places(kong: Kong) -> dict[tuple[str, int | None], str]:
    """Where our services lead, host and port, and the first of ours that leads there; upstreams by their targets."""
    found: dict[tuple[str, int | None], str] = {}
    for row in sorted((one for one in kong.rows("services") if kong.is_ours(one)), key=named):
        found.setdefault((str(row.get("host")).lower(), row.get("port")), named(row))
    for upstream in (one for one in kong.rows("upstreams") if kong.is_ours(one)):
        found.setdefault((named(upstream).lower(), None), f"upstream {named(upstream)}")
        for target in kong.targets(upstream):
            host, _, port = str(target.get("target")).rpartition(":")
            if port.isdigit():
                found.setdefault((host.lower(), int(port)), f"upstream {named(upstream)}")
    return found


def service(row: Row, ours: dict[tuple[str, int | None], str], routes: Sequence[Row]) -> str | None:
    """A service of others that leads where one of ours leads, and that can be reached."""
    host = str(row.get("host")).lower()
    there = ours.get((host, row.get("port"))) or ours.get((host, None))
    if there is None or row.get("enabled") is False or not routes:
        return None
    by = ", ".join(sorted(map(named, routes))[:3])
    return f"calls by {by} reach the same server as {there}, past its keys, grants and limits"


def route(row: Row, own: Iterable[Row], *, on_ours: str | None, alive: bool) -> str | None:
    """A route of others to a service of ours, or one that takes calls which belong to a route of ours."""
    if on_ours:
        return f"it leads to {on_ours} by a way that no level describes"
    taken = sorted(named(one) for one in own if alive and _takes(row, one))
    return f"it takes calls of {taken[0]}, with their keys, to a service of others" if taken else None


def _takes(row: Row, ours: Row) -> bool:
    methods, other = row.get("methods"), ours.get("methods")
    if methods and other and not set(methods) & set(other):
        return False
    meet = not row.get("paths") or any(
        one.startswith(two) or two.startswith(one)
        for one in map(_beginning, row["paths"])
        for two in map(_beginning, ours.get("paths") or ["/"])
    )
    return meet and _priority(row) >= _priority(ours)


def _beginning(path: str) -> str:
    """What every path begins with that the route takes: a regular expression up to its first operator."""
    if not path.startswith("~"):
        return path
    text = ""
    rest = path[1:]
    while rest:
        if rest[0] == "\\" and len(rest) > 1 and not rest[1].isalnum():
            text, rest = text + rest[1], rest[2:]
        elif rest[0] == "\\" or _OPERATORS.match(rest):
            return text[:-1] if rest[0] in "?*{" else text
        else:
            text, rest = text + rest[0], rest[1:]
    return text


def _priority(row: Row) -> tuple[Any, ...]:
    """Which of two routes Kong takes that both fit (contract: proxy-matching)."""
    hosts, paths, headers = (row.get(name) or () for name in ("hosts", "paths", "headers"))
    fields = sum(bool(row.get(name)) for name in ("methods", "hosts", "paths", "headers", "snis"))
    regex = any(path.startswith("~") for path in paths)
    return (
        fields >= 4,
        any("*" not in host for host in hosts),
        regex,
        fields,
        len(headers),
        row.get("regex_priority") or 0 if regex else 0,
        max(map(len, paths), default=0) if not regex else 0,
    )


def of_services(kong: Kong) -> dict[str, list[Row]]:
    """Routes by the id of the service that they lead to."""
    found: dict[str, list[Row]] = {}
    for row in kong.rows("routes"):
        if row.get("service"):
            found.setdefault(row["service"]["id"], []).append(row)
    return found


def removal(*parts: str) -> str:
    """The request at the Admin API that takes it away."""
    return "DELETE " + at(*parts)


def own(kong: Kong, collection: str) -> Iterator[Row]:
    return (row for row in kong.rows(collection) if kong.is_ours(row))
