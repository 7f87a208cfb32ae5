"""May this request pass? The decision, in the order in which docs/explanation/kong.md tells it.

path → version → level → caller → address → grant → period → token → kind of caller → roles → data
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from control_plane.access import data, levels, paths, periods
from control_plane.access.callers import Caller, caller, comes_from, no_access_token, over
from control_plane.access.data import Open
from control_plane.access.limits import limits
from control_plane.access.requests import Because, Decision, Request
from control_plane.catalog.model import (
    ALWAYS,
    Api,
    CallerKind,
    Catalog,
    DataScope,
    Grant,
    Level,
    Scoping,
    Service,
    State,
    Version,
)


@dataclass(frozen=True)
class _Asked:
    """A request whose path leads to a version at the gateway, and whose method is one of a level."""

    catalog: Catalog
    request: Request
    path: str  # normal
    api: Api
    version: Version
    rest: str  # below the version's path, or the default's
    level: Level


def evaluate(catalog: Catalog, request: Request) -> Decision:
    """What the gateway answers to the request when it does exactly what the catalog says."""
    path = paths.normal(request.path.partition("?")[0])
    if path is None:
        return Decision(400, "no server takes this path: a broken escape, a zero byte, or too many '..'")
    found = _leads_to(catalog, path)
    if found is None:
        return Decision(404, "no version of an API has this path")
    api, version, prefix = found
    rest = path[len(prefix.rstrip("/")) :] or "/"
    where = Decision(404, "", api=api.name, version=version.name)
    stands = Because("version", f"{version.name} is {version.state.value}", version.origin)
    if version.state is State.DRAFT:
        return replace(where, reason="a draft is not at the gateway", because=(stands,))
    if version.state is State.RETIRED:
        return replace(where, status=410, reason="the version is retired", because=(stands,))
    level = levels.of(api, request.method, rest)
    if level is None:
        because = (Because("api", "; ".join(map(levels.told, api.levels)), api.origin),)
        call = f"{request.method} {rest}" if levels.by_path(api) else f"the method {request.method}"
        return replace(where, reason=f"no level has {call}", because=because)
    if not (period := version.period(catalog.platform.zone)).holds(request.at):
        over = period.end is not None and period.end <= request.at
        says = f"{version.name} is {version.state.value} {periods.told(period, catalog.platform.zone)}"
        because = (Because("version", says, version.origin),)
        reason = "the version's last day is over" if over else "the version is not published yet"
        return replace(where, status=410 if over else 404, reason=reason, because=because)
    decision = _decide(_Asked(catalog, request, path, api, version, rest, level))
    return replace(decision, api=api.name, version=version.name, level=level.name)


def _leads_to(catalog: Catalog, path: str) -> tuple[Api, Version, str] | None:
    """The version whose public path takes this one, and that path; of several the longest, and a draft only when
    nothing else does. Who names no version gets the default."""
    found = [(api, version, version.path) for api in catalog.apis.values() for version in api.versions]
    for api in catalog.apis.values():
        if api.default:
            found.append((api, api.version(api.default.version), api.default.path))
    holding = [one for one in found if paths.below(path, one[2])]
    return max(holding, key=lambda one: (one[1].state is not State.DRAFT, len(one[2])), default=None)


def _decide(asked: _Asked) -> Decision:
    catalog, api, request = asked.catalog, asked.api, asked.request
    if not api.auth:
        everybody = list(data.open_to_all(catalog, api, request.at))
        return _address(asked, None) or _ambiguous(asked) or _data(asked, None, everybody)
    if len(api.auth) > 1 and (refused := _address(asked, None)):
        return refused  # where there are two ways to prove oneself the API's addresses come first
    who = caller(catalog, api, request)
    if isinstance(who, str):
        ways = " or ".join(sorted(way.value for way in api.auth))
        return Decision(401, who, (*_ended(asked), Because("api", f"{api.name} takes {ways}", api.origin)))
    return replace(_decide_for(asked, who), service=who.service.name)


def _ended(asked: _Asked) -> Iterator[Because]:
    """The line that ended the key."""
    key, zone = asked.request.credentials.key, asked.catalog.platform.zone
    for service in asked.catalog.services():
        if key and service.name == key.of and over(service, asked.request.at):
            yield Because("service", f"{service.name} holds {periods.told(service.period, zone)}", service.origin)


def _decide_for(asked: _Asked, who: Caller) -> Decision:
    service = who.service
    opened = list(data.opened(asked.catalog, service, asked.api, asked.version, asked.level, asked.request.at))
    refused = (
        _address(asked, service)
        or _ungranted(asked, service)
        or _ambiguous(asked)
        or (None if opened else _no_time(asked, service))
        or _token(asked, who)
        or _wrong_kind(asked, who)
    )
    if refused:
        return refused
    if who.roles is None:
        return _data(asked, service, opened)
    return _for_a_person(asked, service, who.roles, who.token.consents if who.token else (), opened)


def _address(asked: _Asked, service: Service | None) -> Decision | None:
    """Both the API's addresses and the service's must hold."""
    address = asked.request.address
    for what, one in (("api", asked.api), ("service", service)):
        if one and not comes_from(address, one.allowed_ips):
            because = (Because(what, f"only from {', '.join(one.allowed_ips)}", one.origin),)
            return Decision(403, f"{address} is not one of the addresses of {one.name}", because)
    return None


def _ungranted(asked: _Asked, service: Service) -> Decision | None:
    api, version, level = asked.api, asked.version, asked.level
    if data.granted(service.grants, api, version, level):
        return None
    others = [grant for grant in service.grants if grant.api == api.name]
    because = [
        *(Because("grant", f"{', '.join(g.levels)} of {', '.join(g.versions)}", g.origin) for g in others),
        Because("service", f"{service.name} has no other grant on {api.name}", service.origin),
        Because("level", f"{asked.request.method} is {level.name}", level.origin),
    ]
    return Decision(403, f"{level.name} of {version.name} is not granted", tuple(because))


def _ambiguous(asked: _Asked) -> Decision | None:
    """A path that the upstream could take for another one."""
    folders = levels.by_path(asked.api)
    sent = asked.request.path.partition("?")[0]
    sign = paths.ambiguous(sent, folders=folders or asked.api.scoping is Scoping.PATH, escapes=folders)
    if sign:
        because = (Because("api", f"scoping is {asked.api.scoping.value}", asked.api.origin),)
        return Decision(403, f"the path is not plain: it has '{sign}'", because)
    for version in asked.api.versions:
        if version is not asked.version and paths.below(asked.path, version.path):
            because = (Because("version", f"{version.name} is {version.state.value}", version.origin),)
            return Decision(403, f"the path is that of {version.name}", because)
    other = levels.of(asked.api, asked.request.method, asked.rest, small=True)
    if other and other != asked.level:
        because = (Because("level", levels.told(other), other.origin),)
        return Decision(403, f"the path is another level's but for its case: {other.name}", because)
    return None


def _no_time(asked: _Asked, service: Service) -> Decision:
    """There are grants, and none holds now: which of the periods is it?"""
    at = asked.request.at
    grants = data.granted(service.grants, asked.api, asked.version, asked.level)
    lines = list(_not_now(asked, "grant", grants))
    if not service.period.holds(at):
        says = f"{service.name} holds {periods.told(service.period, asked.catalog.platform.zone)}"
        lines.insert(0, Because("service", says, service.origin))
    return Decision(403, "outside the period of access", tuple(dict.fromkeys(lines)))


def _not_now(asked: _Asked, what: str, grants: Iterable[Grant]) -> Iterator[Because]:
    """The grants that do not hold at the moment, then the data that may not be had."""
    at, zone = asked.request.at, asked.catalog.platform.zone
    for grant in grants:
        if not grant.period.holds(at):
            yield Because(what, f"the grant holds {periods.told(grant.period, zone)}", grant.origin)
    for scope in (asked.catalog.scopes[name] for grant in grants for name in grant.scopes):
        if not scope.period.holds(at):
            yield Because("scope", f"{scope.name} holds {periods.told(scope.period, zone)}", scope.origin)


def _token(asked: _Asked, who: Caller) -> Decision | None:
    why = no_access_token(asked.catalog, who, asked.request.at)
    tenant = asked.catalog.tenants[who.service.tenant]
    because = (Because("tenant", f"the realm of {tenant.name} is {tenant.realm}", tenant.origin),)
    return Decision(401, why, because) if why else None


def _wrong_kind(asked: _Asked, who: Caller) -> Decision | None:
    """A person where only services may call, or the other way round."""
    api, person = asked.api, who.roles is not None
    if (CallerKind.USER if person else CallerKind.SERVICE) in api.callers:
        return None
    because = Because("api", f"callers is {', '.join(sorted(one.value for one in api.callers))}", api.origin)
    return Decision(403, f"{api.name} is {'not' if person else 'only'} for users", (because,))


def _for_a_person(
    asked: _Asked, service: Service, names: Iterable[str], consents: Sequence[str], opened: list[Open]
) -> Decision:
    """What the service may and one of the roles may as well, and with her consent where that is asked for."""
    where = (asked.api, asked.version, asked.level)
    roles = [asked.catalog.roles[name] for name in names if name in asked.catalog.roles]
    theirs = [one for role in roles for one in data.opened_to_role(asked.catalog, role, *where, asked.request.at)]
    both = list(data.both(opened, theirs))
    held = [one for one in both if one.scope is None or one.scope.consent is None or one.scope.name in consents]
    if held:
        return _data(asked, service, held)
    if both:
        asking = tuple(dict.fromkeys(line for one in both for line in _opening(asked, one)))
        return Decision(403, "the person has not consented", asking)
    grants = [grant for role in roles for grant in data.granted(role.grants, *where)]
    if not grants:
        told = ", ".join(role.name for role in roles) or "none"
        because = Because("level", f"{asked.request.method} is {asked.level.name}; roles: {told}", asked.level.origin)
        return Decision(403, f"no role has a grant of {asked.level.name} of {asked.version.name}", (because,))
    if not theirs:
        lines = _not_now(asked, "role", grants)
        return Decision(403, "outside the period of access of the role", tuple(dict.fromkeys(lines)))
    lines = (line for one in (*opened, *theirs) for line in _opening(asked, one))
    return Decision(403, f"no data are granted to {service.name} and to a role, both", tuple(dict.fromkeys(lines)))


def _data(asked: _Asked, service: Service | None, opened: list[Open]) -> Decision:
    """Which of the opened data the request asks for."""
    match asked.api.scoping:
        case Scoping.NONE:
            chosen: Open | str = opened[0]
        case Scoping.FIWARE:
            chosen = data.by_header(asked.request, opened)
        case Scoping.PATH:
            chosen = data.by_path(asked.rest, opened)
        case Scoping.QUERY:
            chosen = data.by_query(asked.request.path.partition("?")[2], asked.api.query_field, opened)
    if isinstance(chosen, str):
        lines = (line for one in opened for line in _opening(asked, one))
        return Decision(403, chosen, tuple(dict.fromkeys(lines)))
    return Decision(
        200,
        f"{asked.level.name} is granted" if chosen.grant else "open to all",
        (*_opening(asked, chosen), *_around(asked, service)),
        scope=chosen.scope.name if chosen.scope else None,
        limits=limits(asked.catalog, asked.api, asked.level, service),
        fiware=_fiware(asked, chosen.scope),
    )


def _fiware(asked: _Asked, scope: DataScope | None) -> tuple[str, str] | None:
    """What the gateway sets, whatever the caller sends."""
    if asked.api.scoping is not Scoping.FIWARE or scope is None or scope.fiware is None:
        return None
    return scope.fiware.service, data.service_path(asked.request.service_path, scope.fiware.paths)


def _opening(asked: _Asked, one: Open) -> Iterator[Because]:
    """The lines that open this."""
    zone = asked.catalog.platform.zone
    if one.grant:
        says = f"{', '.join(one.grant.levels)} {periods.told(one.grant.period, zone)}"
        yield Because("grant", says, one.grant.origin)
    elif not one.role:
        yield Because("api", f"{asked.api.name} is open to all", asked.api.origin)
    if one.role and one.role_grant:
        says = f"{one.role.name}: {', '.join(one.role_grant.levels)} {periods.told(one.role_grant.period, zone)}"
        yield Because("role", says, one.role_grant.origin)
    if one.scope:
        says = f"{one.scope.name} is {one.scope.disclosure.value} {periods.told(one.scope.period, zone)}"
        asked_for = ", with the person's consent" if one.role and one.scope.consent is not None else ""
        yield Because("scope", says + asked_for, one.scope.origin)
    yield Because("level", f"{asked.request.method} is {asked.level.name}", asked.level.origin)


def _around(asked: _Asked, service: Service | None) -> Iterator[Because]:
    """What else the request depends on: the end of a version, the service's own period, addresses."""
    version, zone = asked.version, asked.catalog.platform.zone
    if version.state is State.DEPRECATED:
        yield Because("version", f"{version.name} is deprecated, its last day is {version.sunset}", version.origin)
    if service and service.period != ALWAYS:
        yield Because("service", f"{service.name} holds {periods.told(service.period, zone)}", service.origin)
    for what, one in (("api", asked.api), ("service", service)):
        if one and one.allowed_ips:
            yield Because(what, f"only from {', '.join(one.allowed_ips)}", one.origin)
