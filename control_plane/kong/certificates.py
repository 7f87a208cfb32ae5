"""Client certificates: what the gateway shows of itself to an upstream's servers that ask (mutual TLS).

Kong shows the key in clear, so the client replaces it by a digest as soon as it is read. Certificate and key are
written together: one without the other would not fit, and Kong refuses such a pair. Renewing is one PATCH.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from control_plane.catalog.model import Catalog, ClientCertificate, Upstream
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.target import Check
from control_plane.engine.values import Fields, Secret
from control_plane.kong import danger, naming, values
from control_plane.kong.authorities import body, shown, shown_of
from control_plane.kong.client import Kong, Row, at
from control_plane.kong.upstreams import used
from control_plane.problems import NotAllowed, Problem

NAME = "kong.certificate"
SOON = timedelta(days=30)
OF = "upstream:"  # the tag with the upstream's name in the YAML


def desired(catalog: Catalog) -> Iterator[Resource]:
    for name, upstream, belongs in used(catalog):
        if upstream.client is not None:
            yield Resource(
                Key(NAME, "", name),
                {
                    **shown(upstream.client.certificate),
                    "key": Secret(str(upstream.client.key)),
                    "tags": naming.tags(catalog.platform.name, (*belongs, OF + name)),
                },
                origin=upstream.client.origin or upstream.origin,
                belongs=naming.ids(belongs),
            )


def read(kong: Kong) -> Iterator[Resource]:
    for row in kong.rows("certificates"):
        name = _own_name(kong, row)
        fields: Fields = {}
        if name is not None:
            fields = {**shown_of(row), "key": row["key"], "tags": values.value("tags", row["tags"])}
        yield Resource(
            Key(NAME, "", name or f"({row['id']})"),
            fields,
            belongs=naming.ids(row["tags"]),
            owned=name is not None,
        )


def _own_name(kong: Kong, row: Row) -> str | None:
    """The upstream that we made it for; None when it is not ours."""
    if not kong.is_ours(row):
        return None
    names = (tag.removeprefix(OF) for tag in row["tags"] if tag.startswith(OF))
    return next((name for name in names if row["id"] == naming.certificate_id(kong.platform, name)), None)


def create(kong: Kong, want: Resource) -> None:
    pair, key = _pair(kong, want.fields)
    kong.put(_path(kong, want.key), {**pair, **body(want.fields, frozenset({"tags"}))}, hide=(key,))


def update(kong: Kong, change: Update) -> None:
    pair, key = _pair(kong, change.want.fields)
    kong.patch(_path(kong, change.key), {**pair, **body(change.want.fields, frozenset({"tags"}))}, hide=(key,))


def _pair(kong: Kong, fields: Fields) -> tuple[dict[str, object], str]:
    secret = fields["key"]
    assert isinstance(secret, Secret)
    key = kong.reveal(secret)
    return {**body(fields, frozenset({"cert"})), "key": key}, key


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(_path(kong, have.key))


def _path(kong: Kong, key: Key) -> str:
    return at("certificates", naming.certificate_id(kong.platform, key.name))


def unfit(kong: Kong, catalog: Catalog) -> Iterator[Problem]:
    """Certificates whose key is another's, before anything is written.

    A key that is not there yet is told later; an account that may not read it, as one for plans, leaves it to `apply`.
    """
    for name, upstream, _ in used(catalog):
        if upstream.client is None:
            continue
        try:
            key = kong.peek(Secret(str(upstream.client.key)))
        except NotAllowed:
            continue
        if key is not None and (problem := _unfit(name, upstream, upstream.client, key)):
            yield problem


def lasting(catalog: Catalog) -> Iterator[Check]:
    """How long each certificate lasts that an upstream relies on."""
    for name, upstream, _ in used(catalog):
        named = [("authority", one) for one in upstream.authorities]
        for what, one in named + ([("certificate", upstream.client.certificate)] if upstream.client else []):
            left = one.until - catalog.as_of
            yield Check(
                f"{what} of upstream {name}",
                left > SOON,
                f"{one.subject} until {one.until:%Y-%m-%d}" + (", which is over" if left <= timedelta() else ""),
                "renew it: put the new file in the place of the old one, and its key into the store",
            )


def _unfit(name: str, upstream: Upstream, client: ClientCertificate, key: str) -> Problem | None:
    where = client.origin or upstream.origin
    try:
        own = load_pem_private_key(key.encode(), None).public_key()
    except (ValueError, TypeError):
        return Problem(
            f"the secret {client.key} is no private key",
            where,
            help="put the key there as PEM, without a password",
        )
    if own == load_pem_x509_certificate(client.certificate.pem.encode()).public_key():
        return None
    return Problem(
        f"the key {client.key} does not fit the certificate of upstream '{name}'",
        where,
        note=f"The certificate is {client.certificate.subject}, until {client.certificate.until:%Y-%m-%d}.",
        help="put the key that belongs to it into the store, or name the certificate that belongs to the key",
    )


CERTIFICATES = Kind(NAME, desired, read, create, update, delete, danger=danger.of_certificate)
