"""Services: one per API version that stands at the gateway, and where its upstream is.

It is created disabled. Whether it is enabled is no field of it but a kind of its own, kong.publication, which comes
last: nothing is reachable before its protection is there. Tries and time-outs (milliseconds) are declared also where
the YAML leaves them out, as Kong's defaults: a change by hand is drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from control_plane.catalog.model import Catalog, Upstream
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields
from control_plane.kong import authorities, danger, naming, strangers, values
from control_plane.kong.client import Kong, at, named
from control_plane.kong.view import Standing, standing
from control_plane.problems import ConfigurationError, Problem

NAME = "kong.service"
FIELDS = (
    "protocol",
    "host",
    "port",
    "path",
    "retries",
    "connect_timeout",
    "read_timeout",
    "write_timeout",
    "tls_verify",
    "ca_certificates",
    "client_certificate",
)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
PORTS = {"http": 80, "https": 443}
NOT_UP_YET = "http://127.0.0.1:8190"  # for a sandbox that is only validated: once it is up, its echo's address is known


def desired(catalog: Catalog) -> Iterator[Resource]:
    for one in standing(catalog):
        yield Resource(
            Key(NAME, one.name, one.name),
            {**_address(catalog, one), "tags": naming.tags(catalog.platform.name, one.belongs)},
            origin=one.version.origin,
            belongs=naming.ids(one.belongs),
        )


def _address(catalog: Catalog, one: Standing) -> Fields:
    """Protocol, host, port and the path that takes the place of the version's public one."""
    environment = catalog.environment
    url = environment.upstreams.get(one.api.upstream, NOT_UP_YET if environment.embedded else None)
    if url is None:
        raise ConfigurationError(
            Problem(
                f"upstream '{one.api.upstream}' has no address in the environment '{environment.name}'",
                one.api.origin,
                help=f"add it to the environment's upstreams: {{{one.api.upstream}: http://…}}",
            )
        )
    if isinstance(url, Upstream):
        return _balanced(catalog, one, url)
    parts = urlsplit(url)
    return {
        "protocol": parts.scheme,
        "host": parts.hostname or "",
        "port": parts.port or PORTS[parts.scheme],
        "path": _path(parts.path, one),
        "retries": 5,
        "connect_timeout": 60_000,
        "read_timeout": 60_000,
        "write_timeout": 60_000,
        "tls_verify": None,
        "ca_certificates": None,
        "client_certificate": None,
    }


def _balanced(catalog: Catalog, one: Standing, upstream: Upstream) -> Fields:
    """The upstream's name in the place of a host. The port says nothing then, for each target has its own."""
    safe = all(method in SAFE for level in one.api.levels for method in level.methods)
    retries = upstream.retries if upstream.retries is not None else 5 if safe else 0
    return {
        "protocol": upstream.protocol,
        "host": naming.upstream_name(catalog.platform.name, one.api.upstream),
        "port": PORTS[upstream.protocol],
        "path": _path(upstream.path, one),
        "retries": retries,
        "connect_timeout": upstream.connect * 1000,
        "read_timeout": upstream.read * 1000,
        "write_timeout": upstream.write * 1000,
        "tls_verify": upstream.verify if upstream.protocol == "https" else None,
        "ca_certificates": authorities.ids(catalog.platform.name, upstream),
        "client_certificate": naming.certificate_id(catalog.platform.name, one.api.upstream)
        if upstream.client
        else None,
    }


def _path(before: str, one: Standing) -> str | None:
    return (before.rstrip("/") + "/" + one.version.upstream_path.strip("/")).rstrip("/") or None


def read(kong: Kong) -> Iterator[Resource]:
    ours, routes = strangers.places(kong), strangers.of_services(kong)
    for row in kong.rows("services"):
        name, owned = named(row), kong.is_ours(row)
        yield Resource(
            Key(NAME, name, name),
            values.declared(values.flat(row, "client_certificate"), FIELDS),
            belongs=naming.ids(row["tags"]),
            owned=owned,
            danger=None if owned else strangers.service(row, ours, routes.get(row["id"], ())),
            remove=strangers.removal("services", row["id"]),
        )


def create(kong: Kong, want: Resource) -> None:
    kong.put(at("services", want.key.name), {**values.body(want.fields, "client_certificate"), "enabled": False})


def update(kong: Kong, change: Update) -> None:
    body = values.body(change.want.fields, "client_certificate")
    kong.patch(at("services", change.key.name), {name: body[name] for name in change.changed})


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(at("services", have.key.name))


SERVICES = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("kong.target", "kong.ca-certificate", "kong.certificate"),
    danger=danger.of_service,
    adoptable=True,
)
