"""Certificates that the gateway trusts or shows when it calls an upstream."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from control_plane.catalog.model.secretref import SecretRef
from control_plane.problems import Origin


@dataclass(frozen=True)
class Certificate:
    """One certificate, or one with those that lead up to its authority."""

    pem: str  # as Kong keeps it, and nothing around it
    subject: str
    until: datetime  # the first of them that ends
    digest: str  # SHA-256 of the first, in hexadecimal


@dataclass(frozen=True)
class ClientCertificate:
    """What the gateway shows of itself to servers that ask for it."""

    certificate: Certificate
    key: SecretRef
    origin: Origin | None = None
