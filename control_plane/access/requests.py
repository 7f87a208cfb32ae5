"""What is asked of the gateway, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from control_plane.problems import Origin

ACCESS_TOKEN = "Bearer"  # noqa: S105  what Keycloak writes into `typ` of an access token


@dataclass(frozen=True)
class ApiKey:
    """A key in the header `apikey`."""

    of: str | None  # the service whose key it is, tenant.service; None: nobody's


@dataclass(frozen=True)
class Token:
    """A token in the header `Authorization: Bearer`; what it says of itself, and whose key has signed it."""

    client: str | None  # its `azp`, tenant.service
    realm: str | None  # of the issuer; None: an issuer that is none of ours
    signed_by: str | None  # the realm whose current key made the signature, or the issuer whose key did
    expires: datetime | None
    kind: str | None = ACCESS_TOKEN  # its `typ`
    not_before: datetime | None = None  # its `nbf`
    audience: str | tuple[str, ...] | None = None  # its `aud`
    service: str | None = None  # the client, when it has signed in by itself; a login of a person has no such claim
    issuer: str | None = None  # its `iss`, where that is none of our realms
    client_id: str | None = None  # what a service account's token says at a platform that writes no `service`
    session: str | None = None  # its `sid`: a person has signed in
    roles: tuple[str, ...] = ()  # of the person, included ones too
    consents: tuple[str, ...] = ()  # the data scopes that it names: for which the person was asked, or nobody is


@dataclass(frozen=True)
class Credentials:
    """What a caller shows; both may be shown at once."""

    key: ApiKey | None = None
    token: Token | None = None


@dataclass(frozen=True)
class Request:
    """One call as it arrives at the gateway."""

    credentials: Credentials
    method: str  # as it is sent: methods have a case (RFC 9110, 9.1)
    path: str  # the whole path, as it is sent
    at: datetime  # aware
    address: str | None = None  # None: one of those that are allowed
    scope: str | None = None  # X-Data-Scope
    service_path: str | None = None  # Fiware-ServicePath


@dataclass(frozen=True)
class Because:
    """A line of the YAML that takes part in the decision."""

    what: str  # api, version, level, service, grant, scope, tenant, role
    says: str
    origin: Origin | None


@dataclass(frozen=True)
class Limit:
    """So many calls in a span, and who says so."""

    span: str  # second, minute, hour, day, month, year
    calls: int
    of: str  # level: for every service; tenant: for each of its services; service: its own, which goes first
    counted: str  # service: for each one by itself; address: where callers are not known
    origin: Origin | None


@dataclass(frozen=True)
class Decision:
    """What the gateway answers, 200 standing for whatever the upstream does, and why."""

    status: int  # 200, 400, 401, 403, 404, 410
    reason: str
    because: tuple[Because, ...] = ()
    api: str | None = None  # where the path leads
    version: str | None = None
    level: str | None = None
    service: str | None = None  # who the caller is found to be
    scope: str | None = None  # the data that are opened, where the API has data scopes
    limits: tuple[Limit, ...] = ()
    fiware: tuple[str, str] | None = None  # Fiware-Service and Fiware-ServicePath that go to the upstream

    @property
    def allowed(self) -> bool:
        return self.status == 200
