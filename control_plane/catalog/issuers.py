"""Public keys of other platforms in files of the configuration: what the gateway verifies their tokens with.

Kong keeps one key for one client (`azp`) of tokens and looks at no key id, so a file holds exactly one; and it is told
here what Kong would take and never verify anything with, or what could be forged.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control_plane.catalog import files
from control_plane.catalog.clientkeys import HOLDS_PRIVATE, LEAST_BITS, parsed
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.tenants import TokenIssuerEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import TokenIssuer
from control_plane.problems import Problem, bug

KEY = "key"
THEIRS = "ask the other platform for the public key that it signs with now, as PEM"


def read(declared: Declared, directory: Path) -> Iterator[Problem]:
    """Read the files that services name into `declared.client_keys`; what is wrong with them."""
    for tenant in declared.tenants:
        for service in tenant.services():
            if service.value.token_issuer is not None:
                where = service.part(service.value.token_issuer, "token_issuer")
                if problem := _key(declared, directory, where, where.value.key):
                    yield problem


def _key(declared: Declared, directory: Path, where: Located[TokenIssuerEntry], name: str) -> Problem | None:
    content = files.read_bytes(directory, name)
    if isinstance(content, Problem):
        help = f"a path is relative to the configuration directory: DIRECTORY/{name}"
        return where.problem(content.message.replace("the file", name, 1), KEY, note=content.note, help=help)
    found = parsed(content)
    if isinstance(found, str):
        private = found == HOLDS_PRIVATE
        note = "Whoever has it signs for every service of that platform, and now it was in Git." if private else None
        return where.problem(f"{name} {found}", KEY, note=note, help=THEIRS)
    if len(found) > 1:
        note = "The gateway keeps one key for one client of tokens, and does not choose by the id of a key."
        return where.problem(f"{name} holds {len(found)} keys: with which one are tokens signed?", KEY, note=note)
    if not isinstance(found[0], RSAPublicKey):
        return where.problem(f"{name} holds a key with which nobody signs RS256", KEY, help=THEIRS)
    if found[0].key_size < LEAST_BITS:
        return where.problem(f"{name} holds an RSA key of {found[0].key_size} bits", KEY, help=f"at least {LEAST_BITS}")
    declared.client_keys[name] = found
    return None


def token_issuer(declared: Declared, one: TokenIssuerEntry, platform: str) -> TokenIssuer:
    key = declared.client_keys[one.key][0]
    if not isinstance(key, RSAPublicKey):
        raise bug(f"{one.key} was read as the key of an issuer")
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return TokenIssuer(one.issuer, one.client, one.audience or platform, pem)
