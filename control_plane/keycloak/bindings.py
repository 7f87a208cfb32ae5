"""Which login flow a realm uses, for the browser and for the direct grant.

A kind of its own: it may be bound only when the flow, and the role in its condition, are there; and another flow bound
by hand is seen as what it is. Written alone, as one field of the realm.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak import danger, logins, realmput, sessions
from control_plane.keycloak.marks import PREFIX
from control_plane.keycloak.server import Keycloak

NAME = "keycloak.binding"
FIELDS = {"browser": "browserFlow", "direct-grant": "directGrantFlow"}


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for flow in logins.bound(realm):
            fields = {"flow": flow.alias}
            yield Resource(Key(NAME, realm.name, flow.purpose), fields, realm.origin, frozenset({realm.owner}))


def read(server: Keycloak) -> Iterator[Resource]:
    for realm in server.ours():
        for purpose, field in FIELDS.items():
            yield Resource(Key(NAME, realm, purpose), {"flow": server.found[realm].get(field)})


def create(server: Keycloak, want: Resource) -> None:
    """Every realm has the binding: set it."""
    realmput.put(server.session, want.key.within, {FIELDS[want.key.name]: want.fields["flow"]})


def update(server: Keycloak, change: Update) -> None:
    """Another flow of ours leaves everybody in. Whoever came in by one that is not ours signs in anew."""
    create(server, change.want)
    if not str(change.have.fields["flow"]).startswith(PREFIX):
        sessions.end_of_realm(server, change.key.within)


BINDING = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    after=("keycloak.flow", "keycloak.composite"),
    serial_by=lambda binding: binding.key.within,
    danger=danger.of_login,
)
