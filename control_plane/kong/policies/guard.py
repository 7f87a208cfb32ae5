"""The guard: fixed Lua (kong/guard/) and a table of grants, in one post-function per API version.

The table is one string literal that the chunk parses when it is loaded, so there is no limit on constants and one
place to escape; every word in it comes from a strict alphabet. The chunk returns a function, which Kong keeps with its
table: a chunk that is run as it is would parse its table anew for each call.

What a person may do through a service stands in lines of both: `nikko.portal` and `role:data-user`.

The periods of grant, service and scope are intersected here. What an open API takes stands under the consumer `*`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from control_plane.catalog.model import (
    ALWAYS,
    Api,
    Auth,
    CallerKind,
    Catalog,
    DataScope,
    Disclosure,
    Grant,
    Period,
    Scoping,
    Service,
)
from control_plane.catalog.patterns import patterns, specificity
from control_plane.kong.policies import addresses
from control_plane.kong.policies.chunk import ROLE, program, text_of
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.view import Gateway, Standing
from control_plane.problems import ConfigurationError, Origin, Problem, bug

PHASES = ("certificate", "rewrite", "header_filter", "body_filter", "log")
NAME = "post-function"
ANYBODY = "*"

_UNSAFE = re.compile(rb"[^A-Za-z0-9/:._-]")
_WORD = re.compile(r"(?:role:)?[A-Za-z0-9][A-Za-z0-9._-]*|\*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:/-]*")
_PATH = re.compile(r"/[A-Za-z0-9._~/*#-]*")


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    if one.live:
        config = {"access": [chunk(gateway, one)], **{phase: [] for phase in PHASES}}
        yield Plugin(NAME, config, one.api.origin, one.belongs, within=one.name, service=one.name)


def takes_tokens(catalog: Catalog) -> bool:
    """Whether any guard reads tokens, so that the node must offer the module that decodes JSON."""
    return any(Auth.TOKEN in api.auth for api in catalog.apis.values())


def chunk(gateway: Gateway, one: Standing) -> str:
    """The Lua of one API version's guard."""
    auth = one.api.auth
    settings = {
        "scoping": one.api.scoping.value,
        "field": one.api.query_field or None,
        "prefix": one.version.path.rstrip("/"),
        "default": one.paths[1] if one.paths[1:] else None,
        "others": " ".join(other.path for other in one.api.versions if other is not one.version)
        if one.paths[1:]
        else None,
        "open": not auth,
        "tokens": ("only" if auth == {Auth.TOKEN} else "too") if Auth.TOKEN in auth else False,
        "callers": _callers(one.api) if Auth.TOKEN in auth else None,
        "issuer": issuer(gateway.catalog) if Auth.TOKEN in auth else None,
        "audience": gateway.catalog.platform.name if Auth.TOKEN in auth else None,
    }
    written = [f"{name} = {literal(value)}" for name, value in settings.items()]
    return text_of(one.name, written, list(data(gateway, one)), program())


def _callers(api: Api) -> str:
    return "both" if len(api.callers) > 1 else next(iter(api.callers)).value


def issuer(catalog: Catalog) -> str:
    """What stands before the realm's name in the issuer of a token."""
    settings = catalog.environment.keycloak
    if settings is None:
        raise bug("an API takes tokens and the environment has no Keycloak")
    return f"{(settings.public_url or settings.url).rstrip('/')}/realms/"


