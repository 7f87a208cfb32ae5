"""Which identity providers people may come through. The language names none yet, so in a realm of ours none is open.

Keycloak asks nobody who comes through one for the second factor of the realm's own login flow: without a flow after the
login at the provider a password over there, or none, is enough. And it makes accounts that nobody has declared. So one
that somebody adds by hand is security drift. Apply switches it off, which keeps its settings and links for whoever has
to look at it, and ends the sessions of the people who have a link to it.

One list per realm, in short form and page by page: without a limit Keycloak 26.7 gives 100 of them and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.keycloak import sessions
from control_plane.keycloak.answers import text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import PAGE, path

NAME = "keycloak.brokering"
OPEN = "open"  # the providers, by their alias, through which people may come


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        fields = {OPEN: frozenset[str]()}
        yield Resource(Key(NAME, realm.name, "identity-providers"), fields, realm.origin, frozenset({realm.owner}))


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    yield Resource(Key(NAME, realm, "identity-providers"), {OPEN: frozenset(_open(server, realm))})


def _open(server: Keycloak, realm: str) -> Iterator[str]:
    where, first = _where(realm), 0
    while True:
        page = server.session.list(where, first=first, max=PAGE, briefRepresentation="true")
        for one in page:
            if one.get("enabled") is not False:
                yield text(one, "alias", where)
        if len(page) < PAGE:
            return
        first += PAGE


def _where(realm: str, *more: str) -> str:
    return path(realm, "identity-provider", "instances", *more)


def create(server: Keycloak, want: Resource) -> None:
    """A realm that was made just now has none; one that is open all the same is closed."""
    realm = want.key.within
    wanted = want.fields[OPEN]
    assert isinstance(wanted, frozenset)
    for alias in sorted(set(_open(server, realm)) - wanted):
        found = server.session.get(_where(realm, alias))
        server.session.put(_where(realm, alias), {**found, "enabled": False})
        linked = server.session.pages(path(realm, "users"), idpAlias=alias, briefRepresentation="true")
        sessions.end_all(server, realm, [text(person, "id", "users") for person in linked])


def update(server: Keycloak, change: Update) -> None:
    create(server, change.want)


def danger(change: Change, have: State) -> str | None:
    if isinstance(change, Update):
        return "people come in through an identity provider that Git does not name, without the realm's second factor"
    return None


BROKERING = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    after=("keycloak.realm",),
    aspect=True,
    danger=danger,
)
