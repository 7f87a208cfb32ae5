"""Tenants: their people and their services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from control_plane.catalog.model.apis import Auth
from control_plane.catalog.model.clients import ClientAuth, TokenIssuer, host_of
from control_plane.catalog.model.delegation import Delegates
from control_plane.catalog.model.directories import Directory
from control_plane.catalog.model.grants import Grant
from control_plane.catalog.model.periods import ALWAYS, Period
from control_plane.catalog.model.providers import IdentityProvider
from control_plane.problems import Origin


class TenantType(StrEnum):
    PREFECTURE = "prefecture"
    MUNICIPALITY = "municipality"
    UNIVERSITY = "university"
    COMPANY = "company"


@dataclass(frozen=True)
class Group:
    tenant: str
    name: str
    title: str
    roles: tuple[str, ...] = ()
    origin: Origin | None = None
    path: str | None = None  # where it stands in Keycloak; None: below the tenant's own group


@dataclass(frozen=True)
class Exemption:
    """From the second factor."""

    reason: str
    period: Period


@dataclass(frozen=True)
class Membership:
    """In groups of a tenant that is not the person's own."""

    tenant: str
    groups: tuple[str, ...]
    period: Period = ALWAYS
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
    exempt: Exemption | None = None
    elsewhere: tuple[Membership, ...] = ()  # as a guest of other tenants of the realm
    previously: str | None = None  # the username before
    origin: Origin | None = None


@dataclass(frozen=True)
class Service:
    tenant: str
    id: str  # the short name, unique in its tenant
    title: str
    auth: frozenset[Auth]
    allowed_ips: tuple[str, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    web_origins: tuple[str, ...] = ()  # empty: those of the redirect addresses
    public: bool = False  # it can keep no secret, proves nothing and has no token of its own
    client_auth: ClientAuth | None = None  # None: a secret from the store, unless it is public
    grants: tuple[Grant, ...] = ()
    limits: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)  # (api, level) -> its own limit
    period: Period = ALWAYS
    contact: str | None = None
    token_issuer: TokenIssuer | None = None  # None: its tokens come from its tenant's realm
    pairwise: bool = False  # it knows people by ids of its own
    sector_url: str | None = None  # whose host these are made with; None: that of the redirect addresses
    assurance: int = 1  # 2: a second factor at every login through it
    previously: str | None = None  # its full name, tenant.service, before it was renamed or moved
    origin: Origin | None = None

    @property
    def name(self) -> str:
        return f"{self.tenant}.{self.id}"

    @property
    def sector(self) -> str:
        """The host with which the ids are made that it alone knows people by."""
        return host_of(self.sector_url or self.redirect_uris[0])


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
    identity_providers: tuple[IdentityProvider, ...] = ()
    directories: tuple[Directory, ...] = ()
    administrators: Delegates | None = None  # of its people
    auditors: Delegates | None = None  # who see its people and change nothing
    limits: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)  # for each of its services
    limits_origin: Origin | None = None
    origin: Origin | None = None

    @property
    def delegation(self) -> Origin | None:
        """Where it says who administers its people, or who sees them."""
        asked = self.administrators or self.auditors
        return asked.origin if asked else None
