"""ACL rows: which consumer is in which group. The group names an API version and a level, `ngsi-v2.v2:read`.

A row says that there is a grant. From when until when it holds and for which data the guard knows, so rows do not
come and go by the clock. A row has no fields besides its names and tags.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.kong import danger, naming, strangers, values
from control_plane.kong.client import Kong, at
from control_plane.kong.view import Opened

NAME = "kong.acl"


def desired(catalog: Catalog) -> Iterator[Resource]:
    opened = Opened(catalog)
    for service in catalog.services():
        for one, level, grant in opened.levels(service):
            if not one.api.auth:
                continue  # open to all: nobody is asked who he is
            belongs = (f"tenant:{service.tenant}", *one.belongs)
            yield Resource(
                Key(NAME, service.name, one.group(level.name)),
                {"tags": naming.tags(catalog.platform.name, belongs)},
                origin=grant.origin,
                belongs=naming.ids(belongs),
                previously=Key(NAME, service.previously, one.group(level.name)) if service.previously else None,
            )


def read(kong: Kong) -> Iterator[Resource]:
    consumers = {row["id"] for row in kong.rows("consumers") if kong.is_ours(row)}
    opening = strangers.groups(kong)
    for row in kong.rows("acls"):
        consumer = kong.name_of("consumers", row.get("consumer")) or ""
        group, owned = str(row.get("group")), kong.is_ours(row)
        on_ours = (row.get("consumer") or {}).get("id") in consumers
        yield Resource(
            Key(NAME, consumer, group),
            values.declared(row, ()),
            belongs=naming.ids(row["tags"]),
            owned=owned,
            attached=not owned and on_ours,
            danger=None if owned else strangers.membership(kong, consumer, group, on_ours=on_ours, opening=opening),
            remove=None if owned else strangers.removal("consumers", consumer, "acls", group),
        )


def create(kong: Kong, want: Resource) -> None:
    kong.put(_path(want.key), values.body(want.fields))


def update(kong: Kong, change: Update) -> None:
    kong.put(_path(change.key), values.body(change.want.fields))


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(_path(have.key))


def _path(key: Key) -> str:
    return at("consumers", key.within, "acls", key.name)


ACLS = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("kong.consumer", "kong.route-plugin"),
    settle_before_write=True,  # a new right holds when the guard and the addresses around it are there
    revokes=True,
    danger=danger.of_acl,
    adoptable=True,
)
