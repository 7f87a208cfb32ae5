"""The validated configuration: frozen values, every reference resolved to an id that exists.

What the compilers, the lists and the safety rules read. Everything carries the Origin of its first line, so that a
plan can say which line of YAML asks for a change. Nothing here knows YAML, Keycloak or Kong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from control_plane.problems import Origin


class TenantType(StrEnum):
    PREFECTURE = "prefecture"
    MUNICIPALITY = "municipality"
    UNIVERSITY = "university"
    COMPANY = "company"


class Disclosure(StrEnum):
    OPEN = "open"  # anyone who may call the API
    LIMITED = "limited"  # 限定公開: a grant; an approval too when the data belongs to someone else
    CLOSED = "closed"  # the owner's own services only


class State(StrEnum):
    DRAFT = "draft"  # not at the gateway
    PUBLISHED = "published"
    DEPRECATED = "deprecated"  # answers, with Deprecation, Sunset and Link
    RETIRED = "retired"  # 410


class Auth(StrEnum):
    API_KEY = "api-key"
    TOKEN = "token"  # noqa: S105  the word of the language, not a credential


class MfaMode(StrEnum):
    EVERYONE = "everyone"  # no condition in the flow: it cannot fail open
    BY_ROLE = "by-role"  # users who hold a role with `mfa: required`


@dataclass(frozen=True)
class Period:
    """From `start` (included) to `end` (excluded), both aware; None is unbounded.

    A date in YAML means the whole day in the platform's zone: `until: 2027-03-31` ends at 2027-04-01T00:00.
    """

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def within(self, other: Period) -> Period:
        """The instants that are in both."""
        starts = [p.start for p in (self, other) if p.start]
        ends = [p.end for p in (self, other) if p.end]
        return Period(max(starts, default=None), min(ends, default=None))

    @property
    def empty(self) -> bool:
        return self.start is not None and self.end is not None and self.start >= self.end


ALWAYS = Period()


@dataclass(frozen=True)
class SecretRef:
    """Where a secret stands in the store: `!secret keycloak/admin#client_secret` is a path and a field."""

    path: str
    field: str

    def __str__(self) -> str:
        return f"{self.path}#{self.field}"


# ---------------------------------------------------------------- the platform and where it runs


@dataclass(frozen=True)
class KeycloakSettings:
    url: str
    client_id: str
    client_secret: SecretRef
    realm: str = "master"  # where our own client lives
    public_url: str | None = None  # the issuer's address when it is not `url`
    verify: bool | str = True  # False, True or a CA bundle


@dataclass(frozen=True)
class KongSettings:
    admin_url: str
    proxy_url: str | None = None  # to see that the proxy has taken a change up
    admin_token: SecretRef | None = None  # sent as Kong-Admin-Token, where a proxy before the Admin API asks for one
    verify: bool | str = True


@dataclass(frozen=True)
class VaultSettings:
    url: str
    mount: str
    path: str
    auth: str = "token"  # token (VAULT_TOKEN) or approle (VAULT_ROLE_ID, VAULT_SECRET_ID)
    verify: bool | str = True


@dataclass(frozen=True)
class FileSecretsSettings:
    directory: str  # relative to the configuration directory


@dataclass(frozen=True)
class Asked:
    """That something is asked for which is there or not, and by which line."""

    origin: Origin | None = None


@dataclass(frozen=True)
class AccessLog:
    """Where the gateway writes one entry for each call; one of the two is given."""

    http: str | None = None  # a URL that takes JSON by POST
    file: str | None = None  # on each node of the gateway
    origin: Origin | None = None


@dataclass(frozen=True)
class UpstreamTarget:
    """One of the servers of an upstream."""

    place: str  # host:port
    weight: int  # its share of the calls; 0 is a standby
    origin: Origin | None = None


@dataclass(frozen=True)
class Health:
    """How the gateway finds out which servers of an upstream are well."""

    path: str
    interval: int  # seconds
    failures: int


@dataclass(frozen=True)
class Upstream:
    """Several servers that answer for one upstream. Time-outs are seconds."""

    protocol: str  # http or https
    path: str  # what all of them have before the API's own path; may be empty
    targets: tuple[UpstreamTarget, ...]
    health: Health | None = None
    connect: int = 60
    read: int = 60
    write: int = 60
    retries: int | None = None  # None: as the methods of the API allow
    verify: bool = True
    origin: Origin | None = None


@dataclass(frozen=True)
class Environment:
    name: str
    embedded: bool = False  # the sandbox: addresses and secrets come from it
    keycloak: KeycloakSettings | None = None
    kong: KongSettings | None = None
    secrets: VaultSettings | FileSecretsSettings | None = None
    upstreams: Mapping[str, str | Upstream] = field(default_factory=dict)  # name -> URL, or several servers
    access_log: AccessLog | None = None
    metrics: Asked | None = None  # counters for Prometheus
    title: str = ""
    origin: Origin | None = None


@dataclass(frozen=True)
class Limits:
    deletes: int = 10  # more deletes than this in one plan must be named: --allow-deletes N
    parallel: int = 10  # writes in flight per target


@dataclass(frozen=True)
class Platform:
    name: str  # the ownership mark on everything we create
    title: str
    locale: str  # ja or en
    zone: ZoneInfo
    limits: Limits = Limits()
    origin: Origin | None = None


# ---------------------------------------------------------------- roles and data scopes


@dataclass(frozen=True)
class Role:
    name: str
    title: str
    mfa: bool = False
    includes: tuple[str, ...] = ()  # composite: who has this role has these too
    max_holders: int | None = None
    description: str = ""
    origin: Origin | None = None


@dataclass(frozen=True)
class Fiware:
    service: str  # Fiware-Service
    paths: tuple[str, ...] = ("/#",)  # Fiware-ServicePath; /road/# takes everything below


@dataclass(frozen=True)
class DataScope:
    name: str
    title: str
    owner: str  # tenant
    disclosure: Disclosure
    period: Period = ALWAYS
    fiware: Fiware | None = None
    paths: tuple[str, ...] = ()  # path prefixes, for APIs with `scoping: path`
    description: str = ""
    origin: Origin | None = None


# ---------------------------------------------------------------- APIs


class Scoping(StrEnum):
    NONE = "none"  # the API has no data scopes
    FIWARE = "fiware-headers"
    PATH = "path"


@dataclass(frozen=True)
class Level:
    name: str
    methods: tuple[str, ...]  # upper case, sorted
    limit: Mapping[str, int] = field(
        default_factory=dict
    )  # second|minute|hour|day|month|year -> calls, plan and override merged
    origin: Origin | None = None


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
    description: str = ""
    origin: Origin | None = None

    def level(self, name: str) -> Level:
        return next(level for level in self.levels if level.name == name)

    def version(self, name: str) -> Version:
        return next(version for version in self.versions if version.name == name)


# ---------------------------------------------------------------- realms


@dataclass(frozen=True)
class RealmBaseline:
    """What a realm template says, with `extends` already folded in. Durations are seconds."""

    template: str
    mfa: MfaMode = MfaMode.EVERYONE
    factors: tuple[str, ...] = ("totp",)  # totp, passkey
    password_policy: Mapping[str, int | bool] = field(default_factory=dict)  # length, digits, … as Keycloak names them
    brute_force: Mapping[str, int | bool] = field(default_factory=dict)  # failures, wait, …
    tokens: Mapping[str, int] = field(default_factory=dict)  # access, sso_idle, sso_max, …
    otp: Mapping[str, int | str | bool] = field(default_factory=dict)
    events_days: int = 365
    locales: tuple[str, ...] = ("ja", "en")
    ssl_required: str = "external"
    attributes: tuple[str, ...] = ()  # user-profile attributes that the platform declares besides its own
    origin: Origin | None = None


@dataclass(frozen=True)
class Realm:
    name: str
    title: str
    owner: str  # tenant
    baseline: RealmBaseline
    origin: Origin | None = None


# ---------------------------------------------------------------- tenants: their people and their services


@dataclass(frozen=True)
class Group:
    tenant: str
    name: str
    title: str
    roles: tuple[str, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True)
class User:
    tenant: str
    username: str
    family_name: str
    given_name: str
    email: str | None
    groups: tuple[str, ...] = ()  # groups of the same tenant
    roles: tuple[str, ...] = ()  # given directly
    period: Period = ALWAYS
    attributes: Mapping[str, str] = field(default_factory=dict)
    origin: Origin | None = None


@dataclass(frozen=True)
class Approval:
    application: str
    by: str  # tenant
    on: date


@dataclass(frozen=True)
class Grant:
    tenant: str
    service: str  # full name, tenant.service
    api: str
    levels: tuple[str, ...]
    scopes: tuple[str, ...]  # data scopes; empty where the API has none
    versions: tuple[str, ...]  # resolved: every version that is at the gateway when YAML names none
    period: Period = ALWAYS
    approval: Approval | None = None
    origin: Origin | None = None


@dataclass(frozen=True)
class Service:
    tenant: str
    id: str  # the short name, unique in its tenant
    title: str
    auth: frozenset[Auth]
    allowed_ips: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    limits: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)  # (api, level) -> its own limit
    period: Period = ALWAYS
    contact: str | None = None
    origin: Origin | None = None

    @property
    def name(self) -> str:
        return f"{self.tenant}.{self.id}"


@dataclass(frozen=True)
class Tenant:
    name: str
    title: str
    type: TenantType
    realm: str  # the realm its people and clients live in
    shared: bool  # in another tenant's realm, under its own top-level group
    groups: tuple[Group, ...] = ()
    users: tuple[User, ...] = ()
    services: tuple[Service, ...] = ()
    origin: Origin | None = None


# ---------------------------------------------------------------- all of it


@dataclass(frozen=True)
class Catalog:
    """One platform in one environment. Every mapping is sorted by its key, whatever the order of files."""

    platform: Platform
    environment: Environment
    as_of: datetime  # the instant at which periods are judged; aware
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    realms: Mapping[str, Realm] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    scopes: Mapping[str, DataScope] = field(default_factory=dict)
    apis: Mapping[str, Api] = field(default_factory=dict)

    def services(self) -> Iterator[Service]:
        for tenant in self.tenants.values():
            yield from tenant.services

    def users(self) -> Iterator[User]:
        for tenant in self.tenants.values():
            yield from tenant.users

    def groups(self) -> Iterator[Group]:
        for tenant in self.tenants.values():
            yield from tenant.groups

    def grants(self) -> Iterator[Grant]:
        for service in self.services():
            yield from service.grants

    def realm_of(self, tenant: str) -> Realm:
        return self.realms[self.tenants[tenant].realm]

    def roles_with(self, role: str) -> frozenset[str]:
        """The role and all that it includes, directly or through others."""
        found: set[str] = set()
        todo = [role]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(self.roles[name].includes)
        return frozenset(found)

    def demands_mfa(self, role: str) -> bool:
        return any(self.roles[name].mfa for name in self.roles_with(role))

    def next_change(self) -> datetime | None:
        """The next instant after `as_of` at which a period begins or ends, so that a plan can say when to run again."""
        periods = [
            *(user.period for user in self.users()),
            *(service.period for service in self.services()),
            *(grant.period for grant in self.grants()),
            *(scope.period for scope in self.scopes.values()),
        ]
        instants = (instant for period in periods for instant in (period.start, period.end) if instant)
        return min((instant for instant in instants if instant > self.as_of), default=None)
