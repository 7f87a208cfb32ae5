"""Targets: the servers of an upstream, by host and port, each with its share of the calls; a standby's is 0.

A PUT does not create a target, so it is made by POST, with an id that follows from its names: one that was made
before the answer was lost is found as ours by the next run. There is no list of all targets; those of our own
upstreams are read, one list for each.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.kong import danger, naming, strangers, values
from control_plane.kong.client import Kong, at, named
from control_plane.kong.upstreams import used

NAME = "kong.target"


def desired(catalog: Catalog) -> Iterator[Resource]:
    platform = catalog.platform.name
    for name, upstream, belongs in used(catalog):
        for target in upstream.targets:
            yield Resource(
                Key(NAME, naming.upstream_name(platform, name), target.place),
                {"weight": target.weight, "tags": naming.tags(platform, belongs)},
                origin=target.origin or upstream.origin,
                belongs=naming.ids(belongs),
            )


def read(kong: Kong) -> Iterator[Resource]:
    for upstream in kong.rows("upstreams"):
        ours = kong.is_ours(upstream)
        if not ours and not naming.is_upstream_name(kong.platform, named(upstream)):
            continue
        for row in kong.targets(upstream):
            owned = kong.is_ours(row)
            yield Resource(
                Key(NAME, named(upstream), str(row.get("target"))),
                values.declared(row, ("weight",)),
                belongs=naming.ids(row["tags"]),
                owned=owned,
                attached=ours and not owned,
                danger=None
                if owned or not ours
                else "calls, and the data in them, go to a server that Git does not name",
                remove=strangers.removal("upstreams", named(upstream), "targets", str(row.get("target"))),
            )


def create(kong: Kong, want: Resource) -> None:
    steady = naming.steady_id(kong.platform, "target", want.key.within, want.key.name)
    body = {"id": steady, "target": want.key.name, **values.body(want.fields)}
    kong.post(at("upstreams", want.key.within, "targets"), body)


def update(kong: Kong, change: Update) -> None:
    body = values.body(change.want.fields)
    kong.patch(_path(change.key), {name: body[name] for name in change.changed})


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(_path(have.key))


def _path(key: Key) -> str:
    return at("upstreams", key.within, "targets", key.name)


TARGETS = Kind(
    NAME, desired, read, create, update, delete, after=("kong.upstream",), danger=danger.of_target, adoptable=True
)
