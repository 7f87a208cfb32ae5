"""Mappers that can forge whose a token is, for whom it is, and what it opens.

The realm signs whatever a mapper writes, so nobody who reads the token can tell: a client with `azp`, `aud` and
`service` of its own choice passes for another service at the gateway. Keycloak answers 201, and lets a mapper write any
claim but `iss`, `exp`, `iat`, `jti` and `typ`; those among them that matter are told all the same.

What a mapper of Keycloak's own kinds writes follows from its type and its settings; of a kind that we do not know, a
script above all, nobody can say. Into which of the tokens it writes is not looked at: that is one switch away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from control_plane.keycloak import mappers
from control_plane.keycloak.answers import Json

READ_BY_THE_GUARD = frozenset(
    {"aud", "azp", "client_id", "data", "iss", "nbf", "realm_access", "service", "sid", "typ"}
)
CLAIMS = READ_BY_THE_GUARD | {"acr", "exp", "sub"}  # `acr`, the level of a login, is for applications
NAMED = frozenset(  # write into the claim that their settings name, and into none without
    {
        "oidc-claims-param-value-idtoken-mapper",
        "oidc-group-membership-mapper",
        "oidc-hardcoded-claim-mapper",
        "oidc-organization-group-membership-mapper",
        "oidc-organization-membership-mapper",
        "oidc-usermodel-attribute-mapper",
        "oidc-usermodel-client-role-mapper",
        "oidc-usermodel-property-mapper",
        "oidc-usermodel-realm-role-mapper",
        "oidc-usersessionmodel-note-mapper",
    }
)
TRUE = frozenset(  # write what Keycloak knows, into a claim of their own
    {
        "oidc-acr-mapper",
        "oidc-address-mapper",
        "oidc-allowed-origins-mapper",
        "oidc-amr-mapper",
        "oidc-audience-resolve-mapper",
        "oidc-claims-param-token-mapper",
        "oidc-full-name-mapper",
        "oidc-nonce-backwards-compatible-mapper",
        "oidc-session-state-mapper",
        "oidc-sha256-pairwise-sub-mapper",  # a digest, which nobody can turn to another person's
        "oidc-sub-mapper",
    }
)
AUDIENCE = "oidc-audience-mapper"
ROLES = {"oidc-hardcoded-role-mapper": "a role that nobody gave", "oidc-role-name-mapper": "a role by another name"}
CLIENT_ID = "${client_id}"  # in the name of a claim: any that somebody calls a client by
DECIDING = ("type", "claim.name", "user.session.note", mappers.ROLE_PREFIX)  # what a mapper writes follows from these
STOCK = (  # Keycloak's own, and true: of a person her roles, of a client that has signed in by itself its id
    {"type": "oidc-usermodel-realm-role-mapper", "claim.name": "realm_access.roles"},
    {"type": "oidc-usersessionmodel-note-mapper", "claim.name": "client_id", "user.session.note": mappers.NOTE},
)


def of(platform: str, found: Iterable[Json]) -> list[tuple[str, Json]]:
    """What each forging mapper writes, in words with its name, and the mapper; sorted by that."""
    told = [(f"{one.get('name')} ({what})", one) for one in found if (what := _forges(platform, one))]
    return sorted(told, key=lambda one: one[0])


def _forges(platform: str, mapper: Json) -> str | None:
    """What it writes that others go by; None where it does no harm."""
    if mapper.get("protocol", "openid-connect") != "openid-connect":
        return None  # of SAML: it never comes into a token
    sort, config = str(mapper.get("protocolMapper")), mapper.get("config") or {}
    if sort in TRUE or _is_stock(mapper):
        return None
    if sort in NAMED:
        claim = _claim(str(config.get("claim.name") or ""))
        return claim if claim in CLAIMS or CLIENT_ID in claim else None
    if sort == AUDIENCE:
        named = {config.get("included.client.audience"), config.get("included.custom.audience")}
        return f"aud {platform}" if platform in named else None
    return ROLES.get(sort, f"of a kind that is not known: {sort}")


def _is_stock(mapper: Json) -> bool:
    found = mappers.found(mapper)
    return {name: found[name] for name in DECIDING if found.get(name)} in STOCK


def _claim(name: str) -> str:
    """The claim into which a name of this spelling leads: dots nest, and a backslash takes any letter as it is."""
    first = re.split(r"(?<!\\)\.", name)[0]
    return re.sub(r"\\(.)", r"\1", first)
