"""Identity providers: doors into a realm for people whom another login has proven."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from control_plane.catalog.model.certificates import Certificate
from control_plane.catalog.model.secretref import SecretRef
from control_plane.problems import Origin


class FirstLogin(StrEnum):
    EXISTING_ONLY = "existing-only"  # who has an account here and proves it
    CREATE = "create"  # and who has none gets one


class Sync(StrEnum):
    """When name and e-mail are taken from the provider."""

    IMPORT = "import"  # at the first login
    FORCE = "force"  # at every login


@dataclass(frozen=True)
class Oidc:
    issuer: str
    authorization_url: str
    token_url: str
    keys_url: str
    client_id: str
    client_secret: SecretRef | None = None  # None: the realm signs with its own key
    userinfo_url: str | None = None
    logout_url: str | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")


@dataclass(frozen=True)
class Saml:
    entity_id: str
    sign_on_url: str
    certificates: tuple[Certificate, ...]  # that it signs with, as they follow each other in the file
    logout_url: str | None = None
    name_id: str = "persistent"  # persistent, email


@dataclass(frozen=True)
class ProviderMapper:
    """What becomes of something that the provider says of a person: an attribute, a role or a group, one of them."""

    claim: str | None = None  # None: a group for every account that is made
    value: str | None = None
    attribute: str | None = None
    role: str | None = None
    group: str | None = None  # of the provider's tenant
    path: str | None = None  # where that group stands in Keycloak, when not below the tenant's own


@dataclass(frozen=True)
class IdentityProvider:
    tenant: str  # whose people come through it
    name: str  # unique in the realm; part of the address that people come back to
    title: str
    protocol: Oidc | Saml
    first_login: FirstLogin
    sync: Sync = Sync.IMPORT
    mappers: tuple[ProviderMapper, ...] = ()
    hidden: bool = False
    origin: Origin | None = None
