"""The shape of the files: one strict model per kind of file. An unknown key is an error; nothing is converted silently.

    platform    renkei.yaml
    roles       roles/*.yaml       apis       apis/*.yaml
    tenants     tenants/*.yaml     templates  templates/*.yaml

What one value may be stands in `words`; what holds between values and between files, in `checks`. The descriptions go
into the JSON Schema that editors show.
"""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.catalog.documents.apis import ApiDocument
from control_plane.catalog.documents.base import Entry
from control_plane.catalog.documents.platform import PlatformDocument
from control_plane.catalog.documents.roles import RolesDocument
from control_plane.catalog.documents.templates import TemplatesDocument
from control_plane.catalog.documents.tenants import TenantDocument


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its name (also of its schema), the folder it lies in, and its model."""

    name: str
    folder: str  # "" is renkei.yaml itself
    model: type[Entry]
    title: str


KINDS = (
    FileKind("renkei", "", PlatformDocument, "renkei.yaml: the platform and where it runs"),
    FileKind("roles", "roles", RolesDocument, "roles/*.yaml: roles and data scopes"),
    FileKind("api", "apis", ApiDocument, "apis/*.yaml: one API"),
    FileKind("tenant", "tenants", TenantDocument, "tenants/*.yaml: one organization, its people and its services"),
    FileKind("templates", "templates", TemplatesDocument, "templates/*.yaml: realm baselines and API plans"),
)

__all__ = [
    "KINDS",
    "ApiDocument",
    "Entry",
    "FileKind",
    "PlatformDocument",
    "RolesDocument",
    "TemplatesDocument",
    "TenantDocument",
]
