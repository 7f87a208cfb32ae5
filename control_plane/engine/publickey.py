"""The digest of a public key: the same for the same key, however its PEM is broken into lines."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_PEM = re.compile(r"-----BEGIN [A-Z ]+-----(.*?)-----END [A-Z ]+-----", re.DOTALL)


def key_digest(pem: str) -> str:
    """SHA-256 of the key's DER in hexadecimal. A text that holds no key has a digest too, and it is no key's."""
    found = _PEM.search(pem)
    body = "".join((found.group(1) if found else pem).split())
    try:
        der = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        der = b"no key: " + pem.encode("utf-8", "replace")
    return hashlib.sha256(der).hexdigest()
