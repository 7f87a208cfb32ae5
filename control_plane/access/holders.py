"""Everybody who may use a level of an API at a moment, with which data and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from control_plane.access import data, periods
from control_plane.access.data import Open
from control_plane.access.limits import limits
from control_plane.access.requests import Limit
from control_plane.catalog.model import Api, Auth, CallerKind, Catalog, Level, Period, Service, State, Version
from control_plane.problems import Origin

LIVE = (State.PUBLISHED, State.DEPRECATED)


@dataclass(frozen=True)
class Holder:
    """A service, people with a role through it, or everybody, with those of the data that end together."""

    service: str | None  # None: everybody
    title: str
    versions: tuple[str, ...]
    scopes: tuple[str, ...]  # empty where the API has none
    until: datetime | None  # excluded; None: without end
    auth: tuple[str, ...]
    allowed_ips: tuple[str, ...]  # the service's own; the API's hold too
    limits: tuple[Limit, ...]
    origins: tuple[Origin, ...]  # of the grants
    roles: tuple[str, ...] = ()  # of people: the role that has the grant, then those that include it


def holders(catalog: Catalog, api: Api, level: Level, versions: Iterable[Version], at: datetime) -> tuple[Holder, ...]:
    """Who may at this moment, sorted by name; who may only earlier or later is not among them."""
    zone = catalog.platform.zone
    live = [version for version in versions if version.state in LIVE and version.period(zone).holds(at)]
    if not api.auth:
        found = {version.name: list(data.open_to_all(catalog, api, at)) for version in live}
        return tuple(_grouped(catalog, api, level, None, found))
    by_name = sorted((s for s in catalog.services() if s.auth & api.auth), key=lambda service: service.name)
    return tuple(holder for service in by_name for holder in _of_service(catalog, api, level, live, service, at))


def _of_service(
    catalog: Catalog, api: Api, level: Level, live: Iterable[Version], service: Service, at: datetime
) -> Iterator[Holder]:
    """The service itself, unless it is public and has no credential of its own, then people with each role that has a
    grant."""
    found = {version: list(data.opened(catalog, service, api, version, level, at)) for version in live}
    if CallerKind.SERVICE in api.callers and not service.public:
        yield from _grouped(catalog, api, level, service, {version.name: opened for version, opened in found.items()})
    if api.name not in catalog.for_users(service) or Auth.TOKEN not in service.auth:
        return
    for role in catalog.roles.values():
        both = {
            version.name: list(data.both(opened, list(data.opened_to_role(catalog, role, api, version, level, at))))
            for version, opened in found.items()
        }
        including = [name for name in sorted(catalog.roles) if role.name in catalog.roles_with(name) - {name}]
        for holder in _grouped(catalog, api, level, service, both):
            yield replace(holder, auth=(Auth.TOKEN.value,), roles=(role.name, *including))


def _grouped(
    catalog: Catalog, api: Api, level: Level, service: Service | None, found: dict[str, list[Open]]
) -> Iterator[Holder]:
    """One holder for the data that are open in the same versions until the same moment."""
    versions: dict[tuple[str, datetime | None], list[str]] = defaultdict(list)
    origins: dict[tuple[str, datetime | None], set[Origin]] = defaultdict(set)
    for version, opened in found.items():
        answers = api.version(version).period(catalog.platform.zone)
        for scope, (until, where) in _latest(service, opened, answers).items():
            versions[scope, until].append(version)
            origins[scope, until] |= where
    together: dict[tuple[tuple[str, ...], datetime | None], list[str]] = defaultdict(list)
    for (scope, until), open_in in versions.items():
        together[tuple(open_in), until].append(scope)
    for (names, until), scopes in together.items():
        yield Holder(
            service=service.name if service else None,
            title=service.title if service else "",
            versions=names,
            scopes=tuple(sorted(filter(None, scopes))),
            until=until,
            auth=tuple(sorted(way.value for way in service.auth & api.auth)) if service else (),
            allowed_ips=service.allowed_ips if service else (),
            limits=limits(catalog, api, level, service),
            origins=tuple(sorted(set().union(*(origins[scope, until] for scope in scopes)))),
        )


def _latest(
    service: Service | None, opened: list[Open], answers: Period
) -> dict[str, tuple[datetime | None, set[Origin]]]:
    """Until when each scope is open by the grant that holds longest, and the lines of that; "" is the API itself."""
    found: dict[str, tuple[datetime | None, set[Origin]]] = {}
    for one in opened:
        name = one.scope.name if one.scope else ""
        periods_of = [
            answers,
            *(part.period for part in (one.grant, one.role_grant, one.scope, service) if part),
        ]
        grants = (one.grant, one.role_grant)
        until, where = periods.ends(periods_of), {grant.origin for grant in grants if grant and grant.origin}
        if name not in found or _later(until, found[name][0]):
            found[name] = (until, where)
        elif until == found[name][0]:
            found[name] = (until, found[name][1] | where)
    return found


def _later(one: datetime | None, other: datetime | None) -> bool:
    return other is not None and (one is None or one > other)
