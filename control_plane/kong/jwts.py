"""JWT credentials: the realm's current RS256 key, under the id of the service's client, which tokens carry as `azp`.

Of a service whose tokens come from another platform it is that platform's key, which stands in Git, under the id of its
client there.

When the realm signs with a new key this is a change, and apply makes it: until then Kong refuses the new tokens. Kong
makes a new `secret` at each PUT, unused with RS256, so an update is a PATCH.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Auth, Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.publickey import key_digest
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, RealmKey
from control_plane.kong import danger, naming, strangers, values
from control_plane.kong.client import Kong, at

NAME = "kong.jwt"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for service in catalog.services():
        if Auth.TOKEN in service.auth:
            belongs = (f"tenant:{service.tenant}",)
            theirs, before = service.token_issuer, service.previously
            key = RealmKey(theirs.issuer, key_digest(theirs.pem), theirs.pem) if theirs else None
            yield Resource(
                Key(NAME, service.name, theirs.client if theirs else service.name),
                {
                    "algorithm": "RS256",
                    "rsa_public_key": key or RealmKey(catalog.realm_of(service.tenant).name),
                    "tags": naming.tags(catalog.platform.name, belongs),
                },
                origin=service.origin,
                belongs=naming.ids(belongs),
                previously=Key(NAME, before, theirs.client if theirs else before) if before else None,
            )


def read(kong: Kong) -> Iterator[Resource]:
    consumers = {row["id"] for row in kong.rows("consumers") if kong.is_ours(row)}
    for row in kong.rows("jwts"):
        consumer = kong.name_of("consumers", row.get("consumer")) or ""
        owned = kong.is_ours(row)
        attached = not owned and (row.get("consumer") or {}).get("id") in consumers
        yield Resource(
            Key(NAME, consumer, str(row.get("key"))),
            values.declared(row, ("algorithm", "rsa_public_key")),
            belongs=naming.ids(row["tags"]),
            owned=owned,
            attached=attached,
            danger=strangers.credential(kong, consumer, "whoever signs for this credential") if attached else None,
            remove=None if owned else strangers.removal("jwts", row["id"]),
        )


def create(kong: Kong, want: Resource) -> None:
    kong.put(_path(want.key), _body(kong, want.fields))


def update(kong: Kong, change: Update) -> None:
    body = _body(kong, change.want.fields)
    kong.patch(_path(change.key), {name: body[name] for name in change.changed})


def _body(kong: Kong, fields: Fields) -> dict[str, object]:
    key = fields["rsa_public_key"]
    assert isinstance(key, RealmKey)
    return {**values.body(fields), "rsa_public_key": key.pem or kong.reveal(key)}


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(_path(have.key))


def _path(key: Key) -> str:
    """By the credential's key, which is unique in Kong: a PUT of one that another consumer has moves it back."""
    return at("consumers", key.within, "jwt", key.name)


JWTS = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("kong.consumer", "kong.route-plugin"),
    settle_before_write=True,  # so that no new credential meets a guard of yesterday
    revokes=True,
    danger=danger.of_jwt,
    adoptable=True,
)
