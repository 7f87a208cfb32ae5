"""APIs: owners, plans, public paths, the life of versions, levels; and the owners of data scopes."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.levels import check_levels
from control_plane.catalog.checks.references import index, twice, unknown
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents import ApiDocument
from control_plane.catalog.documents.apis import VersionEntry
from control_plane.catalog.located import Located
from control_plane.catalog.periods import check_period
from control_plane.problems import Problem

V = Located[VersionEntry]


def check(declared: Declared) -> Iterator[Problem]:
    tenants = {one.name for one in declared.tenants}
    plans = {one.value.plan for one in declared.plans}
    for api in declared.apis:
        yield from unknown(declared, "tenant", api.value.owner, tenants, api, "owner", folder="tenants")
        if api.value.plan:
            yield from unknown(declared, "API plan", api.value.plan, plans, api, "plan", folder="templates")
        yield from twice(((one.value.version, one) for one in _versions(api)), "version", "version")
        yield from check_levels(api)
        for version in _versions(api):
            yield from _life(declared, api, version)
    yield from _paths([(api, version) for api in declared.apis for version in _versions(api)])
    for scope in declared.scopes:
        yield from unknown(declared, "tenant", scope.value.owner, tenants, scope, "owner", folder="tenants")
        yield from check_period(scope, scope.value.start, scope.value.until, declared.zone)


def _versions(api: Located[ApiDocument]) -> Iterator[V]:
    for position, version in enumerate(api.value.versions):
        yield api.part(version, "versions", position)


def _life(declared: Declared, api: Located[ApiDocument], version: V) -> Iterator[Problem]:
    one = version.value
    if one.state == "deprecated" and one.sunset is None:
        note = "Who still uses it is told by the header Sunset (RFC 8594) until when it answers."
        yield version.problem("a deprecated version needs its last day", note=note, help="sunset: 2027-03-31")
    if one.state in ("draft", "published"):
        for field in ("deprecated", "sunset", "successor"):
            if getattr(one, field) is not None:
                message = f"'{field}' says nothing while the version is {one.state}"
                yield version.problem(message, field, help="state: deprecated")
                break
    if one.deprecated and one.sunset and one.sunset < one.deprecated:
        yield version.problem(f"the last day is before {one.deprecated}, since when it is deprecated", "sunset")
    if one.successor:
        yield from _successor(declared, api, version, one.successor)


def _successor(declared: Declared, api: Located[ApiDocument], version: V, name: str) -> Iterator[Problem]:
    states = index((one.value.version, one) for one in _versions(api))
    if name == version.value.version:
        yield version.problem(f"version '{name}' is named as its own successor", "successor")
    elif name not in states:
        yield from unknown(declared, "version", name, states, version, "successor", folder="apis")
    elif states[name].value.state != "published":
        note = f"'{name}' is {states[name].value.state} ({states[name].origin('state')})."
        yield version.problem(f"the successor '{name}' is not published", "successor", note=note)


def _paths(versions: list[tuple[Located[ApiDocument], V]]) -> Iterator[Problem]:
    """No two versions take the same public path, and none stands below another's."""
    by_path: dict[str, tuple[Located[ApiDocument], V]] = {}
    for api, version in versions:
        path = version.value.path
        if path in by_path:
            yield version.problem(f"the path {path} is taken twice", "path", note=_taken(by_path[path]))
        else:
            by_path[path] = (api, version)
    for path, (_, version) in by_path.items():
        segments = path.split("/")
        for length in range(2, len(segments)):
            above = "/".join(segments[:length])
            if above in by_path:
                message = f"the path {path} stands below {above}, which is another version's"
                yield version.problem(message, "path", note=_taken(by_path[above]))


def _taken(by: tuple[Located[ApiDocument], V]) -> str:
    api, version = by
    return f"It is that of {api.value.api} {version.value.version} ({version.origin('path')})."
