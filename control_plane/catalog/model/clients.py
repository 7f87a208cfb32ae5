"""How a service proves to Keycloak who it is, when that is not a secret."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class ClientKey:
    """A public key of a service; the private half is known to the service alone."""

    kid: str  # its RFC 7638 thumbprint: another key can never have the same
    jwk: str  # RFC 7517 as JSON with sorted keys, and with `kid`, `use` and `alg`


@dataclass(frozen=True)
class ClientAuth:
    """Keys that stand in Git, or the address where Keycloak fetches them."""

    algorithm: str
    keys: tuple[ClientKey, ...] = ()  # sorted by kid; empty: fetched
    keys_url: str | None = None


@dataclass(frozen=True)
class TokenIssuer:
    """Another platform, whose tokens of one client are a service's proof."""

    issuer: str  # `iss`
    client: str  # `azp`
    audience: str  # `aud`
    pem: str  # the key that it signs with, RS256


def host_of(url: str) -> str:
    """Its host as Keycloak reads it: with its case, without a port; empty where it has none."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    return place.partition("]")[0] + "]" if place.startswith("[") else place.partition(":")[0]
