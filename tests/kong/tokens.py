"""Tokens as Keycloak writes them for a service of ours, with claims changed or left out."""

from __future__ import annotations

import time
from typing import Any

import jwt

from tests.kong.world import realm_key

ISSUER = "http://keycloak.test/realms/"


def token(
    short_name: str = "portal",
    /,
    *,
    tenant: str = "nasushiobara",
    realm: str | None = None,
    signed_by: str | None = None,
    **claims: Any,
) -> str:
    """An access token that the service has got for itself; a claim that is None is left out."""
    realm, name = realm or tenant, f"{tenant}.{short_name}"
    body = {
        "typ": "Bearer",
        "azp": name,
        "iss": ISSUER + realm,
        "aud": "tochigi",
        "service": name,
        "exp": int(time.time()) + 300,
        "sub": "s",
        **claims,
    }
    held = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(held, realm_key(signed_by or realm), "RS256")


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}
