"""Public keys of services in files of the configuration: PEM, a JWK or a JWKS. Private keys must not stand in Git.

A key's id is its thumbprint (RFC 7638), whatever the file calls it: so two keys never meet under one name, and the
service can work it out by itself. What Keycloak would take and never accept a proof of, it is told here: Keycloak
stores any text as a set of keys and answers 201.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt import PyJWK
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError, PyJWKError

from control_plane.catalog import files
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.tenants import ClientAuthEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import ClientKey
from control_plane.problems import Problem

Key: TypeAlias = RSAPublicKey | EllipticCurvePublicKey
_PRIVATE_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_ONE = re.compile(rb"-----BEGIN (?:RSA )?PUBLIC KEY-----.+?-----END (?:RSA )?PUBLIC KEY-----", re.DOTALL)
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})  # members of a JWK that no public key has
LEAST_BITS = 2048  # of an RSA key
MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}  # of the thumbprint, RFC 7638, 3.2
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384"}
KEYS = "keys"


def read(declared: Declared, directory: Path) -> Iterator[Problem]:
    """Read the files that services name into `declared.client_keys`; what is wrong with them."""
    for tenant in declared.tenants:
        for service in tenant.services():
            auth = service.value.client_auth
            if auth is not None and auth.keys is not None:
                yield from _keys(declared, directory, service.part(auth, "client_auth"), auth.keys)


def _keys(declared: Declared, directory: Path, where: Located[ClientAuthEntry], name: str) -> Iterator[Problem]:
    content = files.read_bytes(directory, name)
    if isinstance(content, Problem):
        help = f"a path is relative to the configuration directory: DIRECTORY/{name}"
        yield where.problem(content.message.replace("the file", name, 1), KEYS, note=content.note, help=help)
        return
    found = parsed(content)
    if isinstance(found, str):
        private = found == HOLDS_PRIVATE
        note = "A key that was in Git is known to everybody who can read it." if private else None
        yield where.problem(f"{name} {found}", KEYS, note=note, help=TAKE_OUT if private else PUBLIC_HALF)
        return
    declared.client_keys[name] = found
    for key in found:
        if problem := _unfit(where, name, key):
            yield problem


HOLDS_PRIVATE = "holds a private key"
HOLDS_NONE = "holds no public key that can be read"
TAKE_OUT = "take it out of the file, and make a new pair; here stands the public half: openssl pkey -in KEY -pubout"
PUBLIC_HALF = "openssl pkey -in KEY -pubout writes the public half of a pair as PEM; a JWK or a JWKS is taken too"


def parsed(content: bytes) -> Sequence[Key] | str:
    """The keys, or what is wrong with the file."""
    if _PRIVATE_PEM.search(content):
        return HOLDS_PRIVATE
    if b"-----BEGIN" in content:
        return _of_pem(content)
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return HOLDS_NONE
    members = said.get("keys") if isinstance(said, dict) and "keys" in said else [said]
    if not isinstance(members, list) or not members or not all(isinstance(one, dict) for one in members):
        return HOLDS_NONE
    if any(PRIVATE & one.keys() for one in members):
        return HOLDS_PRIVATE
    return _of_jwks(members)


def _of_pem(content: bytes) -> Sequence[Key] | str:
    try:
        found = [load_pem_public_key(part) for part in _ONE.findall(content)]
    except (ValueError, UnsupportedAlgorithm):
        return HOLDS_NONE
    keys = [one for one in found if isinstance(one, RSAPublicKey | EllipticCurvePublicKey)]
    return keys if keys and len(keys) == len(found) else HOLDS_NONE


def _of_jwks(members: Sequence[dict[str, Any]]) -> Sequence[Key] | str:
    keys = []
    for one in members:
        try:
            key = PyJWK({name: value for name, value in one.items() if name != "alg"}).key
        except (PyJWKError, InvalidKeyError, ValueError, TypeError, KeyError):
            return HOLDS_NONE
        if not isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
            return HOLDS_NONE
        keys.append(key)
    return keys


def _unfit(where: Located[ClientAuthEntry], name: str, key: Key) -> Problem | None:
    """Why a proof by this key would be refused, or could be forged."""
    algorithm = where.value.algorithm
    if isinstance(key, RSAPublicKey):
        if key.key_size < LEAST_BITS:
            message = f"{name} holds an RSA key of {key.key_size} bits"
            return where.problem(message, KEYS, help=f"at least {LEAST_BITS} bits: openssl genrsa -out KEY 3072")
        if algorithm[:2] in ("RS", "PS"):
            return None
        told, fits = "an RSA key", "RS256"
    else:
        if key.curve.name not in CURVES:
            message = f"{name} holds a key of the curve {key.curve.name}"
            return where.problem(message, KEYS, help="P-256 or P-384: openssl ecparam -name prime256v1 -genkey")
        fits = CURVES[key.curve.name]
        if algorithm == fits:
            return None
        told = f"a key of the curve {key.curve.name}"
    message = f"{name} holds {told}, with which nobody signs {algorithm}"
    return where.problem(message, KEYS, help=f"algorithm: {fits}")


def client_keys(declared: Declared, name: str, algorithm: str) -> tuple[ClientKey, ...]:
    """The keys of the file as Keycloak takes them; each once, sorted."""
    found = {key.kid: key for key in (client_key(one, algorithm) for one in declared.client_keys[name])}
    return tuple(found[kid] for kid in sorted(found))


def client_key(key: Key, algorithm: str) -> ClientKey:
    """The key as a JWK with its id."""
    jwk = RSAAlgorithm.to_jwk(key, True) if isinstance(key, RSAPublicKey) else ECAlgorithm.to_jwk(key, True)
    public = {name: jwk[name] for name in MEMBERS[jwk["kty"]]}
    kid = _thumbprint(public)
    return ClientKey(kid, _json({**public, "kid": kid, "use": "sig", "alg": algorithm}))


def _thumbprint(public: dict[str, Any]) -> str:
    digest = hashlib.sha256(_json(public).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _json(members: dict[str, Any]) -> str:
    """RFC 7638, 3.3: sorted, without blanks."""
    return json.dumps(members, sort_keys=True, separators=(",", ":"))
