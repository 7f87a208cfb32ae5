"""Upstreams: one for each upstream of the environment that has several targets, and that an API at the gateway uses.

Kong takes a service's host for an upstream when one has that name. Health checks are declared whole, also where they
are off (0). Health belongs to the node and outlives the upstream: one that is made anew under the same name begins
with what the node knows of its targets.

By calls themselves (passive) only failures of the server count: no connection, no answer in time, 502, 503, 504. A
500 or a 429 may be one caller's doing, and must not take a server from all others.

Kong asks for health with the node's own authorities alone, so where the YAML names others the question is asked
without looking at the certificate; calls look at it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from control_plane.catalog.model import Catalog, Upstream
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields
from control_plane.kong import danger, naming, values
from control_plane.kong.client import Kong, at, named
from control_plane.kong.view import standing

NAME = "kong.upstream"
FIELDS = ("algorithm", "hash_on", "host_header", "healthchecks", "client_certificate")
WELL = frozenset({200, 302})
ILL = frozenset({429, 404, 500, 501, 502, 503, 504, 505})  # as Kong has it
FAILED = frozenset({502, 503, 504})
WELL_BY_CALLS = frozenset({*range(200, 209), 226, *range(300, 309)})  # as Kong has it
ASKED = 1  # seconds that an answer to a health check may take


def used(catalog: Catalog) -> Iterator[tuple[str, Upstream, tuple[str, ...]]]:
    """Name in the YAML, upstream, and the APIs that go there, as `api:…`."""
    apis: dict[str, set[str]] = defaultdict(set)
    for one in standing(catalog):
        apis[one.api.upstream].update(one.belongs)
    for name, upstream in catalog.environment.upstreams.items():
        if isinstance(upstream, Upstream) and name in apis:
            yield name, upstream, tuple(sorted(apis[name]))


def desired(catalog: Catalog) -> Iterator[Resource]:
    platform = catalog.platform.name
    for name, upstream, belongs in used(catalog):
        in_kong = naming.upstream_name(platform, name)
        fields = {
            "algorithm": "round-robin",
            "hash_on": "none",
            "host_header": None,
            "healthchecks": _healthchecks(upstream),
            "client_certificate": naming.certificate_id(platform, name) if upstream.client else None,
            "tags": naming.tags(platform, belongs),
        }
        yield Resource(Key(NAME, in_kong, in_kong), fields, origin=upstream.origin, belongs=naming.ids(belongs))


def _healthchecks(upstream: Upstream) -> Fields:
    health = upstream.health
    interval, failures = (health.interval, health.failures) if health else (0, 0)
    return {
        "threshold": 0,
        "active": {
            "type": upstream.protocol,
            "http_path": health.path if health else "/",
            "https_verify_certificate": upstream.verify and not upstream.authorities,
            "https_sni": None,
            "headers": None,
            "concurrency": 10,
            "timeout": ASKED,
            "healthy": {"interval": interval, "successes": 1 if health else 0, "http_statuses": WELL},
            "unhealthy": {
                "interval": interval,
                "http_failures": failures,
                "tcp_failures": failures,
                "timeouts": failures,
                "http_statuses": ILL,
            },
        },
        "passive": {
            "type": upstream.protocol,
            "healthy": {"successes": 0, "http_statuses": WELL_BY_CALLS},
            "unhealthy": {
                "http_failures": failures,
                "tcp_failures": failures,
                "timeouts": failures,
                "http_statuses": FAILED,
            },
        },
    }


def read(kong: Kong) -> Iterator[Resource]:
    for row in kong.rows("upstreams"):
        name = named(row)
        yield Resource(
            Key(NAME, name, name),
            values.declared(values.flat(row, "client_certificate"), FIELDS),
            belongs=naming.ids(row["tags"]),
            owned=kong.is_ours(row),
        )


def create(kong: Kong, want: Resource) -> None:
    kong.put(at("upstreams", want.key.name), values.body(want.fields, "client_certificate"))


def update(kong: Kong, change: Update) -> None:
    body = values.body(change.want.fields, "client_certificate")
    kong.patch(at("upstreams", change.key.name), {name: body[name] for name in change.changed})


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(at("upstreams", have.key.name))


UPSTREAMS = Kind(
    NAME, desired, read, create, update, delete, after=("kong.certificate",), danger=danger.of_upstream, adoptable=True
)
