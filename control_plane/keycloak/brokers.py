"""Which identity providers are open that Git does not name: none.

Keycloak asks nobody who comes through one for the second factor of the realm's own login flow: without a flow after the
login at the provider a password over there, or none, is enough. And it makes accounts that nobody has declared. So one
that somebody adds by hand is security drift. Apply switches it off, which keeps its settings and links for whoever has
to look at it, and ends the sessions of the people who have a link to it. Those of ours are a kind of their own
(`providers`): one with our mark that Git does not name is deleted there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.keycloak import providers
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.server import Keycloak

NAME = "keycloak.brokering"
OPEN = "open"  # the providers of others, by their alias, through which people may come


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        fields = {OPEN: frozenset[str]()}
        yield Resource(Key(NAME, realm.name, "identity-providers"), fields, realm.origin, frozenset({realm.owner}))


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    names = (text(one, "alias", providers.where(realm)) for one in _open(server, realm, providers.seen(server, realm)))
    yield Resource(Key(NAME, realm, "identity-providers"), {OPEN: frozenset(names)})


def _open(server: Keycloak, realm: str, found: Iterable[Json]) -> Iterator[Json]:
    for one in found:
        if one.get("enabled") is not False and not providers.is_ours(server, one) and not _adopts(server, realm, one):
            yield one


def _adopts(server: Keycloak, realm: str, one: Json) -> bool:
    """Whether it becomes ours in this run: Git names it, and nobody else has marked it."""
    return server.adopting and providers.is_nobodys(one) and (realm, one.get("alias")) in server.declared


def create(server: Keycloak, want: Resource) -> None:
    """A realm that was made just now has none; one that is open all the same is closed."""
    realm = want.key.within
    for one in _open(server, realm, list(providers.every(server, realm))):
        providers.close(server, realm, one)


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
