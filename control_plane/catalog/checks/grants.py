"""What services may call, and people through them: which API, level, version and data, by which right and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from control_plane.catalog.checks.disclosure import check_disclosure
from control_plane.catalog.checks.references import index, unknown
from control_plane.catalog.declared import Declared, DeclaredTenant, grants, role_grants, stands
from control_plane.catalog.documents import ApiDocument, TenantDocument
from control_plane.catalog.documents.base import CallLimit
from control_plane.catalog.documents.grants import GrantEntry
from control_plane.catalog.documents.roles import ScopeEntry
from control_plane.catalog.documents.tenants import ServiceEntry
from control_plane.catalog.located import Located
from control_plane.catalog.periods import check_period, period
from control_plane.problems import Origin, Problem

Api = Located[ApiDocument]
Scope = Located[ScopeEntry]
Grant = Located[GrantEntry]
Service = Located[ServiceEntry]
AT_THE_GATEWAY = ("published", "deprecated")


@dataclass(frozen=True)
class World:
    """What grants refer to."""

    declared: Declared
    apis: Mapping[str, Api]
    scopes: Mapping[str, Scope]
    tenants: frozenset[str]


def check(declared: Declared) -> Iterator[Problem]:
    world = World(
        declared,
        index((one.value.api, one) for one in declared.apis),
        index((one.value.scope, one) for one in declared.scopes),
        frozenset(one.name for one in declared.tenants),
    )
    for tenant in declared.tenants:
        if tenant.tenant.value.limits:
            granted = [one for service in tenant.services() for one in _granted(service)]
            nobody = "None of its services has a grant"
            yield from _limits(world, tenant.tenant, tenant.tenant.value.limits, granted, nobody)
        for service in tenant.services():
            yield from check_period(service, service.value.start, service.value.until, declared.zone)
            if service.value.limits:
                nothing = "The service has no grant"
                yield from _limits(world, service, service.value.limits, _granted(service), nothing)
            yield from _own_data(world, service)
            for grant in grants(service):
                yield from _of_service(world, tenant, service, grant)
    for role in declared.roles:
        for grant in role_grants(role):
            yield from _of_role(world, grant)


def _granted(service: Service) -> Iterator[tuple[str, str]]:
    """API and level of all that the service may call."""
    yield from ((grant.api, level) for grant in service.value.grants for level in grant.levels)
    yield from ((name, level) for name, levels in service.value.own_data.items() for level in levels)


def _limits(
    world: World,
    holder: Service | Located[TenantDocument],
    limits: Mapping[str, Mapping[str, CallLimit]],
    granted: Iterable[tuple[str, str]],
    nothing: str,
) -> Iterator[Problem]:
    """A limit of a service or a tenant is for what it may call."""
    may = set(granted)
    for name, levels in limits.items():
        if name not in world.apis:
            at = ("limits", name)
            yield from unknown(world.declared, "API", name, world.apis, holder, *at, folder="apis", as_key=True)
            continue
        for level in levels:
            known = world.apis[name].value.levels
            where = ("limits", name, level)
            if level not in known:
                what = f"level of {name}"
                yield from unknown(world.declared, what, level, known, holder, *where, folder="apis", as_key=True)
            elif (name, level) not in may and not world.declared.unsure:
                note = f"{nothing} to level '{level}' of {name}."
                yield holder.source.problem("a limit for what is not granted", holder.key(*where), note)


def _own_data(world: World, service: Service) -> Iterator[Problem]:
    """What is said of the tenant's own data must be something that a grant could say."""
    for name, levels in service.value.own_data.items():
        where = ("own_data", name)
        if name not in world.apis:
            yield from unknown(world.declared, "API", name, world.apis, service, *where, folder="apis", as_key=True)
            continue
        api = world.apis[name]
        yield from _taken(service, api, partial(service.key, *where))
        if api.value.scoping == "none" and api.value.auth:
            note = f"'scoping' is none ({api.origin('scoping')}), so no data in it are anybody's own."
            help = "write a grant"
            yield service.source.problem(f"API '{name}' has no data scopes", service.key(*where), note, help)
        for position, level in enumerate(levels):
            what = f"level of {name}"
            at = (*where, position)
            yield from unknown(world.declared, what, level, api.value.levels, service, *at, folder="apis")


