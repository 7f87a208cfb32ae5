"""Whose an object is: attributes that we write on everything we create, and a name prefix where there are none.

Users, roles and groups hold lists of texts in their attributes; realms, clients and client scopes hold texts.
"""

from __future__ import annotations

from control_plane.keycloak.answers import Json

PLATFORM = "renkei.platform"  # the platform's name: the object is ours
TENANT = "renkei.tenant"  # the tenant that it belongs to
TITLE = "renkei.title"  # its name for people, where Keycloak has no field for one
EXEMPT = "renkei-mfa-exempt"  # of a person: no second factor is asked of him
MANAGED = "managed"  # the field of a plan that tells of an adoption
LEFT = "renkei-left"  # of a person: the day on which an apply found him gone from the YAML
INVITED = "renkei-invited"  # of a person: the day of the invitation by mail, NOT_YET until it has gone out
NOT_YET = "not yet"
DORMANT = "renkei-dormant"  # of a person: the day on which an apply disabled him for not signing in
PREFIX = "renkei-"  # of flows and of our own role, which have no attributes or no tenant


def attribute(found: Json, name: str) -> str | None:
    """An attribute's one value, whichever way the object holds it; None where it is absent or has several."""
    attributes = found.get("attributes")
    value = attributes.get(name) if isinstance(attributes, dict) else None
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    return value if isinstance(value, str) else None


def is_ours(found: Json, platform: str) -> bool:
    return attribute(found, PLATFORM) == platform


def is_nobodys(found: Json) -> bool:
    """No platform's mark is on it: neither ours nor another one's that shares the server."""
    return (found.get("attributes") or {}).get(PLATFORM) in (None, "", [], [""])


def belongs(found: Json) -> frozenset[str]:
    """The tenant that an object's mark names."""
    tenant = attribute(found, TENANT)
    return frozenset({tenant} if tenant else ())


def marks(platform: str, tenant: str | None = None, title: str | None = None) -> dict[str, str]:
    """The mark as texts."""
    found = {PLATFORM: platform, TENANT: tenant, TITLE: title}
    return {name: value for name, value in found.items() if value}


def lists(attributes: dict[str, str]) -> dict[str, list[str]]:
    """Attributes as users, roles and groups hold them."""
    return {name: [value] for name, value in attributes.items()}
