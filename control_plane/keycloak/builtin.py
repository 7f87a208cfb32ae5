"""What Keycloak puts into every realm: never ours, never touched, and left out of the lists of unmanaged objects,
unless it opens a way in that it does not open by itself.

The names are those of Keycloak 26; flows say of themselves that they are built in.
"""

from __future__ import annotations

CLIENTS = frozenset(
    {
        "account",
        "account-console",
        "admin-cli",
        "admin-permissions",
        "broker",
        "realm-management",
        "security-admin-console",
    }
)
SCOPES = frozenset(
    {
        "acr",
        "address",
        "AuthnContextClassRef",
        "basic",
        "email",
        "microprofile-jwt",
        "offline_access",
        "organization",
        "phone",
        "profile",
        "role_list",
        "roles",
        "saml_organization",
        "service_account",
        "web-origins",
    }
)


def is_role(realm: str, name: str) -> bool:
    return name in ("offline_access", "uma_authorization", default_roles(realm))


def default_roles(realm: str) -> str:
    """The composite role that every new user has."""
    return f"default-roles-{realm}"