def _of_service(world: World, tenant: DeclaredTenant, service: Service, grant: Grant) -> Iterator[Problem]:
    api = world.apis.get(grant.value.api)
    if api:
        yield from _taken(service, api, partial(grant.origin, "api"))
        yield from _people_only(service, grant, api)
    yield from _opens(world, grant)
    yield from _within_service(world, service, grant)
    yield from _approved(world, tenant.name, grant)


def _of_role(world: World, grant: Grant) -> Iterator[Problem]:
    """What people may do through services; a role is no tenant's, so no data are its own."""
    api = world.apis.get(grant.value.api)
    if api and "user" not in api.value.callers:
        name, told = api.value.api, ", ".join(api.value.callers)
        note = f"'callers' is [{told}] ({api.origin('callers')}): a person cannot call it through a service."
        help = "let users call it: callers: [service, user]"
        yield grant.problem(f"a role is granted API '{name}', which is not for users", "api", note=note, help=help)
    yield from _opens(world, grant)
    yield from _approved(world, None, grant)


def _opens(world: World, grant: Grant) -> Iterator[Problem]:
    """What every grant must hold to, whoever has it."""
    name = grant.value.api
    yield from check_period(grant, grant.value.start, grant.value.until, world.declared.zone)
    if name in world.apis:
        api = world.apis[name]
        yield from _levels(world, grant, api)
        yield from _versions(world, grant, api)
        yield from _scoping(grant, api)
    else:
        yield from unknown(world.declared, "API", name, world.apis, grant, "api", folder="apis")
    for position, scope in enumerate(grant.value.scopes):
        if scope not in world.scopes:
            at = ("scopes", position)
            yield from unknown(world.declared, "data scope", scope, world.scopes, grant, *at, folder="roles")
        elif name in world.apis:
            yield from _place(grant, position, world.scopes[scope], world.apis[name])
    yield from _within_data(world, grant)


def _approved(world: World, tenant: str | None, grant: Grant) -> Iterator[Problem]:
    approval = grant.value.approval
    if approval and approval.by not in world.tenants:
        by = ("approval", "by")
        yield from unknown(world.declared, "tenant", approval.by, world.tenants, grant, *by, folder="tenants")
    else:
        yield from check_disclosure(tenant, grant, world.scopes)


def _taken(service: Service, api: Api, where: Callable[[], Origin]) -> Iterator[Problem]:
    """Whether the API takes something by which the service can prove itself; `where` is asked for a mistake alone."""
    if not api.value.auth:
        note = f"It asks nobody who he is ({api.origin('auth')})."
        message = f"API '{api.value.api}' is open to all; a grant says nothing"
        yield service.source.problem(message, where(), note, "take the grant away")
    elif not set(api.value.auth) & set(service.value.auth):
        theirs, ours = ", ".join(api.value.auth), ", ".join(service.value.auth)
        note = f"It takes {theirs} ({api.origin('auth')}); the service has {ours} ({service.origin('auth')})."
        yield service.source.problem(f"API '{api.value.api}' takes nothing that the service has", where(), note)


def _people_only(service: Service, grant: Grant, api: Api) -> Iterator[Problem]:
    if api.value.callers == ["user"] and not service.value.redirect_uris:
        name = api.value.api
        note = f"'callers' is [user] ({api.origin('callers')}), and nobody signs in through '{service.value.service}'."
        help = "say where a login returns to: redirect_uris: [https://…]"
        yield grant.problem(f"only users may call API '{name}', and the service has none", "api", note=note, help=help)


