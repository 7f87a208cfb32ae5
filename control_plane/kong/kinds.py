"""Every kind of object that we keep in Kong, in the order in which a person would explain them.

certificate ─▶ upstream ─▶ target ─▶ service
ca-certificate ─▶ service
consumer, service ─▶ plugin ─▶ route ─▶ route-plugin ─▶ (the proxy has taken it up) ─▶ publication, key, acl, jwt
when things go: publication ─▶ route-plugin ─▶ route ─▶ (taken up) ─▶ plugin ─▶ service, consumer
rights that go (key, acl, jwt) go before everything else
"""

from __future__ import annotations

from control_plane.engine.kind import Kind
from control_plane.kong.acls import ACLS
from control_plane.kong.authorities import AUTHORITIES
from control_plane.kong.certificates import CERTIFICATES
from control_plane.kong.client import Kong
from control_plane.kong.consumers import CONSUMERS
from control_plane.kong.jwts import JWTS
from control_plane.kong.keys import KEYS
from control_plane.kong.plugins import PLUGINS, ROUTE_PLUGINS
from control_plane.kong.publications import PUBLICATIONS
from control_plane.kong.routes import ROUTES
from control_plane.kong.services import SERVICES
from control_plane.kong.targets import TARGETS
from control_plane.kong.upstreams import UPSTREAMS

KINDS: tuple[Kind[Kong], ...] = (
    CONSUMERS,
    KEYS,
    JWTS,
    ACLS,
    AUTHORITIES,
    CERTIFICATES,
    UPSTREAMS,
    TARGETS,
    SERVICES,
    PLUGINS,
    ROUTES,
    ROUTE_PLUGINS,
    PUBLICATIONS,
)
