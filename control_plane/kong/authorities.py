"""Authorities that vouch for upstreams' servers: one entity for each certificate, however many upstreams name it.

Kong takes a certificate once, by its digest; so the digest is its name here, and one that somebody else has put there
is a conflict. It cannot be deleted while a service names it: services are written before anything is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.certificates import certificate
from control_plane.catalog.model import Catalog, Certificate, Upstream
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields
from control_plane.kong import danger, naming, values
from control_plane.kong.client import Kong, Row, at
from control_plane.kong.upstreams import used

NAME = "kong.ca-certificate"
WRITTEN = frozenset({"cert", "tags"})  # the other fields say for people what the certificate is


def desired(catalog: Catalog) -> Iterator[Resource]:
    platform = catalog.platform.name
    found: dict[str, tuple[Certificate, Upstream, set[str]]] = {}
    for _, upstream, belongs in used(catalog):
        for one in upstream.authorities:
            found.setdefault(one.digest, (one, upstream, set()))[2].update(belongs)
    for digest, (one, upstream, apis) in sorted(found.items()):
        belongs = tuple(sorted(apis))
        fields = {**shown(one), "tags": naming.tags(platform, belongs)}
        yield Resource(_key(digest), fields, origin=upstream.origin, belongs=naming.ids(belongs))


def ids(platform: str, upstream: Upstream) -> frozenset[str] | None:
    """What a service of this upstream trusts, as Kong names it; None: whom the node trusts."""
    return frozenset(_id(platform, one.digest) for one in upstream.authorities) or None


def shown(one: Certificate) -> Fields:
    """The certificate, and what people want to know of it."""
    return {"subject": one.subject, "until": one.until.strftime("%Y-%m-%dT%H:%M:%SZ"), "cert": one.pem}


def shown_of(row: Row) -> Fields:
    """The same of one that was found; of a text that is no certificate the text alone."""
    pem = str(row.get("cert"))
    one = certificate(pem)
    return shown(one) if one else {"subject": None, "until": None, "cert": pem}


def read(kong: Kong) -> Iterator[Resource]:
    for row in kong.rows("ca_certificates"):
        one = certificate(str(row.get("cert")))
        yield Resource(
            _key(one.digest) if one else Key(NAME, "", f"({row['id']})"),
            {**shown_of(row), "tags": row["tags"]},
            belongs=naming.ids(row["tags"]),
            owned=kong.is_ours(row),
        )


def create(kong: Kong, want: Resource) -> None:
    kong.put(_path(kong, want.key), body(want.fields, WRITTEN))


def update(kong: Kong, change: Update) -> None:
    """Its place in Kong follows from the digest, so what differs are tags."""
    kong.put(_path(kong, change.key), body(change.want.fields, WRITTEN))


def body(fields: Fields, names: frozenset[str]) -> dict[str, object]:
    return values.body({name: value for name, value in fields.items() if name in names})


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(_path(kong, have.key))


def _key(digest: str) -> Key:
    return Key(NAME, "", digest[:32])


def _id(platform: str, digest: str) -> str:
    return naming.steady_id(platform, "ca-certificate", "", digest[:32])


def id_of(platform: str, key: Key) -> str:
    """The id of a certificate that we wanted."""
    return _id(platform, key.name)


def _path(kong: Kong, key: Key) -> str:
    """By the id that we gave it; one of ours that somebody has changed is found under the digest of what it is now."""
    if key.name.startswith("("):
        return at("ca_certificates", key.name.strip("()"))
    return at("ca_certificates", _id(kong.platform, key.name))


AUTHORITIES = Kind(NAME, desired, read, create, update, delete, danger=danger.of_authority)
