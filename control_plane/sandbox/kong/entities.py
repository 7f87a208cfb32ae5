"""What the Admin API serves: each collection's paths, the field that may stand for the id, and its shorthands."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.x509 import load_pem_x509_certificate

from control_plane.sandbox.kong.errors import Errors

Body = dict[str, Any]
Expand = Callable[[Body], tuple[Body, Errors]]

_URL = re.compile(
    r"^(?:(?P<scheme>[A-Za-z0-9][A-Za-z0-9+.\-]*):)?(?://(?P<authority>[^/]*))?(?P<path>[^?#]*)", re.DOTALL
)


@dataclass(frozen=True)
class Entity:
    """One collection as it appears in paths."""

    collection: str
    path: str | None  # the segment on the top level; None: nested only
    key: str | None = None  # the unique field that may stand for the id
    nested: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # parent collection: (segment, foreign key)
    expand: Expand = lambda body: (body, {})  # shorthands that the schema does not show


def expand_url(body: Body) -> tuple[Body, Errors]:
    """`url` of a service stands for protocol, host, port and path, and wins over them.

    Read as Kong's URL library reads it; a null reaches it as the text that Lua prints for one.
    """
    if "url" not in body:
        return body, {}
    rest = {name: value for name, value in body.items() if name != "url"}
    url = "userdata: NULL" if body["url"] is None else body["url"]
    if not isinstance(url, str):
        return rest, {"url": "expected a string"}
    if not url:
        return rest, {"url": "length must be at least 1"}
    parts = _URL.match(url)
    assert parts is not None  # every part may be empty
    host, port = _host_and_port(parts["authority"] or "")
    scheme = parts["scheme"]
    found = {
        "protocol": scheme,
        "host": host or None,
        "port": port if port is not None else 443 if scheme == "https" else 80,
        "path": parts["path"] or None,
    }
    if scheme is None:
        del found["protocol"]
    return {**rest, **found}, {}


def _host_and_port(authority: str) -> tuple[str, int | None]:
    authority = authority.rpartition("@")[2]
    host, colon, port = authority.rpartition(":")
    if colon and port.isdecimal() and port.isascii() and len(port) < 10:
        return host.strip("[]"), int(port)
    return authority.strip("[]"), None


def expand_route(body: Body) -> tuple[Body, Errors]:
    """strip_path of a gRPC route is false unless it is given."""
    protocols = body.get("protocols")
    if (
        "strip_path" in body
        or not isinstance(protocols, list)
        or not {"grpc", "grpcs"}.intersection(map(str, protocols))
    ):
        return body, {}
    return {**body, "strip_path": False}, {}


def expand_target(body: Body) -> tuple[Body, Errors]:
    """A target without a port has port 8000, and an IPv6 address all of its digits (Kong's sources; not recorded)."""
    target = body.get("target")
    if isinstance(target, str) and (found := re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](:[0-9]+)?", target)):
        with contextlib.suppress(ValueError):
            return {**body, "target": f"[{IPv6Address(found[1]).exploded}]{found[2] or ':8000'}"}, {}
    if not isinstance(target, str) or not re.fullmatch(r"[A-Za-z0-9._-]+", target):
        return body, {}
    return {**body, "target": f"{target}:8000"}, {}


def expand_authority(body: Body) -> tuple[Body, Errors]:
    """Kong keeps a digest of the certificate, so that none is there twice."""
    with contextlib.suppress(Exception):  # what is no certificate is refused as such
        digest = load_pem_x509_certificate(body["cert"].encode()).fingerprint(hashes.SHA256())
        return {**body, "cert_digest": digest.hex()}, {}
    return body, {}


_BY_SCOPE = {parent: ("plugins", parent[:-1]) for parent in ("services", "routes", "consumers")}
_BY_CERTIFICATE = "client_certificate"

ENTITIES = {
    entity.collection: entity
    for entity in (
        Entity("services", "services", "name", {"certificates": ("services", _BY_CERTIFICATE)}, expand_url),
        Entity("routes", "routes", "name", {"services": ("routes", "service")}, expand_route),
        Entity("plugins", "plugins", "instance_name", _BY_SCOPE),
        Entity("consumers", "consumers", "username"),
        Entity("acls", "acls", None, {"consumers": ("acls", "consumer")}),
        Entity("keyauth_credentials", "key-auths", "key", {"consumers": ("key-auth", "consumer")}),
        Entity("jwt_secrets", "jwts", "key", {"consumers": ("jwt", "consumer")}),
        Entity("upstreams", "upstreams", "name", {"certificates": ("upstreams", _BY_CERTIFICATE)}),
        Entity("targets", None, None, {"upstreams": ("targets", "upstream")}, expand_target),
        Entity("certificates", "certificates"),
        Entity("ca_certificates", "ca_certificates", expand=expand_authority),
        Entity("snis", "snis", "name", {"certificates": ("snis", "certificate")}),
    )
}

BY_PATH = {entity.path: entity for entity in ENTITIES.values() if entity.path}
NESTED = {
    (parent, segment): (entity, foreign)
    for entity in ENTITIES.values()
    for parent, (segment, foreign) in entity.nested.items()
}
EMPTY = ("vaults", "keys", "key-sets")  # collections that exist in Kong and are always empty here