def _levels(world: World, grant: Grant, api: Api) -> Iterator[Problem]:
    for position, level in enumerate(grant.value.levels):
        known = api.value.levels
        what = f"level of {api.value.api}"
        yield from unknown(world.declared, what, level, known, grant, "levels", position, folder="apis")


def _versions(world: World, grant: Grant, api: Api) -> Iterator[Problem]:
    name = api.value.api
    states = {version.version: version.state for version in reversed(api.value.versions)}
    if grant.value.versions is None:
        if not set(states.values()) & set(AT_THE_GATEWAY) and not world.declared.unsure:
            told = ", ".join(f"{version} is {state}" for version, state in states.items())
            yield grant.problem(f"no version of '{name}' is at the gateway", "api", note=f"{told}.")
        return
    for position, version in enumerate(grant.value.versions):
        if version not in states:
            what = f"version of {name}"
            yield from unknown(world.declared, what, version, states, grant, "versions", position, folder="apis")
        elif states[version] not in AT_THE_GATEWAY:
            at = next(number for number, one in enumerate(api.value.versions) if one.version == version)
            note = f"It is {states[version]} ({api.origin('versions', at, 'state')})."
            yield grant.problem(f"version '{version}' is not at the gateway", "versions", position, note=note)


def _scoping(grant: Grant, api: Api) -> Iterator[Problem]:
    name, scoping = api.value.api, api.value.scoping
    if (scoping == "none") != bool(grant.value.scopes):
        return
    rule = f"'scoping' is {scoping} ({api.origin('scoping')})."
    if scoping == "none":
        yield grant.problem(f"API '{name}' has no data scopes", "scopes", note=rule, help="take 'scopes' away")
    else:
        help = "name the data: scopes: [NAME]"
        yield grant.problem(f"a grant on '{name}' needs data scopes", note=rule, help=help)


def _place(grant: Grant, position: int, scope: Scope, api: Api) -> Iterator[Problem]:
    """A scope must say where it stands in this kind of API."""
    name, scoping = scope.value.scope, api.value.scoping
    field = {"fiware-headers": "fiware", "path": "paths", "query": "values"}.get(scoping)
    if field and not stands(scope.value, scoping):
        note = f"It has no '{field}' ({scope.origin()}), and '{api.value.api}' finds data by it."
        message = f"data scope '{name}' is not in API '{api.value.api}'"
        yield grant.problem(message, "scopes", position, note=note)


def _within_service(world: World, service: Service, grant: Grant) -> Iterator[Problem]:
    """A grant must be able to hold at some time at which its service does."""
    if service.value.start is None and service.value.until is None:
        return
    zone = world.declared.zone
    own = period(grant.value.start, grant.value.until, zone)
    around = period(service.value.start, service.value.until, zone)
    if not own.empty and not around.empty and own.within(around).empty:
        where = "until" if grant.value.until is not None else "from"
        note = f"The service's own period is {_told(service)} ({service.origin()})."
        yield grant.problem("the grant never holds within the service's period", where, note=note)


def _within_data(world: World, grant: Grant) -> Iterator[Problem]:
    """A grant must be able to hold at some time at which its data may be had."""
    if not grant.value.scopes:
        return
    zone = world.declared.zone
    own = period(grant.value.start, grant.value.until, zone)
    for position, name in enumerate(() if own.empty else grant.value.scopes):
        scope = world.scopes.get(name)
        data = period(scope.value.start, scope.value.until, zone) if scope else None
        if scope and data and not data.empty and own.within(data).empty:
            note = f"The data may be had {_told(scope)} ({scope.origin()})."
            yield grant.problem(f"the grant never holds while '{name}' may be had", "scopes", position, note=note)


def _told(where: Service | Scope) -> str:
    parts = [f"from {where.value.start}"] if where.value.start else []
    return " ".join([*parts, *([f"until {where.value.until}"] if where.value.until else [])])
