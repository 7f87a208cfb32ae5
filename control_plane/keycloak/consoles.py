"""Who signs in to the console of a realm shows a second factor there, where the realm's login flow has that level.

The console is Keycloak's own client, `security-admin-console`, and stays so; ours is one attribute of it, the least
level of a login through it. Keycloak refuses a level that the bound flow does not have, so it comes after the binding.
The account that applies is a service account: no person signs in by it, and none of its logins has a level.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Create, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.keycloak import logins, sessions, strangers
from control_plane.keycloak.answers import text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.console"
CLIENT = "security-admin-console"
LEAST = "minimum.acr.value"
WITH_LESS = "administrators sign in to the console with less than Git says"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        if realm.baseline.step_up is not None:
            fields = {LEAST: str(logins.LEVEL)}
            yield Resource(Key(NAME, realm.name, CLIENT), fields, realm.origin, frozenset({realm.owner}))


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    for one in server.session.list(path(realm, "clients"), clientId=CLIENT):
        if level := (one.get("attributes") or {}).get(LEAST):
            yield Resource(Key(NAME, realm, CLIENT), {LEAST: str(level)})


def create(server: Keycloak, want: Resource) -> None:
    """Every realm has the console; somebody may have deleted it, and then there is nothing to sign in to.

    Who is in was asked for less, and signs in anew; in a new realm nobody is.
    """
    realm = want.key.within
    for found in server.session.list(path(realm, "clients"), clientId=CLIENT):
        body = {"clientId": CLIENT, **strangers.kept(found), "attributes": {LEAST: want.fields[LEAST] or ""}}
        id = text(found, "id", "clients")
        anew = bool(want.fields[LEAST] and realm in server.found)
        with sessions.client_ended(server, realm, id) if anew else nullcontext():
            server.session.put(path(realm, "clients", id), body)


def update(server: Keycloak, change: Update) -> None:
    create(server, change.want)


def leaves(have: Resource) -> Resource:
    """The realm's template has no such level any more."""
    return replace(have, fields={LEAST: None})


def danger(change: Change, have: State) -> str | None:
    """It is there from the realm's beginning: without a level somebody has taken it away, or the level is new."""
    match change:
        case Create() if Key("keycloak.realm", change.key.within, change.key.within) in have:
            return WITH_LESS
        case Update(want=want) if want.fields[LEAST] is not None:
            return WITH_LESS
    return None


CONSOLE = Kind(
    NAME, desired, read, create, update, after=("keycloak.binding",), leaves=leaves, aspect=True, danger=danger
)
