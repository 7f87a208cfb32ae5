"""Files of public keys by which services prove who they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from control_plane.catalog.clientkeys import client_key
from control_plane.catalog.model import ClientAuth
from tests.catalog.worlds import CITY, messages, world, write

SERVICE = "services:\n  - service: batch\n    title: 夜間連携\n    auth: [token]\n"
RSA, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC, EC384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
PKCS1 = PublicFormat.PKCS1
FILE = "keys/batch.pem"


def pem(key: Any, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return str(key.public_key().public_bytes(Encoding.PEM, form).decode())


def jwk(key: Any, **more: str) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(key.public_key(), True), **more}


def city(algorithm: str | None = None) -> str:
    said = f", algorithm: {algorithm}" if algorithm else ""
    return f"{CITY}{SERVICE}    client_auth: {{keys: {FILE}{said}}}\n"


def read(directory: Path, content: str, algorithm: str | None = None) -> ClientAuth:
    write(directory, {FILE: content})
    (service,) = world(directory, city=city(algorithm)).tenants["city"].services
    assert service.client_auth is not None
    return service.client_auth


def wrong(directory: Path, content: str, algorithm: str | None = None) -> list[str]:
    write(directory, {FILE: content})
    return messages(directory, city=city(algorithm))


@pytest.mark.parametrize(
    "content",
    [
        pem(RSA),
        pem(RSA, PKCS1),
        f"# the batch job's own\r\n{pem(RSA)}\r\n".replace("\n", "\r\n"),
        json.dumps(jwk(RSA)),
        json.dumps({"keys": [jwk(RSA, kid="whatever", alg="PS512", use="sig")]}),
    ],
    ids=["pem", "pkcs1", "words and CRLF", "jwk", "jwks"],
)
def test_a_key_is_the_same_in_whatever_form_its_file_has_it(tmp_path: Path, content: str) -> None:
    auth = read(tmp_path, content)
    assert auth == read(tmp_path, pem(RSA))
    (key,) = auth.keys
    said = json.loads(key.jwk)
    assert (said["alg"], said["use"], said["kid"]) == ("RS256", "sig", key.kid)


def test_a_keys_id_is_its_thumbprint() -> None:
    """The example of RFC 7638, 3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
        "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
        "wapJzKnqDKgw"
    )
    key = jwt.PyJWK({"kty": "RSA", "n": n, "e": "AQAB"}).key
    assert client_key(key, "RS256").kid == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_several_keys_stand_in_one_file_each_once_and_in_no_order(tmp_path: Path) -> None:
    auth = read(tmp_path, pem(RSA) + pem(OTHER) + pem(RSA))
    assert auth == read(tmp_path, pem(OTHER) + pem(RSA))
    assert len(auth.keys) == 2
    assert auth == read(tmp_path, json.dumps({"keys": [jwk(OTHER, kid="same"), jwk(RSA, kid="same")]}))


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "PS256"), (EC, "ES256"), (EC384, "ES384")])
def test_what_is_signed_with_the_private_half_is_good_by_what_keycloak_gets(
    tmp_path: Path, key: Any, algorithm: str
) -> None:
    (public,) = read(tmp_path, pem(key), algorithm).keys
    signed = jwt.encode({"sub": "city.batch"}, key, algorithm, {"kid": public.kid})
    assert jwt.decode(signed, jwt.PyJWK(json.loads(public.jwk)), [algorithm]) == {"sub": "city.batch"}


@pytest.mark.parametrize(
    ("key", "algorithm", "fits"), [(RSA, "ES256", "RS256"), (EC, None, "ES256"), (EC, "ES384", "ES256")]
)
def test_a_key_with_which_nobody_signs_in_that_way_is_a_mistake(
    tmp_path: Path, key: Any, algorithm: str | None, fits: str
) -> None:
    (message,) = wrong(tmp_path, pem(key), algorithm)
    assert f"with which nobody signs {algorithm or 'RS256'}" in message
    assert wrong(tmp_path, pem(key), fits) == []


def private(key: Any, form: PrivateFormat) -> str:
    return str(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode())


@pytest.mark.parametrize(
    "content",
    [
        private(RSA, PrivateFormat.PKCS8),
        private(RSA, PrivateFormat.TraditionalOpenSSL),
        private(EC, PrivateFormat.TraditionalOpenSSL),
        private(RSA, PrivateFormat.OpenSSH),
        pem(OTHER) + private(RSA, PrivateFormat.PKCS8),
        json.dumps({"keys": [jwk(OTHER), RSAAlgorithm.to_jwk(RSA, True)]}),
        json.dumps(ECAlgorithm.to_jwk(EC, True)),
        json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
    ],
    ids=["pkcs8", "pkcs1", "sec1", "openssh", "beside a public one", "jwks", "jwk", "symmetric"],
)
def test_a_private_key_is_refused_in_whatever_form_and_never_shown(tmp_path: Path, content: str) -> None:
    (message,) = wrong(tmp_path, content)
    assert message == f"{FILE} holds a private key"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\x00\x01",
        "-----BEGIN PUBLIC KEY-----\nbm90aGluZw==\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n",
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(RSA) + pem(ed25519.Ed25519PrivateKey.generate()),
        "[]",
        "7",
        '{"keys": []}',
        '{"keys": {}}',
        '{"keys": ["RSA"]}',
        '{"kty": "RSA", "n": 7, "e": "AQAB"}',
        '{"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ"}',
        '{"kty": "none"}',
        json.dumps({"keys": [jwk(RSA), {}]}),
        "[" * 100_000,
    ],
)
def test_a_file_in_which_one_key_cannot_be_read_is_one_mistake(tmp_path: Path, content: str) -> None:
    assert wrong(tmp_path, content) == [f"{FILE} holds no public key that can be read"]


def test_a_weak_key_is_a_mistake(tmp_path: Path) -> None:
    assert wrong(tmp_path, pem(rsa.generate_private_key(65537, 1024))) == [f"{FILE} holds an RSA key of 1024 bits"]
    strange = pem(ec.generate_private_key(ec.SECP256K1()))
    assert wrong(tmp_path, strange, "ES256") == [f"{FILE} holds a key of the curve secp256k1"]


def test_an_address_of_keys_is_taken_as_it_is(tmp_path: Path) -> None:
    text = f"{CITY}{SERVICE}    client_auth: {{keys_url: 'https://batch.example.jp/jwks', algorithm: ES256}}\n"
    (service,) = world(tmp_path, city=text).tenants["city"].services
    assert service.client_auth == ClientAuth("ES256", keys_url="https://batch.example.jp/jwks")
