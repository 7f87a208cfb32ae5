"""The upstreams of an environment: URLs, and those that have several servers."""

from __future__ import annotations

from urllib.parse import urlsplit

from control_plane.catalog.certificates import authorities, chain
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.platform import EnvironmentEntry
from control_plane.catalog.documents.upstreams import UpstreamEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import ClientCertificate, Health, Upstream, UpstreamTarget

WEIGHT = 100  # of a target that has none


def upstreams(declared: Declared, where: Located[EnvironmentEntry] | None) -> dict[str, str | Upstream]:
    """Name -> where it is, from the environment that gives them; none gives none."""
    if where is None:
        return {}
    return {
        name: one if isinstance(one, str) else _upstream(declared, where.part(one, "upstreams", name))
        for name, one in sorted((where.value.upstreams or {}).items())
    }


def _upstream(declared: Declared, where: Located[UpstreamEntry]) -> Upstream:
    one = where.value
    first = urlsplit(one.targets[0].url)
    targets = (
        UpstreamTarget(target.place, 0 if target.role else target.weight or WEIGHT, where.origin("targets", index))
        for index, target in enumerate(one.targets)
    )
    return Upstream(
        protocol=first.scheme,
        path=first.path,
        targets=tuple(targets),
        health=Health(one.health.path, one.health.interval, one.health.failures) if one.health else None,
        connect=one.timeouts.connect,
        read=one.timeouts.read,
        write=one.timeouts.write,
        retries=one.retries,
        verify=one.verify is not False,
        authorities=authorities(declared, one.ca) if one.ca else (),
        client=_client(declared, where),
        origin=where.key(),
    )


def _client(declared: Declared, where: Located[UpstreamEntry]) -> ClientCertificate | None:
    one = where.value.client_certificate
    if one is None:
        return None
    return ClientCertificate(chain(declared, one.certificate), one.key, where.key("client_certificate"))
