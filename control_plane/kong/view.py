"""The catalog as the gateway sees it: which versions stand there, and who was granted what on each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from control_plane.catalog.model import Api, Auth, Catalog, Grant, Level, Role, Service, State, Version
from control_plane.kong import naming

LIVE = frozenset({State.PUBLISHED, State.DEPRECATED})


@dataclass(frozen=True)
class Standing:
    """One version of an API at the gateway: published, deprecated, or retired and answering 410."""

    api: Api
    version: Version

    @cached_property
    def name(self) -> str:
        return naming.service_name(self.api, self.version)

    @property
    def live(self) -> bool:
        return self.version.state in LIVE

    @cached_property
    def belongs(self) -> tuple[str, ...]:
        return (f"api:{self.api.name}",)

    @property
    def paths(self) -> tuple[str, ...]:
        """The public prefixes: its own, and where it is the default that of callers who name no version."""
        default = self.api.default
        more = (default.path,) if default and default.version == self.version.name else ()
        return (self.version.path, *more)

    @property
    def lies_in_a_default(self) -> bool:
        """Whether the default's routes would take its calls too, so that its own must go before them."""
        return self.api.default is not None and self.api.default.version != self.version.name

    def route(self, level: Level) -> str:
        return naming.route_name(self.api, self.version, level)

    @property
    def cors_methods(self) -> tuple[str, ...]:
        """Methods that pages of other origins may call: those of the levels, or of these the ones that are named."""
        cors, have = self.api.cors, {method for level in self.api.levels for method in level.methods}
        return tuple(sorted(have & {*cors.methods} if cors and cors.methods else have)) if cors else ()

    @property
    def preflights(self) -> bool:
        """Whether preflights need a route of their own: where no level takes OPTIONS itself."""
        taken = any("OPTIONS" in level.methods for level in self.api.levels)
        return self.live and bool(self.cors_methods) and not taken

    @property
    def preflight_route(self) -> str:
        return naming.preflight_route(self.api, self.version)

    def group(self, level: str) -> str:
        return naming.group_name(self.api.name, self.version.name, level)


@dataclass(frozen=True)
class Given:
    """One grant on one version, with the service that it was given to."""

    service: Service
    grant: Grant


@dataclass(frozen=True)
class Gateway:
    """What the policies read: the catalog, and its grants by the version that they open, made when first asked for."""

    catalog: Catalog

    @cached_property
    def opened(self) -> Opened:
        return Opened(self.catalog)

    @cached_property
    def grants(self) -> Mapping[str, tuple[Given, ...]]:
        """By the name of a version's service in Kong: all on versions that live, in the order of services' names."""
        return grants(self.catalog, self.opened)

    @cached_property
    def role_grants(self) -> Mapping[str, tuple[tuple[Role, Grant], ...]]:
        return role_grants(self.catalog, self.opened)


def standing(catalog: Catalog) -> Iterator[Standing]:
    """Every version that answers at the gateway; a draft is not there at all."""
    for api in catalog.apis.values():
        for version in api.versions:
            if version.state is not State.DRAFT:
                yield Standing(api, version)


def grants(catalog: Catalog, opened: Opened) -> Mapping[str, tuple[Given, ...]]:
    """All grants on versions that live, in the order of their services' names."""
    found: dict[str, list[Given]] = defaultdict(list)
    for service in sorted(catalog.services(), key=lambda service: service.name):
        for grant in service.grants:
            for one in opened.by(grant):
                found[one.name].append(Given(service, grant))
    return {name: tuple(given) for name, given in found.items()}


def role_grants(catalog: Catalog, opened: Opened) -> Mapping[str, tuple[tuple[Role, Grant], ...]]:
    """The same for people with a role, in the order of the roles' names."""
    found: dict[str, list[tuple[Role, Grant]]] = defaultdict(list)
    for role, grant in catalog.role_grants():
        for one in opened.by(grant):
            found[one.name].append((role, grant))
    return {name: tuple(given) for name, given in found.items()}


class Opened:
    """What grants open on the versions that live. Ten thousand grants name a few APIs, so each is looked up once."""

    def __init__(self, catalog: Catalog) -> None:
        self._apis = catalog.apis
        self._found: dict[tuple[str, tuple[str, ...]], tuple[Standing, ...]] = {}

    def by(self, grant: Grant) -> tuple[Standing, ...]:
        """The versions that live and that the grant opens."""
        key = grant.api, grant.versions
        found = self._found.get(key)
        if found is None:
            api = self._apis[grant.api]
            standing = (Standing(api, version) for version in api.versions if version.name in grant.versions)
            found = self._found[key] = tuple(one for one in standing if one.live)
        return found

    def levels(self, service: Service) -> Iterator[tuple[Standing, Level, Grant]]:
        """Each level of each version that the service has a grant on, once, with the first grant that gives it."""
        seen = set()
        for grant in service.grants:
            for one in self.by(grant):
                for name in grant.levels:
                    if (one.name, name) not in seen:
                        seen.add((one.name, name))
                        yield one, one.api.level(name), grant


def either(auth: frozenset[Auth]) -> bool:
    """Whether a key or a token may be used, so that neither plugin alone may refuse."""
    return Auth.API_KEY in auth and Auth.TOKEN in auth
