"""Everything that the files declare, each with its place: what the checks look at, before it is a catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from control_plane.catalog.documents import (
    ApiDocument,
    Entry,
    PlatformDocument,
    RolesDocument,
    TemplatesDocument,
    TenantDocument,
)
from control_plane.catalog.documents.directories import DirectoryEntry
from control_plane.catalog.documents.grants import GrantEntry
from control_plane.catalog.documents.platform import EnvironmentEntry
from control_plane.catalog.documents.providers import IdentityProviderEntry
from control_plane.catalog.documents.roles import RoleEntry, ScopeEntry
from control_plane.catalog.documents.templates import PlanEntry, RealmTemplateEntry
from control_plane.catalog.documents.tenants import GroupEntry, GuestEntry, ServiceEntry, UserEntry
from control_plane.catalog.located import Located
from control_plane.catalog.shape import Shaped

E = TypeVar("E", bound=Entry)


@dataclass(frozen=True)
class DeclaredTenant:
    """A tenant's file, its people from YAML and roster together."""

    tenant: Located[TenantDocument]
    users: tuple[Located[UserEntry], ...] = ()

    @property
    def name(self) -> str:
        return self.tenant.value.tenant

    def groups(self) -> Iterator[Located[GroupEntry]]:
        return items(self.tenant, "groups", self.tenant.value.groups)

    def guests(self) -> Iterator[Located[GuestEntry]]:
        return items(self.tenant, "guests", self.tenant.value.guests)

    def services(self) -> Iterator[Located[ServiceEntry]]:
        return items(self.tenant, "services", self.tenant.value.services)

    def directories(self) -> Iterator[Located[DirectoryEntry]]:
        return items(self.tenant, "directories", self.tenant.value.directories)

    def identity_providers(self) -> Iterator[Located[IdentityProviderEntry]]:
        return items(self.tenant, "identity_providers", self.tenant.value.identity_providers)


@dataclass
class Declared:
    """All files together, in the order of their names; an id may still stand twice."""

    as_of: datetime
    platform: Located[PlatformDocument] | None = None
    tenants: list[DeclaredTenant] = field(default_factory=list)
    apis: list[Located[ApiDocument]] = field(default_factory=list)
    roles: list[Located[RoleEntry]] = field(default_factory=list)
    scopes: list[Located[ScopeEntry]] = field(default_factory=list)
    templates: list[Located[RealmTemplateEntry]] = field(default_factory=list)
    plans: list[Located[PlanEntry]] = field(default_factory=list)
    certificates: dict[str, Sequence[x509.Certificate]] = field(default_factory=dict)  # by the name of their file
    client_keys: dict[str, Sequence[RSAPublicKey | EllipticCurvePublicKey]] = field(default_factory=dict)  # likewise
    unsure: frozenset[str] = frozenset()  # ids that were declared wrongly: known, but nothing is known of them
    unread: frozenset[str] = frozenset()  # folders with a file of which nothing could be read

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.platform.value.timezone if self.platform else "Asia/Tokyo")

    def environments(self) -> dict[str, Located[EnvironmentEntry]]:
        if not self.platform:
            return {}
        entries = self.platform.value.environments
        return {name: self.platform.part(entry, "environments", name) for name, entry in entries.items()}

    def doubtful(self, folder: str, name: str) -> bool:
        """Whether the id may be declared in something that could not be read."""
        return name in self.unsure or folder in self.unread


def items(where: Located[Entry], field: str, values: list[E]) -> Iterator[Located[E]]:
    """The items of a list, each with its place."""
    for index, value in enumerate(values):
        yield Located(value, where.source, (*where.path, field, index))


def full_name(service: str, tenant: str) -> str:
    """`tenant.service` of a service that is named by its id alone, or so already."""
    return service if "." in service else f"{tenant}.{service}"


def grants(service: Located[ServiceEntry]) -> Iterator[Located[GrantEntry]]:
    return items(service, "grants", service.value.grants)


def role_grants(role: Located[RoleEntry]) -> Iterator[Located[GrantEntry]]:
    return items(role, "grants", role.value.grants)


def stands(scope: ScopeEntry, scoping: str) -> bool:
    """Whether the scope says where it stands in an API that finds data in this way."""
    places = {"fiware-headers": bool(scope.fiware), "path": bool(scope.paths), "query": bool(scope.values)}
    return places.get(scoping, False)


def add(declared: Declared, shaped: Shaped[Entry]) -> None:
    """Put what one file declares to the rest."""
    declared.unsure |= shaped.unsure
    document, source = shaped.document, shaped.source
    match document:
        case PlatformDocument():
            declared.platform = Located(document, source)
        case TenantDocument():
            declared.tenants.append(DeclaredTenant(Located(document, source)))
        case ApiDocument():
            declared.apis.append(Located(document, source))
        case RolesDocument():
            declared.roles += items(Located(document, source), "roles", document.roles)
            declared.scopes += items(Located(document, source), "data_scopes", document.data_scopes)
        case TemplatesDocument():
            declared.templates += items(Located(document, source), "realm_templates", document.realm_templates)
            declared.plans += items(Located(document, source), "api_plans", document.api_plans)
