"""Keys: what a connected service shows in the header `apikey`. One per service that may use a key.

Kong shows keys in clear, so the client replaces them by a digest as soon as they are read. A key has no name in Kong:
ours carries it in a tag, and an id that is made from platform, consumer and name; both must agree, so that a row that
somebody gave our tags by hand is still somebody's own. What else hangs on our consumers is reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Auth, Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Secret
from control_plane.kong import naming, values
from control_plane.kong.client import Kong, Row, at

NAME = "kong.key"
PRIMARY = "primary"  # the name of the one key; a second one comes with a rotation


def desired(catalog: Catalog) -> Iterator[Resource]:
    for service in catalog.services():
        if Auth.API_KEY in service.auth:
            belongs = (f"tenant:{service.tenant}",)
            tags = naming.tags(catalog.platform.name, (*belongs, f"name:{PRIMARY}"))
            yield Resource(
                Key(NAME, service.name, PRIMARY),
                {"key": Secret(f"services/{service.name}#api_key"), "tags": tags},
                origin=service.origin,
                belongs=naming.ids(belongs),
            )


def read(kong: Kong) -> Iterator[Resource]:
    consumers = {row["id"] for row in kong.rows("consumers") if kong.is_ours(row)}
    for row in kong.rows("key-auths"):
        consumer = kong.name_of("consumers", row.get("consumer")) or ""
        name = _own_name(kong, row, consumer)
        yield Resource(
            Key(NAME, consumer, name or f"({row['id']})"),
            {"key": row["key"], "tags": values.value("tags", row.get("tags") or [])},
            belongs=naming.ids(row.get("tags") or ()),
            owned=name is not None,
            attached=name is None and (row.get("consumer") or {}).get("id") in consumers,
        )


def _own_name(kong: Kong, row: Row, consumer: str) -> str | None:
    """The name that we gave the key; None when it is not ours."""
    if not kong.is_ours(row):
        return None
    names = (tag.removeprefix("name:") for tag in row["tags"] if tag.startswith("name:"))
    return next((n for n in names if row["id"] == naming.steady_id(kong.platform, "key", consumer, n)), None)


def create(kong: Kong, want: Resource) -> None:
    _write(kong, want)


def update(kong: Kong, change: Update) -> None:
    _write(kong, change.want)


def _write(kong: Kong, want: Resource) -> None:
    key = _revealed(kong, want.fields)
    kong.put(_path(kong, want.key), {"key": key, "tags": values.body(want.fields)["tags"]}, hide=(key,))


def _revealed(kong: Kong, fields: Fields) -> str:
    secret = fields["key"]
    assert isinstance(secret, Secret)
    return kong.reveal(secret)


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(_path(kong, have.key))


def _path(kong: Kong, key: Key) -> str:
    steady = naming.steady_id(kong.platform, "key", key.within, key.name)
    return at("consumers", key.within, "key-auth", steady)


KEYS = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("kong.consumer", "kong.plugin"),
    revokes=True,
)
