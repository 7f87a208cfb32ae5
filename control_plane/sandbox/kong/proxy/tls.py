"""TLS to an upstream, as a service asks for it: which authorities are trusted, and what the gateway shows of itself.

Source: https://docs.konghq.com/gateway/3.9.x/admin-api/#service-object (tls_verify, ca_certificates,
client_certificate). Without `ca_certificates` a server is checked against what the machine trusts.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from control_plane.sandbox.kong.proxy.snapshot import Snapshot

Row = Mapping[str, Any]


def context(snapshot: Snapshot, service: Row) -> ssl.SSLContext:
    """A server's certificate is only looked at where the service says `tls_verify`.

    Raises:
        OSError: a certificate that the service names is not there, or cannot be used.
    """
    authorities = [_there(snapshot.ca_certificates.get(one)) for one in service.get("ca_certificates") or ()]
    made = ssl.create_default_context(cadata="\n".join(one["cert"] for one in authorities) or None)
    if not service.get("tls_verify"):
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if service.get("client_certificate"):
        _show(made, _there(snapshot.certificates.get(service["client_certificate"]["id"])))
    return made


def _there(row: Row | None) -> Row:
    if row is None:
        raise ssl.SSLError("a certificate of the service is not there")
    return row


def _show(made: ssl.SSLContext, certificate: Row) -> None:
    """Python takes a key from a file alone; this one is its owner's and goes at once."""
    handle, path = tempfile.mkstemp(prefix="renkei-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{certificate['cert']}\n{certificate['key']}\n")
        made.load_cert_chain(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()
