"""Publications: a service of ours that is enabled. It has no fields; it is there or it is not.

Made last, when the proxy has taken up the service's plugins and routes; taken away first, so that nothing is reachable
while its protection goes. A disabled service answers 404, or another one's shorter path takes the call.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.resource import Key, Resource
from control_plane.kong import danger, naming
from control_plane.kong.client import Kong, at, named
from control_plane.kong.view import standing

NAME = "kong.publication"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for one in standing(catalog):
        yield Resource(Key(NAME, one.name, one.name), origin=one.version.origin, belongs=naming.ids(one.belongs))


def read(kong: Kong) -> Iterator[Resource]:
    for row in kong.rows("services"):
        if row.get("enabled") is not False:
            key = Key(NAME, named(row), named(row))
            yield Resource(key, belongs=naming.ids(row["tags"]), owned=kong.is_ours(row))


def create(kong: Kong, want: Resource) -> None:
    kong.patch(at("services", want.key.name), {"enabled": True})


def delete(kong: Kong, have: Resource) -> None:
    kong.patch(at("services", have.key.name), {"enabled": False})


PUBLICATIONS = Kind(
    NAME,
    desired,
    read,
    create,
    delete=delete,
    after=("kong.service", "kong.plugin", "kong.route", "kong.route-plugin"),
    settle_before_write=True,
    danger=danger.of_publication,
    adoptable=True,
    aspect=True,
)
