"""Which route takes a request, by the rules of Kong's `traditional_compatible` router.

A route with several paths competes once per path. Of the candidates that match, the highest priority wins; the priority
is a number of 64 bits that Kong 3.9.3 composes as

    plain host <<60 | regex <<51 | int32(fields <<29), sign-extended
    | headers <<20 | regex_priority <<19 | prefix length

so that four fields (methods, hosts, headers, paths) beat all else, then a plain host beats a regex, and a regex beats a
prefix (scenario proxy-matching).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong.proxy.paths import normalise
from control_plane.sandbox.kong.proxy.wire import Headers, wire

Row = Mapping[str, Any]
_UINT64 = (1 << 64) - 1


@dataclass(frozen=True)
class Match:
    """The route that takes the request; `path` is the part of its path that matched, None without paths."""

    route: Row
    path: str | None
    captures: Mapping[str, str]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    priority: int
    route: Row
    methods: frozenset[str]
    hosts: tuple[Callable[[str, str], bool], ...]
    headers: tuple[tuple[str, Callable[[str], bool]], ...]
    prefix: str | None
    regex: re.Pattern[str] | None

    def match(self, method: str, host: str, path: str, headers: Headers) -> Match | None:
        if self.prefix is not None and not path.startswith(self.prefix):
            return None
        if self.methods and method not in self.methods:
            return None
        if self.hosts and not _some_host(self.hosts, host):
            return None
        if not all(any(map(fits, headers.all(name))) for name, fits in self.headers):
            return None
        if self.regex is None:
            return Match(self.route, self.prefix, {})
        found = self.regex.match(path)
        if found is None:
            return None
        groups = tuple(group or "" for group in found.groups())
        return Match(self.route, found[0], {name: text or "" for name, text in found.groupdict().items()}, groups)


class Router:
    """The routes of one moment, ordered by priority."""

    def __init__(self, routes: Iterable[Row]) -> None:
        candidates = [candidate for route in routes for candidate in _candidates(route)]
        candidates.sort(key=lambda candidate: (candidate.priority, candidate.route["id"]), reverse=True)
        self._candidates = tuple(candidates)

    def match(self, method: str, host: str, path: str, headers: Headers) -> Match | None:
        """The route for a request; `path` is normalised, `host` is the Host header as it came."""
        for candidate in self._candidates:
            found = candidate.match(method, host, path, headers)
            if found is not None:
                return found
        return None


def _candidates(route: Row) -> Iterable[_Candidate]:
    hosts, methods = route.get("hosts") or [], frozenset(route.get("methods") or ())
    headers = route.get("headers") or {}
    fields = bool(hosts) + bool(methods) + bool(headers) + bool(route.get("paths"))
    priority = route.get("regex_priority") or 0
    for path in route.get("paths") or [None]:
        regex = path is not None and path.startswith("~")
        prefix = None if path is None or regex else normalise(wire(path))
        length = len(prefix or "")  # of a regex it says nothing
        yield _Candidate(
            priority=_priority(hosts, fields, len(headers), length, priority if regex else None),
            route=route,
            methods=methods,
            hosts=tuple(map(_host_test, hosts)),
            headers=tuple((name.lower(), _value_test(values)) for name, values in headers.items()),
            prefix=prefix,
            regex=_compiled(wire(path[1:])) if regex else None,
        )


def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that Python does not know matches nothing; Kong's own engine (Rust's regex) knows a few more."""
    try:
        return re.compile(python_regex(pattern))
    except re.error:
        return re.compile(r"(?!)")


def _priority(hosts: list[str], fields: int, headers: int, length: int, regex_priority: int | None) -> int:
    shifted = (fields << 29) & 0xFFFFFFFF
    number = shifted - (1 << 32) if shifted & 0x80000000 else shifted
    if hosts and not any("*" in host for host in hosts):
        number |= 1 << 60
    if regex_priority is not None:
        number |= 1 << 51 | regex_priority << 19
    return (number | min(headers, 255) << 20 | length & 0x7FFFF) & _UINT64


def _host_test(host: str) -> Callable[[str, str], bool]:
    name, _, port = host.partition(":")
    if name.startswith("*"):
        fits: Callable[[str], bool] = lambda given: given.endswith(name[1:])  # noqa: E731  (two of three branches need it)
    elif name.endswith("*"):
        fits = lambda given: given.startswith(name[:-1])  # noqa: E731
    else:
        fits = lambda given: given == name  # noqa: E731
    return lambda given, given_port: fits(given) and (not port or port == given_port)


def _some_host(tests: Iterable[Callable[[str, str], bool]], host: str) -> bool:
    name, _, port = host.partition(":")
    return any(test(name, port) for test in tests)


def _value_test(values: list[str]) -> Callable[[str], bool]:
    """Values of a header compare without case; one alone that begins with ~* is a regex."""
    if len(values) == 1 and values[0].startswith("~*"):
        pattern = _compiled(wire(values[0][2:]).lower())
        return lambda given: pattern.search(given.lower()) is not None
    allowed = frozenset(wire(value).lower() for value in values)
    return lambda given: given.lower() in allowed


def python_regex(pattern: str) -> str:
    """Named groups as Python writes them; the rest of the syntax is the same for what routes use."""
    return re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern)
