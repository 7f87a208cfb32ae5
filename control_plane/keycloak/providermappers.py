"""What becomes of what an identity provider says of people, as mappers of Keycloak.

A role or a group by a claim is given at each login that says so and taken at each that does not (FORCE), whatever else
is taken only once: nobody keeps a right that the provider no longer vouches for. So such roles and groups are the
provider's to give, and of people who are linked to it they are not compared with what Git says (`given`).

Keycloak takes a sort of mapper that it does not know, and a role that is not there, without a word: so the mappers are
compared whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from control_plane.catalog.model import IdentityProvider, Oidc, ProviderMapper
from control_plane.engine.values import canonical
from control_plane.keycloak import groups
from control_plane.keycloak.answers import Json

FIELDS = {"email": "email", "given_name": "firstName", "family_name": "lastName"}
FORCE, IMPORT, INHERIT = "FORCE", "IMPORT", "INHERIT"
ROLE = {"oidc": "oidc-role-idp-mapper", "saml": "saml-role-idp-mapper"}
GROUP = {"oidc": "oidc-advanced-group-idp-mapper", "saml": "saml-advanced-group-idp-mapper"}
EVERYBODY = "oidc-hardcoded-group-idp-mapper"  # of either protocol


def wanted(provider: IdentityProvider) -> frozenset[str]:
    """Each as one text that can be compared, read, and turned into a mapper again."""
    sort: Callable[[IdentityProvider, ProviderMapper], tuple[str, str, Json]]
    sort = _oidc if isinstance(provider.protocol, Oidc) else _saml
    return frozenset(_line(*sort(provider, one)) for one in provider.mappers)


def line(one: Json) -> str:
    """A mapper that is there, likewise."""
    return _line(str(one.get("name")), str(one.get("identityProviderMapper")), one.get("config") or {})


def _line(name: str, sort: str, config: Json) -> str:
    return canonical({"name": name, "type": sort, **config})


def body(alias: str, line: str) -> Json:
    """The mapper as Keycloak takes it."""
    config = json.loads(line)
    name, sort = config.pop("name"), config.pop("type")
    return {"name": name, "identityProviderAlias": alias, "identityProviderMapper": sort, "config": config}


def given(lines: Iterable[str]) -> frozenset[str]:
    """The roles by name, and the groups by path, that logins give and take."""
    mappers = [json.loads(line) for line in lines]
    roles = (str(one.get("role")) for one in mappers if one["type"] in ROLE.values())
    paths = (str(one.get("group")) for one in mappers if one["type"] in GROUP.values())
    return frozenset((*roles, *paths))


def _oidc(provider: IdentityProvider, one: ProviderMapper) -> tuple[str, str, Json]:
    if one.attribute == "username":
        config = {"syncMode": IMPORT, "target": "LOCAL", "template": f"${{CLAIM.{one.claim}}}"}
        return "username", "oidc-username-idp-mapper", config
    if one.attribute is not None:
        field = FIELDS.get(one.attribute, one.attribute)
        config = {"syncMode": INHERIT, "claim": str(one.claim), "user.attribute": field}
        return f"attribute {one.attribute}", "oidc-user-attribute-idp-mapper", config
    if one.role is not None:
        config = {"syncMode": FORCE, "claim": str(one.claim), "claim.value": str(one.value), "role": one.role}
        return f"role {one.role} by {one.claim}={one.value}", ROLE["oidc"], config
    if one.claim is None:
        return _everybody(provider, one)
    config = {"claims": _pairs(one), "are.claim.values.regex": "false", **_group(provider, one)}
    return f"group {one.group} by {one.claim}={one.value}", GROUP["oidc"], config


def _saml(provider: IdentityProvider, one: ProviderMapper) -> tuple[str, str, Json]:
    if one.attribute == "username":
        config = {"syncMode": IMPORT, "target": "LOCAL", "template": f"${{ATTRIBUTE.{one.claim}}}"}
        return "username", "saml-username-idp-mapper", config
    if one.attribute is not None:
        field = FIELDS.get(one.attribute, one.attribute)
        config = {"syncMode": INHERIT, "attribute.name": str(one.claim), "user.attribute": field}
        return f"attribute {one.attribute}", "saml-user-attribute-idp-mapper", config
    if one.role is not None:
        config = {"syncMode": FORCE, "attribute.name": str(one.claim), "attribute.value": str(one.value)}
        return f"role {one.role} by {one.claim}={one.value}", ROLE["saml"], {**config, "role": one.role}
    if one.claim is None:
        return _everybody(provider, one)
    config = {"attributes": _pairs(one), "are.attribute.values.regex": "false", **_group(provider, one)}
    return f"group {one.group} by {one.claim}={one.value}", GROUP["saml"], config


def _everybody(provider: IdentityProvider, one: ProviderMapper) -> tuple[str, str, Json]:
    """Only accounts that are made: people who have one already stand in the groups that Git says."""
    return f"group {one.group}", EVERYBODY, {**_group(provider, one), "syncMode": IMPORT}


def _group(provider: IdentityProvider, one: ProviderMapper) -> Json:
    return {"syncMode": FORCE, "group": one.path or groups.path_below(provider.tenant, str(one.group))}


def _pairs(one: ProviderMapper) -> str:
    return canonical([{"key": one.claim, "value": one.value}])