@lru_cache(maxsize=4096)  # the same words and texts stand in every version's guard
def literal(value: str | bool | None) -> str:
    """The value as Lua writes it; of text only letters and digits and a few signs stand as they are."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    return '"' + _UNSAFE.sub(lambda one: b"\\%03d" % one[0][0], value.encode()).decode() + '"'


def data(gateway: Gateway, one: Standing) -> Iterator[str]:
    """The lines of the table; what they mean stands at the head of guard/table.lua."""
    catalog = gateway.catalog
    grants = list(_granted(gateway, one) if one.api.auth else _open_to_all(catalog, one))
    scopes = sorted({scope for grant in grants for scope in grant.scopes})
    number = {name: str(place) for place, name in enumerate(scopes, 1)}
    level = {one.name: str(place) for place, one in enumerate(one.api.levels, 1)}
    yield from (_scope(catalog.scopes[name], one.api.scoping) for name in scopes)
    if CallerKind.USER in one.api.callers and Auth.TOKEN in one.api.auth:
        asking = (catalog.scopes[name] for name in scopes if catalog.scopes[name].consent is not None)
        yield from (f"asks {_word(scope.name, scope.origin)}" for scope in asking)
    yield from _realms(catalog, {grant.who for grant in grants})
    services = {given.service.name: given.service for given in gateway.grants.get(one.name, ())}
    yield from addresses.lines(one.api, services.values())
    yield from _trusted(one.api, services.values())
    yield from _renamed(services.values())
    yield from (f"level {_word(one.route(each), one.api.origin)}" for each in one.api.levels)
    yield from _calls(one)
    for grant in sorted(grants, key=lambda g: g.sorting):
        which = ",".join(number[name] for name in sorted(grant.scopes, key=scopes.index)) or "-"
        yield f"{_word(grant.who, grant.origin)} {level[grant.level]} {which} {grant.start} {grant.end}"


class _Line:
    """A grant of one level to one consumer or role for one period, with the scopes that have this period."""

    __slots__ = ("end", "level", "origin", "scopes", "start", "who")

    def __init__(self, who: str, level: str, scopes: Sequence[str], period: Period, origin: Origin | None) -> None:
        self.who, self.level, self.scopes, self.origin = who, level, scopes, origin
        self.start, self.end = _seconds(period.start), _seconds(period.end)

    @property
    def sorting(self) -> tuple[str, ...]:
        return self.who, self.level, self.start, self.end, ",".join(self.scopes)


def _granted(gateway: Gateway, one: Standing) -> Iterator[_Line]:
    for given in gateway.grants.get(one.name, ()):
        period = given.grant.period.within(given.service.period)
        yield from _opened(gateway.catalog, one, given.service.name, given.grant, period)
    if CallerKind.USER in one.api.callers:
        for role, grant in gateway.role_grants.get(one.name, ()):
            yield from _opened(gateway.catalog, one, f"{ROLE}{role.name}", grant, grant.period)


def _opened(catalog: Catalog, one: Standing, who: str, grant: Grant, period: Period) -> Iterator[_Line]:
    by_period: dict[Period, list[str]] = defaultdict(list)
    if one.api.scoping is Scoping.NONE:
        by_period[period] = []
    for name in grant.scopes:
        by_period[period.within(catalog.scopes[name].period)].append(name)
    for level in grant.levels:
        yield from _lines(who, level, by_period, grant.origin)


def _open_to_all(catalog: Catalog, one: Standing) -> Iterator[_Line]:
    """Open data: every scope that is open, for everybody."""
    scopes = [] if one.api.scoping is Scoping.NONE else list(catalog.scopes.values())
    by_period: dict[Period, list[str]] = defaultdict(list)
    for scope in scopes:
        if scope.disclosure is Disclosure.OPEN and _fits(scope, one.api.scoping):
            by_period[scope.period].append(scope.name)
    for level in one.api.levels:
        yield from _lines(ANYBODY, level.name, by_period if scopes else {ALWAYS: []}, one.api.origin)


def _lines(who: str, level: str, by_period: dict[Period, list[str]], origin: Origin | None) -> Iterator[_Line]:
    for period, scopes in by_period.items():
        if not period.empty:
            yield _Line(who, level, sorted(scopes), period, origin)


def _fits(scope: DataScope, scoping: Scoping) -> bool:
    return bool(
        scope.values if scoping is Scoping.QUERY else scope.fiware if scoping is Scoping.FIWARE else scope.paths
    )


def _scope(scope: DataScope, scoping: Scoping) -> str:
    service, paths = "-", tuple(path.rstrip("/") or "/" for path in scope.paths)
    if scoping is Scoping.FIWARE:
        service = _word(scope.fiware.service, scope.origin) if scope.fiware else ""
        paths = scope.fiware.paths if scope.fiware else ()
    if scoping is Scoping.QUERY and scope.values:
        values = (_word(value, scope.origin) for value in scope.values)
        return " ".join(("scope", _word(scope.name, scope.origin), service, *values))
    if not paths or not service or scoping is Scoping.QUERY:
        raise ConfigurationError(
            Problem(
                f"data scope '{scope.name}' says nothing for `scoping: {scoping.value}`",
                scope.origin,
                help="`fiware:` is for APIs that are scoped by headers, `paths:` for path, `values:` for query",
            )
        )
    return " ".join(("scope", _word(scope.name, scope.origin), service, *(_path(path, scope.origin) for path in paths)))


def _calls(one: Standing) -> Iterator[str]:
    """What each level takes, the most specific pattern first: the first that fits a call decides its level."""
    levels = enumerate(one.api.levels, 1)
    found = [(pattern, place, level) for place, level in levels for pattern in patterns(level.paths)]
    for pattern, place, level in sorted(found, key=lambda call: specificity(call[0]), reverse=True):
        path = _path("/" + "/".join(pattern), level.origin)
        yield f"call {place} {path} {' '.join(_word(method, level.origin) for method in level.methods)}"


def _realms(catalog: Catalog, consumers: Iterable[str]) -> Iterator[str]:
    names = {who.partition(".")[0] for who in consumers if not who.startswith(ROLE)}
    for name in sorted(names - {ANYBODY}):
        tenant = catalog.tenants[name]
        if tenant.realm != name:
            yield f"realm {_word(name, tenant.origin)} {_word(tenant.realm, tenant.origin)}"


def _trusted(api: Api, services: Iterable[Service]) -> Iterator[str]:
    """Whose tokens come from another platform, by the service's name."""
    for service in sorted(services, key=lambda one: one.name):
        theirs, origin = service.token_issuer, service.origin
        if theirs and Auth.TOKEN in api.auth and Auth.TOKEN in service.auth:
            said = (_name(each, origin) for each in (theirs.issuer, theirs.client, theirs.audience))
            yield " ".join(("trusts", _word(service.name, origin), *said))


def _renamed(services: Iterable[Service]) -> Iterator[str]:
    for service in services:
        if service.previously:
            yield f"was {_word(service.previously, service.origin)} {_word(service.name, service.origin)}"


def _seconds(instant: datetime | None) -> str:
    return "-" if instant is None else str(int(instant.timestamp()))


def _word(text: str, origin: Origin | None) -> str:
    return _strict(_WORD, text, origin)


def _name(text: str, origin: Origin | None) -> str:
    return _strict(_NAME, text, origin)


def _path(text: str, origin: Origin | None) -> str:
    return _strict(_PATH, text, origin)


def _strict(alphabet: re.Pattern[str], text: str, origin: Origin | None) -> str:
    """The text, which cannot be anything but one word of the table."""
    if not alphabet.fullmatch(text):
        raise ConfigurationError(
            Problem(
                f"the gateway cannot carry {text!r}",
                origin,
                note="letters of ASCII, digits and . _ ~ - are possible, in paths also / * #",
            )
        )
    return text
