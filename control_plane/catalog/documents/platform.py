"""renkei.yaml: the platform, its environments and its limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from control_plane.catalog.documents.base import Entry, one_of
from control_plane.catalog.documents.upstreams import UrlOrTargets
from control_plane.catalog.words import (
    Duration,
    EachOnce,
    FileOnNode,
    Host,
    Id,
    Proxy,
    Secret,
    Text,
    Url,
    Variable,
    Verify,
    Zone,
    wrong,
)


class KeycloakEntry(Entry):
    """The identity provider of an environment."""

    url: Url = Field(description="Where renkei reaches Keycloak.")
    realm: Text = Field("master", description="The realm of our own client.")
    client_id: Text = Field(description="Our own client; it has a service account.")
    client_secret: Secret = Field(description="Its secret: !secret path#field")
    public_url: Url | None = Field(None, description="The issuer's address in tokens, where it is not `url`.")
    verify: Verify = Field(True, description="Check the server's certificate; a path names the CA bundle.")


class RedisEntry(Entry):
    """Where several nodes of the gateway count calls together."""

    host: Host = Field(description="Where the nodes reach it.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(6379, description="Its port.")
    database: Annotated[int, Field(ge=0, le=1_000_000)] = Field(0, description="The number of its database.")
    username: Text | None = Field(None, description="For Redis with an ACL (6 or later).")
    password_variable: Variable | None = Field(
        None, description="The environment variable of each node that holds the password; renkei never sees it."
    )
    tls: bool = Field(False, description="Speak TLS to it.")
    verify: bool = Field(True, description="With tls: check its certificate against what the node trusts.")
    timeout: Annotated[Duration, Field(le=60)] = Field(1, description="Seconds that a call may wait for it.")


class BehindEntry(Entry):
    """The proxies before the gateway, whose word on a client's address counts."""

    proxies: Annotated[list[Proxy], EachOnce] = Field(min_length=1, description="Their addresses or networks.")
    header: Literal["X-Forwarded-For", "X-Real-IP"] = Field(
        "X-Forwarded-For", description="The header in which they name the client."
    )
    several: bool = Field(False, description="Whether a call passes more than one of them.")


class KongEntry(Entry):
    """The gateway of an environment."""

    admin_url: Url = Field(description="The Admin API.")
    proxy_url: Url | None = Field(None, description="The gateway itself, to see that a change was taken up.")
    admin_token: Secret | None = Field(None, description="Sent as Kong-Admin-Token, where a proxy asks for one.")
    verify: Verify = Field(True, description="Check the server's certificate; a path names the CA bundle.")
    redis: RedisEntry | None = Field(None, description="Count calls for all nodes together; left out: each for itself.")
    behind: BehindEntry | None = Field(None, description="Load balancers before the gateway.")


class VaultEntry(Entry):
    """Vault or OpenBao, KV version 2."""

    url: Url = Field(description="Where the store answers.")
    mount: Text = Field("secret", description="The mount of the KV engine.")
    path: Text = Field(description="What stands before the path of every secret.")
    auth: Literal["token", "approle"] = Field(
        "token",
        description="token: VAULT_TOKEN. approle: VAULT_ROLE_ID and VAULT_SECRET_ID.",
    )
    verify: Verify = Field(True, description="Check the server's certificate; a path names the CA bundle.")


class SecretsEntry(Entry):
    """The store of secrets: one of `vault` and `files`."""

    model_config = ConfigDict(json_schema_extra=one_of("vault", "files"))

    vault: VaultEntry | None = Field(None, description="Vault or OpenBao.")
    files: Text | None = Field(None, description="A directory, relative to the configuration. Not for production.")

    @model_validator(mode="after")
    def _one_of_them(self) -> SecretsEntry:
        if (self.vault is None) == (self.files is None):
            raise wrong("exactly one of 'vault' and 'files' is expected")
        return self


class AccessLogEntry(Entry):
    """Where the gateway writes one entry for each call: one of `http` and `file`."""

    model_config = ConfigDict(json_schema_extra=one_of("http", "file"))

    http: Url | None = Field(None, description="Entries are sent here by POST, as a JSON list of up to 100.")
    file: FileOnNode | None = Field(None, description="A file on each node of the gateway, one JSON object per line.")

    @model_validator(mode="after")
    def _one_of_them(self) -> AccessLogEntry:
        if (self.http is None) == (self.file is None):
            raise wrong("exactly one of 'http' and 'file' is expected")
        return self


class MailEntry(Entry):
    """The server that takes the mails of an environment's realms."""

    host: Host = Field(description="Where it answers.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="Its port.")
    encryption: Literal["starttls", "tls", "none"] = Field("starttls", description="Links by mail open accounts.")
    user: Text | None = Field(None, description="Whom we are to it.")
    password: Secret | None = Field(None, description="The user's password: !secret path#field")

    @model_validator(mode="after")
    def _both(self) -> MailEntry:
        if (self.user is None) != (self.password is None):
            raise wrong("'user' and 'password' are given together, or neither")
        return self


class EnvironmentEntry(Entry):
    """A place where the platform runs. With neither `keycloak` nor `kong` it is the embedded sandbox."""

    title: Text | None = Field(None, description="What people call it.")
    extends: Id | None = Field(None, description="Takes every section that is not given here from that environment.")
    keycloak: KeycloakEntry | None = Field(None, description="The identity provider.")
    kong: KongEntry | None = Field(None, description="The gateway.")
    secrets: SecretsEntry | None = Field(None, description="The store of secrets.")
    upstreams: dict[Id, UrlOrTargets] | None = Field(
        None, description="Where the servers of the APIs are: name, and a URL or several targets."
    )
    mail: MailEntry | None = Field(None, description="Where the realms' mails go out.")
    access_log: AccessLogEntry | None = Field(None, description="One entry for each call, without personal data.")
    metrics: bool | None = Field(None, description="Counters for Prometheus at the Admin API's /metrics.")


class LimitsEntry(Entry):
    """Bounds on one run."""

    deletes: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        10, description="A plan that deletes more is refused unless the number is named."
    )
    parallel: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="Requests in flight per system; left out: 10 at Keycloak, 16 at Kong."
    )
    calls_per_month: Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None = Field(
        None, description="Calls that the whole platform is built for in a month; the list of services compares."
    )


class PlatformDocument(Entry):
    """The platform itself."""

    platform: Id = Field(description="The ownership mark on everything that renkei creates. Never change it.")
    title: Text | None = Field(None, description="What people call the platform.")
    locale: Literal["ja", "en"] = Field("ja", description="The language of lists and headings.")
    timezone: Zone = Field("Asia/Tokyo", description="The zone in which a date is a day (IANA name).")
    limits: LimitsEntry = Field(default_factory=LimitsEntry, description="How much one run may do.")
    environments: dict[Id, EnvironmentEntry] = Field(min_length=1, description="Where the platform runs.")
