"""Which login flow a realm uses, for the browser, for the direct grant and for a new password by mail.

A kind of its own: it may be bound only when the flow, and the role in its condition, are there; and another flow bound
by hand is seen as what it is. Written alone, as one field of the realm.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak import danger, flows, logins, realmput, sessions
from control_plane.keycloak.server import Keycloak

NAME = "keycloak.binding"
FIELDS = flows.BINDINGS
ALLOWED = "resetPasswordAllowed"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for purpose, alias in logins.by_purpose(realm).items():
            yield Resource(Key(NAME, realm.name, purpose), {"flow": alias}, realm.origin, frozenset({realm.owner}))


def read(server: Keycloak) -> Iterator[Resource]:
    for realm in server.ours():
        for purpose, field in FIELDS.items():
            yield Resource(Key(NAME, realm, purpose), {"flow": server.found[realm].get(field)})


def create(server: Keycloak, want: Resource) -> None:
    """Every realm has the binding: set it. A new realm has Keycloak's own flows by itself."""
    if want.key.within not in server.found and want.fields["flow"] == logins.STOCK_RESET:
        return
    _bind(server, want)


def _bind(server: Keycloak, want: Resource) -> None:
    realmput.put(server.session, want.key.within, {FIELDS[want.key.name]: want.fields["flow"]})


def update(server: Keycloak, change: Update) -> None:
    """Another flow of ours leaves everybody in. Whoever came in by one that is not ours signs in anew; so does whoever
    came in by one of ours that was edited, for it is another one."""
    realm, before = change.key.within, str(change.have.fields["flow"])
    passed = change.key.name != logins.RESET.purpose or server.found[realm].get(ALLOWED) is True
    if passed and not flows.is_as_built(server, realm, before):
        with sessions.all_ended(server, realm):
            _bind(server, change.want)
    else:
        _bind(server, change.want)


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
