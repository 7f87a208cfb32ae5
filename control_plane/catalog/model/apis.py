"""APIs: their versions, and the levels of access to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from control_plane.catalog.model.environments import Asked
from control_plane.catalog.model.periods import Period
from control_plane.problems import Origin


class State(StrEnum):
    DRAFT = "draft"  # not at the gateway
    PUBLISHED = "published"
    DEPRECATED = "deprecated"  # answers, with Deprecation, Sunset and Link
    RETIRED = "retired"  # 410


class Auth(StrEnum):
    API_KEY = "api-key"
    TOKEN = "token"  # noqa: S105  the word of the language, not a credential


class CallerKind(StrEnum):
    SERVICE = "service"  # a connected service for itself
    USER = "user"  # a person who has signed in through one


class Scoping(StrEnum):
    NONE = "none"  # the API has no data scopes
    FIWARE = "fiware-headers"
    PATH = "path"
    QUERY = "query"


@dataclass(frozen=True)
class Level:
    name: str
    methods: tuple[str, ...]  # upper case, sorted
    limit: Mapping[str, int] = field(
        default_factory=dict
    )  # second|minute|hour|day|month|year -> calls, plan and override merged
    origin: Origin | None = None
    paths: tuple[str, ...] = ()  # below the version's path, each with all below it; empty: every path


@dataclass(frozen=True)
class Cors:
    """Which pages of other origins may call an API from a browser."""

    origins: tuple[str, ...]  # `*` is every origin
    methods: tuple[str, ...] = ()  # of the API's methods only these; empty: all
    headers: tuple[str, ...] = ()  # empty: those that callers of the API need
    max_age: int | None = None  # seconds that a browser may keep the answer to a preflight
    credentials: bool = False
    origin: Origin | None = None


@dataclass(frozen=True)
class Version:
    name: str
    path: str  # the public prefix, /ngsi/v2
    state: State
    upstream_path: str = "/"
    deprecated: date | None = None  # since when, for the Deprecation header (RFC 9745)
    sunset: date | None = None  # the day of its end, for the Sunset header (RFC 8594)
    successor: str | None = None
    guide: str | None = None  # URL of the migration guide
    start: datetime | None = None  # from when on it answers; None: since it is published
    origin: Origin | None = None

    def period(self, zone: ZoneInfo) -> Period:
        """When it answers, a deprecated one through the last day that its callers were told."""
        last = self.sunset if self.state is State.DEPRECATED else None
        return Period(self.start, datetime.combine(last + timedelta(days=1), time(), zone) if last else None)


@dataclass(frozen=True)
class Default:
    """Where callers come who name no version."""

    version: str
    path: str  # the public prefix, /ngsi
    origin: Origin | None = None


@dataclass(frozen=True)
class Api:
    name: str
    title: str
    owner: str  # tenant
    upstream: str  # a name in the environment's `upstreams`
    auth: frozenset[Auth]  # empty: open to all
    scoping: Scoping
    plan: str | None
    versions: tuple[Version, ...]
    levels: tuple[Level, ...]
    allowed_ips: tuple[str, ...] = ()
    max_body_mb: int = 8
    cors: Cors | None = None
    bot_detection: Asked | None = None
    security_headers: Asked | None = None
    callers: frozenset[CallerKind] = frozenset({CallerKind.SERVICE})
    description: str = ""
    origin: Origin | None = None
    default: Default | None = None
    query_field: str = ""  # where the scoping is by query: the field that says which data

    def level(self, name: str) -> Level:
        return next(level for level in self.levels if level.name == name)

    def version(self, name: str) -> Version:
        return next(version for version in self.versions if version.name == name)
