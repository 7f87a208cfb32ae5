"""The names and marks that we give objects in Kong. They are a contract: a running platform is found again by them.

service        ngsi-v2.v2                 API and version
route          ngsi-v2.v2.read            and level
acl group      ngsi-v2.v2:read
upstream       orion.tochigi.renkei       its name in the YAML and the platform: a host that is no real one
consumer       nasushiobara.portal        tenant and service; also the client's id in Keycloak and the jwt key
plugin         ngsi-v2.v2.key-auth        what it stands on, and Kong's name of the plugin
               nasushiobara.portal~ngsi-v2.v2.ip-restriction   on a consumer, and where
tags           renkei:tochigi, api:ngsi-v2, tenant:nasushiobara; of a client certificate upstream:orion
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias
from uuid import UUID, uuid5

from control_plane.catalog.model import Api, Level, Version

Tags: TypeAlias = tuple[str, ...] | frozenset[str]

PROBE = "renkei-probe"  # the tag of what stands in Kong for a moment, to see that the proxy has taken a change up
PREFLIGHTS = "cors_preflight"  # the route of preflights; no level has `_` in its name
RETIRED = "retired"  # the one route of a retired version, in the place of a level's name
RETIRED_METHODS = "retired_methods"  # its second one, where the API has a default version
_NAMESPACE = UUID("6a2d1a54-6f0e-5d5c-9b0a-3f2f0a6f7c11")  # never changed: ids of credentials are made from it


def mark(platform: str) -> str:
    """The tag that says: this is ours, of this platform."""
    return f"renkei:{platform}"


# A platform has tens of thousands of objects and far fewer sets of tags: each set is made once.


@lru_cache(maxsize=100_000)
def tags(platform: str, belongs: Tags) -> frozenset[str]:
    """The mark and what the object belongs to, `api:…` and `tenant:…`."""
    return frozenset({mark(platform), *belongs})


@lru_cache(maxsize=100_000)
def ids(belongs: Tags) -> frozenset[str]:
    """The tenants' and APIs' ids in `api:…` and `tenant:…`."""
    return frozenset(one.partition(":")[2] for one in belongs if one.startswith(("api:", "tenant:")))


def service_name(api: Api, version: Version) -> str:
    return f"{api.name}.{version.name}"


def route_name(api: Api, version: Version, level: Level) -> str:
    return f"{service_name(api, version)}.{level.name}"


def retired_route(api: Api, version: Version) -> str:
    return f"{service_name(api, version)}.{RETIRED}"


def retired_methods_route(api: Api, version: Version) -> str:
    return f"{service_name(api, version)}.{RETIRED_METHODS}"


def preflight_route(api: Api, version: Version) -> str:
    return f"{service_name(api, version)}.{PREFLIGHTS}"


def upstream_name(platform: str, name: str) -> str:
    """The host of every service that goes there. Kong takes any host that has an upstream's name for the upstream."""
    return f"{name}.{platform}.renkei"


def certificate_id(platform: str, upstream: str) -> str:
    """The client certificate for an upstream, by its name in the YAML. Certificates have no names in Kong."""
    return steady_id(platform, "certificate", "", upstream)


def is_upstream_name(platform: str, name: str) -> bool:
    return name.endswith(f".{platform}.renkei")


def group_name(api: str, version: str, level: str) -> str:
    """The acl group of everybody who may use this level of this version."""
    return f"{api}.{version}:{level}"


def anonymous_name(platform: str) -> str:
    """The consumer of a call without credentials, where a key or a token may be used. It has no rights."""
    return f"renkei-anonymous-{platform}"


def steady_id(platform: str, kind: str, consumer: str, name: str) -> str:
    """The id of an object that has no name in Kong: always the same, so that a PUT can be repeated."""
    return str(uuid5(_NAMESPACE, "\n".join((platform, kind, consumer, name))))
