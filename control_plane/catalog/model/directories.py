"""Directories: people whom another server knows, with their passwords."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from control_plane.catalog.model.secretref import SecretRef
from control_plane.problems import Origin


class Vendor(StrEnum):
    """Says what the directory calls things."""

    ACTIVE_DIRECTORY = "active-directory"
    OTHER = "other"


@dataclass(frozen=True)
class Directory:
    tenant: str  # whose people it knows
    name: str  # unique in the realm
    title: str
    url: str
    vendor: Vendor
    bind: str  # the distinguished name of the account that reads
    password: SecretRef
    users: str  # the distinguished name below which people are
    filter: str | None = None
    username: str | None = None  # the attribute; None: the vendor's
    group: str | None = None  # of the tenant; None: the tenant's own
    origin: Origin | None = None
