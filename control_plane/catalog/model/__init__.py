"""The validated configuration: frozen values, every reference resolved to an id that exists.

What the compilers, the lists and the safety rules read. Everything carries the Origin of its first line, so that a
plan can say which line of YAML asks for a change. Nothing here knows YAML, Keycloak or Kong.

    periods       when something holds: periods with a beginning and an end
    environments  the platform, and where it runs: servers, secret store, upstreams
    certificates  what the gateway trusts and shows when it calls an upstream
    clients       how a service proves to Keycloak who it is
    delegation    who administers a tenant's people, and who may look at them
    secretref     where a secret stands
    grants        what a service may call, or a person with a role through one
    roles         roles of people, and scopes of data
    apis          APIs: their versions, and the levels of access to them
    providers     identity providers: doors into a realm
    directories   people whom another server knows, with their passwords
    realms        realms, and the settings that a template gives them
    tenants       tenants: their people and their services
    catalog       all of it: one platform in one environment
"""

from control_plane.catalog.model.apis import Api, Auth, CallerKind, Cors, Default, Level, Scoping, State, Version
from control_plane.catalog.model.catalog import Catalog
from control_plane.catalog.model.certificates import Certificate, ClientCertificate
from control_plane.catalog.model.clients import ClientAuth, ClientKey, TokenIssuer
from control_plane.catalog.model.delegation import Delegates
from control_plane.catalog.model.directories import Directory, Vendor
from control_plane.catalog.model.environments import (
    AccessLog,
    Asked,
    Behind,
    Environment,
    FileSecretsSettings,
    Health,
    KeycloakSettings,
    KongSettings,
    Limits,
    MailServer,
    Platform,
    Redis,
    Upstream,
    UpstreamTarget,
    VaultSettings,
)
from control_plane.catalog.model.grants import Approval, Grant
from control_plane.catalog.model.periods import ALWAYS, Period
from control_plane.catalog.model.providers import FirstLogin, IdentityProvider, Oidc, ProviderMapper, Saml, Sync
from control_plane.catalog.model.realms import (
    Dormant,
    FirstPassword,
    MfaMode,
    People,
    ProfileAttribute,
    Realm,
    RealmBaseline,
)
from control_plane.catalog.model.roles import DataScope, Disclosure, Fiware, Role
from control_plane.catalog.model.secretref import SecretRef
from control_plane.catalog.model.tenants import Exemption, Group, Membership, Service, Tenant, TenantType, User

__all__ = [
    "ALWAYS",
    "AccessLog",
    "Api",
    "Approval",
    "Asked",
    "Auth",
    "Behind",
    "CallerKind",
    "Catalog",
    "Certificate",
    "ClientAuth",
    "ClientCertificate",
    "ClientKey",
    "Cors",
    "DataScope",
    "Default",
    "Delegates",
    "Directory",
    "Disclosure",
    "Dormant",
    "Environment",
    "Exemption",
    "FileSecretsSettings",
    "FirstLogin",
    "FirstPassword",
    "Fiware",
    "Grant",
    "Group",
    "Health",
    "IdentityProvider",
    "KeycloakSettings",
    "KongSettings",
    "Level",
    "Limits",
    "MailServer",
    "Membership",
    "MfaMode",
    "Oidc",
    "People",
    "Period",
    "Platform",
    "ProfileAttribute",
    "ProviderMapper",
    "Realm",
    "RealmBaseline",
    "Redis",
    "Role",
    "Saml",
    "Scoping",
    "SecretRef",
    "Service",
    "State",
    "Sync",
    "Tenant",
    "TenantType",
    "TokenIssuer",
    "Upstream",
    "UpstreamTarget",
    "User",
    "VaultSettings",
    "Vendor",
    "Version",
]
