"""A directory of the catalog, from what was declared and checked."""

from __future__ import annotations

from control_plane.catalog.documents.directories import DirectoryEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import Directory, Vendor


def directory(where: Located[DirectoryEntry], tenant: str) -> Directory:
    one = where.value
    return Directory(
        tenant=tenant,
        name=one.directory,
        title=one.title,
        url=one.url,
        vendor=Vendor(one.vendor),
        bind=one.bind,
        password=one.password,
        users=one.users,
        filter=one.filter,
        username=one.username,
        group=one.group,
        origin=where.origin(),
    )
