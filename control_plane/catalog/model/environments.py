"""The platform, and where it runs: servers, secret store, upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from control_plane.catalog.model.certificates import Certificate, ClientCertificate
from control_plane.catalog.model.secretref import SecretRef
from control_plane.problems import Origin


@dataclass(frozen=True)
class KeycloakSettings:
    url: str
    client_id: str
    client_secret: SecretRef
    realm: str = "master"  # where our own client lives
    public_url: str | None = None  # the issuer's address when it is not `url`
    verify: bool | str = True  # False, True or a CA bundle


@dataclass(frozen=True)
class Redis:
    """Where several nodes of the gateway count calls together."""

    host: str
    port: int = 6379
    database: int = 0
    username: str | None = None
    password_variable: str | None = None  # the environment variable of each node that holds the password
    tls: bool = False
    verify: bool = True  # with tls: check the server's certificate
    timeout: int = 1  # seconds
    origin: Origin | None = None


@dataclass(frozen=True)
class Behind:
    """The proxies before the gateway, whose word on a client's address the nodes take."""

    proxies: tuple[str, ...]  # addresses and networks
    header: str = "X-Forwarded-For"
    several: bool = False  # whether a call passes more than one of them
    origin: Origin | None = None


@dataclass(frozen=True)
class KongSettings:
    admin_url: str
    proxy_url: str | None = None  # to see that the proxy has taken a change up
    admin_token: SecretRef | None = None  # sent as Kong-Admin-Token, where a proxy before the Admin API asks for one
    verify: bool | str = True
    redis: Redis | None = None  # None: each node counts for itself
    behind: Behind | None = None  # None: clients reach the nodes themselves


@dataclass(frozen=True)
class MailServer:
    """Where an environment's realms send their mails."""

    host: str
    port: int
    encryption: str  # starttls, tls or none
    user: str | None = None
    password: SecretRef | None = None
    origin: Origin | None = None


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
    authorities: tuple[Certificate, ...] = ()  # who vouches for the servers; none: whom the node trusts
    client: ClientCertificate | None = None
    origin: Origin | None = None

    def certificates(self) -> tuple[Certificate, ...]:
        return (*self.authorities, *((self.client.certificate,) if self.client else ()))


@dataclass(frozen=True)
class Environment:
    name: str
    embedded: bool = False  # the sandbox: addresses and secrets come from it
    keycloak: KeycloakSettings | None = None
    kong: KongSettings | None = None
    secrets: VaultSettings | FileSecretsSettings | None = None
    upstreams: Mapping[str, str | Upstream] = field(default_factory=dict)  # name -> URL, or several servers
    mail: MailServer | None = None
    access_log: AccessLog | None = None
    metrics: Asked | None = None  # counters for Prometheus
    title: str = ""
    origin: Origin | None = None


@dataclass(frozen=True)
class Limits:
    deletes: int = 10  # more deletes than this in one plan must be named: --allow-deletes N
    parallel: int | None = None  # requests in flight per system; None: the number that suits each
    calls_per_month: int | None = None  # what the platform as a whole is built for; shown in the list of services


@dataclass(frozen=True)
class Platform:
    name: str  # the ownership mark on everything we create
    title: str
    locale: str  # ja or en
    zone: ZoneInfo
    limits: Limits = Limits()
    origin: Origin | None = None
