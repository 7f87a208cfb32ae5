"""The key that a realm signs with now. A new key of higher priority signs at once; the old one still verifies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import textwrap

from control_plane.keycloak.answers import Json, Missing, a_list, unexpected
from control_plane.keycloak.session import path


def signing(found: Json, realm: str) -> bytes:
    """The active RS256 public key as DER (RFC 5280, SubjectPublicKeyInfo), of Keycloak's account of a realm's keys."""
    where = path(realm, "keys")
    active = found.get("active")
    kid = active.get("RS256") if isinstance(active, dict) else None
    for key in a_list(found.get("keys"), where):
        if kid and key.get("kid") == kid and isinstance(key.get("publicKey"), str):
            try:
                return base64.b64decode(key["publicKey"], validate=True)
            except binascii.Error as error:
                raise unexpected(where, "a key in base64") from error
    raise unexpected(where, "complete: the realm has no active RS256 key")


def present(der: bytes | None, realm: str) -> bytes:
    """The key. Raises Missing where there is none, which is where there is no such realm."""
    if der is None:
        raise Missing(f"Keycloak has no realm '{realm}', so there is no key to verify its tokens with")
    return der


def version(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def as_pem(der: bytes) -> str:
    lines = textwrap.wrap(base64.b64encode(der).decode(), 64)
    return "\n".join(("-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""))
