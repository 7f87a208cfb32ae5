"""Consumers: the connected services of tenants, by `tenant.service`.

One more, `renkei-anonymous-PLATFORM`, stands for a call without credentials where a key or a token may be used: Kong
needs a consumer there. It is in no acl group, so acl answers 401. It is made first, for key-auth that names a
consumer who is absent answers 500.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.kong import naming, values
from control_plane.kong.client import Kong, at, named
from control_plane.kong.view import either, standing

NAME = "kong.consumer"


def desired(catalog: Catalog) -> Iterator[Resource]:
    platform = catalog.platform.name
    for service in catalog.services():
        belongs = (f"tenant:{service.tenant}",)
        yield Resource(
            Key(NAME, service.name, service.name),
            {"tags": naming.tags(platform, belongs)},
            origin=service.origin,
            belongs=naming.ids(belongs),
        )
    first = next((one for one in standing(catalog) if one.live and either(one.api.auth)), None)
    if first:
        name = naming.anonymous_name(platform)
        yield Resource(Key(NAME, name, name), {"tags": naming.tags(platform, ())}, origin=first.api.origin)


def read(kong: Kong) -> Iterator[Resource]:
    for row in kong.rows("consumers"):
        name = named(row)
        yield Resource(
            Key(NAME, name, name),
            values.declared(row, ()),
            belongs=naming.ids(row["tags"]),
            owned=kong.is_ours(row),
        )


def create(kong: Kong, want: Resource) -> None:
    kong.put(at("consumers", want.key.name), values.body(want.fields))


def update(kong: Kong, change: Update) -> None:
    kong.patch(at("consumers", change.key.name), values.body(change.want.fields))


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(at("consumers", have.key.name))


CONSUMERS = Kind(NAME, desired, read, create, update, delete, adoptable=True)
