"""Which data are open at a moment, and which of them a request asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote

from control_plane.access import paths
from control_plane.access.requests import Request
from control_plane.catalog.model import (
    Api,
    Catalog,
    DataScope,
    Disclosure,
    Grant,
    Level,
    Role,
    Scoping,
    Service,
    Version,
)

PLAIN_SERVICE_PATH = re.compile(r"/#?|(/[A-Za-z0-9_]+)+(/#?)?", re.ASCII)
LONGEST = 256  # characters of a Fiware-ServicePath


@dataclass(frozen=True)
class Open:
    """What opens the data of one scope, or the API where it has none: a grant, or that it is open to all."""

    scope: DataScope | None
    grant: Grant | None = None
    role: Role | None = None  # for a person: a role of his …
    role_grant: Grant | None = None  # … and its grant, which holds as well


def granted(grants: Iterable[Grant], api: Api, version: Version, level: Level) -> list[Grant]:
    """Those of this level of this version, whenever they hold."""
    return [
        grant
        for grant in grants
        if grant.api == api.name and version.name in grant.versions and level.name in grant.levels
    ]


def opened(
    catalog: Catalog, service: Service, api: Api, version: Version, level: Level, at: datetime
) -> Iterator[Open]:
    """What the service's grants open at this moment: grant, service and data must hold together."""
    if service.period.holds(at):
        yield from _holding(catalog, granted(service.grants, api, version, level), api, at)


def opened_to_role(
    catalog: Catalog, role: Role, api: Api, version: Version, level: Level, at: datetime
) -> Iterator[Open]:
    """What the role's grants open at this moment to people who call through a service."""
    for one in _holding(catalog, granted(role.grants, api, version, level), api, at):
        yield replace(one, grant=None, role=role, role_grant=one.grant)


def both(opened: Iterable[Open], theirs: Sequence[Open]) -> Iterator[Open]:
    """What is open to a service and to a role: one for each two grants that hold together."""
    for one in opened:
        for other in theirs:
            if one.scope == other.scope:
                yield replace(one, role=other.role, role_grant=other.role_grant)


def _holding(catalog: Catalog, grants: Iterable[Grant], api: Api, at: datetime) -> Iterator[Open]:
    for grant in grants:
        if not grant.period.holds(at):
            continue
        if api.scoping is Scoping.NONE:
            yield Open(None, grant)
            continue
        scopes = (catalog.scopes[name] for name in grant.scopes)
        yield from (Open(scope, grant) for scope in scopes if scope.period.holds(at))


def open_to_all(catalog: Catalog, api: Api, at: datetime) -> Iterator[Open]:
    """Open data, for everybody: each scope that is open and stands somewhere in this kind of API."""
    if api.scoping is Scoping.NONE:
        yield Open(None)
        return
    for scope in catalog.scopes.values():
        stands = {Scoping.FIWARE: scope.fiware, Scoping.PATH: scope.paths, Scoping.QUERY: scope.values}[api.scoping]
        if scope.disclosure is Disclosure.OPEN and stands and scope.period.holds(at):
            yield Open(scope)


def by_header(request: Request, found: Sequence[Open]) -> Open | str:
    """The scope that X-Data-Scope names, or the only one there is; else why there is none."""
    by_name = {one.scope.name: one for one in reversed(found) if one.scope}
    if request.scope is not None:
        return by_name.get(request.scope, f"data scope '{request.scope}' is not granted")
    if len(by_name) == 1:
        return found[0]
    return f"which data? Name one in X-Data-Scope: {', '.join(sorted(by_name)) or 'there are none'}"


def by_path(rest: str, found: Sequence[Open]) -> Open | str:
    """The scope in one of whose folders the path below the API's own lies; of several the innermost."""
    folders = [(folder, one) for one in found if one.scope for folder in one.scope.paths]
    holding = [(len(folder), one) for folder, one in folders if paths.below(rest, folder)]
    if holding:
        return max(holding, key=lambda pair: pair[0])[1]
    names = ", ".join(sorted({folder for folder, _ in folders}))
    return f"no granted data scope has this path; granted are {names or 'none'}"


def by_query(query: str, field: str, found: Sequence[Open]) -> Open | str:
    """The scope of the granted value that the field has, which stands once and plainly, or of the only one there is."""
    by_value = {value: one for one in reversed(found) if one.scope for value in one.scope.values}
    parts = re.split("[&;]", query)
    names = [read_as(part.partition("=")[0]) for part in parts]
    if None in names:
        return "the query has a name that cannot be read"
    told = [part for part, name in zip(parts, names, strict=True) if name == read_as(field)]
    if not told:
        if len(by_value) == 1:
            return next(iter(by_value.values()))
        return f"which data? Name one in the query, {field}=…: {', '.join(sorted(by_value)) or 'there are none'}"
    if len(told) > 1 or told[0] not in query.split("&") or not told[0].startswith(f"{field}="):
        return f"the query must name the data once and plainly: {field}=…"
    value = told[0].removeprefix(f"{field}=")
    return by_value.get(value, f"data '{value}' are not granted")


def read_as(name: str) -> str | None:
    """The name of a field as some upstream may read it; None where nobody can."""
    text, before = name.replace("+", " "), None
    while text != before:
        if re.search("%(?![0-9A-Fa-f]{2})", text):
            return None
        before, text = text, unquote(text, "latin-1")
    return re.sub("[^a-z0-9]", "", re.split(r"[\[\0]", text)[0].lower(), flags=re.ASCII)


def service_path(asked: str | None, own: Sequence[str]) -> str:
    """The caller's Fiware-ServicePath where it is one plain path inside the scope's, else the scope's."""
    return asked if asked and _narrower(asked, own) else ",".join(own)


def _narrower(path: str, own: Sequence[str]) -> bool:
    if len(path) > LONGEST or not PLAIN_SERVICE_PATH.fullmatch(path):
        return False
    folders = (one.removesuffix("#") for one in own if one.endswith("/#"))
    return path in own or any(paths.below(path.removesuffix("#"), folder) for folder in folders)
