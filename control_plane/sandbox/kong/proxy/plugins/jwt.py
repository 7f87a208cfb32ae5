"""jwt: a token that a known key has signed says who the consumer is.

Only the claims in `claims_to_verify` are looked at. PyJWT checks the signatures; all other rules are Kong's (scenario
proxy-jwt).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any

from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.plugins.authentication import either
from control_plane.sandbox.kong.proxy.reply import Reply, json_reply
from control_plane.sandbox.kong.proxy.wire import wire

_BEARER = re.compile(r"\s*[Bb]earer\s+(.+)")
_NAMES = re.compile(r"[HRP]S(256|384|512)|ES(256|384|512)|EdDSA")
_ALGORITHMS = {name: method for name, method in get_default_algorithms().items() if _NAMES.fullmatch(name)}


@dataclass(frozen=True)
class Token:
    """A token that could be read; nothing is verified yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    return either(exchange, instance, _authenticate)


def _authenticate(exchange: Exchange, instance: Instance) -> Reply | None:
    tokens = _tokens(exchange, instance.config)
    if not tokens:
        return _refuse(instance, {"message": "Unauthorized"}, invalid=False)
    if len(tokens) > 1:
        return _refuse(instance, {"message": "Multiple tokens provided"})
    text = tokens.pop()
    token = decode(text)
    if isinstance(token, str):
        return _refuse(instance, {"message": f"Bad token; {token}"})
    claim = instance.config["key_claim_name"]
    key = token.claims.get(claim, token.header.get(claim))
    if key is None:
        return _refuse(instance, {"message": f"No mandatory '{claim}' in claims"})
    if key == "":
        return _refuse(instance, {"message": f"Invalid '{claim}' in claims"})
    if not isinstance(key, str):
        raise TypeError("the key claim is no text")
    credential = exchange.snapshot.jwt_keys.get(key)
    if credential is None:
        return _refuse(instance, {"message": f"No credentials found for given '{claim}'"})
    wrong = _wrong(token, credential, instance.config, exchange.node.now())
    if wrong:
        return _refuse(instance, wrong)
    consumer = exchange.snapshot.consumers.get(credential["consumer"]["id"])
    if consumer is None:
        return _refuse(instance, {"message": f"Could not find consumer for '{claim}={key}'"})
    exchange.authenticate(consumer, {**credential, "identifier": credential["key"]})
    exchange.shared["authenticated_jwt_token"] = text
    return None


def _refuse(instance: Instance, body: Mapping[str, str], *, invalid: bool = True) -> Reply:
    realm = instance.config.get("realm")
    said = ", ".join(([f'realm="{realm}"'] if realm else []) + (['error="invalid_token"'] if invalid else []))
    return json_reply(401, body, {"WWW-Authenticate": f"Bearer {said}".strip()})


def _tokens(exchange: Exchange, config: Mapping[str, Any]) -> set[str]:
    """Every token in the places that the plugin looks at; the same one twice counts once."""
    found: set[str] = set()
    for name in config["uri_param_names"] or ():
        value = exchange.query_args.get(wire(name))
        found.update(one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one)
    cookies = _cookies(exchange)
    found.update(cookies[name] for name in config["cookie_names"] or () if cookies.get(name))
    for name in config["header_names"] or ():
        for value in exchange.headers.all(wire(name)):
            match = _BEARER.match(value)
            if match:
                found.add(match[1])
    return found


def _cookies(exchange: Exchange) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    for line in exchange.headers.all("cookie"):
        try:
            jar.load(line)
        except CookieError:
            continue
    return {name: morsel.value for name, morsel in jar.items()}


def decode(text: str) -> Token | str:
    """The parts of a token, or in a few words why there are none."""
    parts = text.split(".")
    try:
        header, claims = (json.loads(_base64url(part)) for part in parts[:2])
        signature = _base64url(parts[2]) if len(parts) == 3 else b""
    except (ValueError, RecursionError):
        return "invalid JSON"
    if not isinstance(header, dict) or not isinstance(claims, dict):
        return "invalid JSON"
    if "typ" in header and str(header["typ"]).upper() != "JWT":
        return "invalid typ"
    if header.get("alg") not in _ALGORITHMS:
        return "invalid alg"
    if not signature:
        return "invalid signature"
    return Token(header, claims, ".".join(parts[:2]).encode("latin-1"), signature)


def _base64url(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("no base64") from error


def _wrong(token: Token, credential: Mapping[str, Any], config: Mapping[str, Any], now: float) -> dict[str, str]:
    """What is wrong with signature or claims; empty if nothing is."""
    algorithm = credential.get("algorithm") or "HS256"
    if token.header["alg"] != algorithm:
        return {"message": "Invalid algorithm"}
    secret = _secret(credential, config, algorithm)
    if not secret:
        return {"message": "Invalid key/secret"}
    if not _signed(token, algorithm, secret):
        return {"message": "Invalid signature"}
    errors = _claims(token.claims, config, now)
    if errors or not config.get("maximum_expiration"):
        return errors
    expiry = token.claims.get("exp")
    if not isinstance(expiry, (int, float)) or expiry - now > config["maximum_expiration"]:
        return {"exp": "exceeds maximum allowed expiration"}
    return {}


def _secret(credential: Mapping[str, Any], config: Mapping[str, Any], algorithm: str) -> bytes:
    if not algorithm.startswith("HS"):
        return (credential.get("rsa_public_key") or "").encode()
    secret: str = credential.get("secret") or ""
    return _base64url(secret) if config.get("secret_is_base64") else secret.encode()


def _signed(token: Token, algorithm: str, secret: bytes) -> bool:
    method = _ALGORITHMS[algorithm]
    try:
        return method.verify(token.signed, method.prepare_key(secret), token.signature)
    except (PyJWTError, ValueError, TypeError):
        return False


def _claims(claims: Mapping[str, Any], config: Mapping[str, Any], now: float) -> dict[str, str]:
    errors = {}
    for name in config.get("claims_to_verify") or ():
        value = claims.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            errors[name] = "must be a number"
        elif name == "exp" and value <= now:
            errors[name] = "token expired"
        elif name == "nbf" and value > now:
            errors[name] = "token not valid yet"
    return errors
