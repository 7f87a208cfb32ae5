"""APIs: owners, plans, public paths, the life of versions, levels; and the owners of data scopes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from control_plane.catalog.checks.levels import check_levels
from control_plane.catalog.checks.references import index, twice, unknown
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents import ApiDocument
from control_plane.catalog.documents.apis import VersionEntry
from control_plane.catalog.located import Located
from control_plane.catalog.patterns import meet, patterns
from control_plane.catalog.periods import check_period, period
from control_plane.problems import Origin, Problem

V = Located[VersionEntry]
BY_QUERY = ("GET", "HEAD", "DELETE")


def check(declared: Declared) -> Iterator[Problem]:
    tenants = {one.name for one in declared.tenants}
    plans = {one.value.plan for one in declared.plans}
    for api in declared.apis:
        yield from unknown(declared, "tenant", api.value.owner, tenants, api, "owner", folder="tenants")
        if api.value.plan:
            yield from unknown(declared, "API plan", api.value.plan, plans, api, "plan", folder="templates")
        yield from twice(((one.value.version, one) for one in _versions(api)), "version", "version")
        yield from check_levels(api)
        yield from _callers(api)
        for version in _versions(api):
            yield from _life(declared, api, version)
        yield from _default(declared, api)
        yield from _versions_in_levels(api)
        yield from _query(api)
    yield from _paths([place for api in declared.apis for place in _places(api)])
    for scope in declared.scopes:
        yield from unknown(declared, "tenant", scope.value.owner, tenants, scope, "owner", folder="tenants")
        yield from check_period(scope, scope.value.start, scope.value.until, declared.zone)


def _versions(api: Located[ApiDocument]) -> Iterator[V]:
    for position, version in enumerate(api.value.versions):
        yield api.part(version, "versions", position)


def _callers(api: Located[ApiDocument]) -> Iterator[Problem]:
    """Users show a token; a key is a service's own."""
    name, callers, auth = api.value.api, api.value.callers, api.value.auth
    if "user" in callers and "token" not in auth:
        note = f"'auth' is {', '.join(auth) or 'none'} ({api.origin('auth')})."
        message = f"users call with a token, and API '{name}' takes none"
        help = f"auth: [{', '.join((*auth, 'token'))}]"
        yield api.problem(message, "callers", callers.index("user"), note=note, help=help)
    elif callers == ["user"] and "api-key" in auth:
        note = f"'callers' is [user] ({api.origin('callers')}), and a key is a service's own."
        message = f"nobody can call API '{name}' with a key"
        yield api.problem(message, "auth", auth.index("api-key"), note=note, help="auth: [token]")


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
    if one.start and one.state in ("draft", "retired"):
        message = f"'from' says nothing while the version is {one.state}"
        yield version.problem(message, "from", help="state: published")
    elif one.start and period(one.start, one.sunset, declared.zone).empty:
        yield version.problem("the last day is before it begins to answer", "sunset", note=f"It begins on {one.start}.")
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


@dataclass(frozen=True)
class _Place:
    """A public path: a version's, or the one for callers who name no version."""

    api: Located[ApiDocument]
    path: str
    where: Origin
    told: str
    default: bool = False


def _places(api: Located[ApiDocument]) -> Iterator[_Place]:
    name = api.value.api
    for version in _versions(api):
        yield _Place(api, version.value.path, version.origin("path"), f"{name} {version.value.version}")
    if api.value.default:
        yield _Place(api, api.value.default.path, api.origin("default", "path"), f"the default of {name}", default=True)


def _paths(places: list[_Place]) -> Iterator[Problem]:
    """No two share a public path, and none stands below another's, but versions below their own API's default."""
    by_path: dict[str, _Place] = {}
    for place in places:
        other = by_path.setdefault(place.path, place)
        if other is not place:
            yield place.api.source.problem(f"the path {place.path} is taken twice", place.where, _taken(other))
    for path, place in by_path.items():
        segments = path.split("/")
        for length in range(2, len(segments)):
            other = by_path.get("/".join(segments[:length]), place)
            if other is not place and not (other.default and other.api is place.api):
                whose = "another API's default" if other.default else "another version's"
                message = f"the path {path} stands below {other.path}, which is {whose}"
                yield place.api.source.problem(message, place.where, _taken(other))


def _taken(by: _Place) -> str:
    return f"It is that of {by.told} ({by.where})."


def _versions_in_levels(api: Located[ApiDocument]) -> Iterator[Problem]:
    """Below the default's path a version's own name must not pass for the first segments of a level's path."""
    default = api.value.default
    if default is None:
        return
    below = [one for one in _versions(api) if one.value.path.startswith(default.path + "/")]
    for name, level in api.value.levels.items():
        for position, path in enumerate(level.paths):
            for version in below:
                rest = version.value.path.removeprefix(default.path)
                if meet(patterns([path])[0], patterns([rest])[0]):
                    note = (
                        f"Below {default.path} it would take calls of {version.value.path} ({version.origin('path')})."
                    )
                    help = "name the first segment, or let the default have a path of its own"
                    where = ("levels", name, "paths", position)
                    yield api.problem(f"the path {path} takes in a version of the API", *where, note=note, help=help)
                    break


def _query(api: Located[ApiDocument]) -> Iterator[Problem]:
    """Data are found by a field of the query, and only where there is no body that might have the field too."""
    by_query = api.value.scoping == "query"
    if by_query and api.value.query_field is None:
        note = "The gateway must know which field of the query says which data."
        yield api.problem("'scoping: query' needs its field", "scoping", note=note, help="query_field: dataset")
    if api.value.query_field is not None and not by_query:
        note = f"'scoping' is {api.value.scoping} ({api.origin('scoping')})."
        yield api.problem("'query_field' is for 'scoping: query'", "query_field", note=note)
    for name, level in api.value.levels.items() if by_query else ():
        for position, method in enumerate(level.methods):
            if method not in BY_QUERY:
                note = "The data are chosen in the query; what a body says the gateway does not see."
                help = f"with 'scoping: query' a level has {', '.join(BY_QUERY)}"
                where = ("levels", name, "methods", position)
                yield api.problem(f"{method} cannot be scoped by query", *where, note=note, help=help)


def _default(declared: Declared, api: Located[ApiDocument]) -> Iterator[Problem]:
    """Who names no version must get one that answers."""
    if api.value.default is None:
        return
    name = api.value.default.version
    states = index((one.value.version, one) for one in _versions(api))
    if name not in states:
        what = f"version of {api.value.api}"
        yield from unknown(declared, what, name, states, api, "default", "version", folder="apis")
    elif states[name].value.state not in ("published", "deprecated"):
        note = f"It is {states[name].value.state} ({states[name].origin('state')})."
        yield api.problem(f"the default version '{name}' is not at the gateway", "default", "version", note=note)
