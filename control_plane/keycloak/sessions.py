"""The end of people's sessions: what was signed in stays signed in until somebody ends it.

Disabling an account stops its tokens only while it is disabled: who enables it again revives them. Taking a role away
leaves it in the tokens that are there, whether a person, a group or another role has lost it. So all of these are
followed by a logout, which ends running and offline sessions, and by the removal of offline grants, which Keycloak
keeps among the consents.

And they are preceded by it: of a run that is killed right after such a write no later plan can tell, for all is then as
Git says (`ended`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

OFFLINE = "Offline Token"  # how Keycloak calls the grant that outlives every session


def end(server: Keycloak, realm: str, user: str) -> None:
    """End everything that the person, by Keycloak's id, is signed in to. May be repeated."""
    server.session.post(path(realm, "users", user, "logout"), {})
    where = path(realm, "users", user, "consents")
    for consent in server.session.list(where):
        if any(grant.get("key") == OFFLINE for grant in consent.get("additionalGrants") or ()):
            server.session.delete(f"{where}/{text(consent, 'clientId', where)}")


@contextmanager
def ended(server: Keycloak, realm: str, users: Iterable[str]) -> Iterator[None]:
    """End these people's sessions, then do what takes something from them, then end those opened in between."""
    known = set(users)
    end_all(server, realm, known)
    yield
    end_all(server, realm, known)


def members(server: Keycloak, realm: str, group: Json) -> Iterator[str]:
    """Everybody in the group or below it, by id: who stands below has the group's roles too."""
    id = text(group, "id", "groups")
    for person in server.session.every(path(realm, "groups", id, "members"), briefRepresentation="true"):
        yield text(person, "id", "members")
    for below in server.session.every(path(realm, "groups", id, "children"), briefRepresentation="true"):
        yield from members(server, realm, below)


def holders(server: Keycloak, realm: str, role: str) -> set[str]:
    """Everybody who has the role, by id: directly, by a group, or by a role that includes it."""
    found = set[str]()
    for name in _including(server, realm, role):
        where = path(realm, "roles", name)
        found |= {text(one, "id", where) for one in server.session.every(f"{where}/users", briefRepresentation="true")}
        for group in server.session.every(f"{where}/groups", briefRepresentation="true"):
            found |= set(members(server, realm, group))
    return found


def _including(server: Keycloak, realm: str, role: str) -> set[str]:
    """The role and every role that includes it, directly or through others."""
    where = path(realm, "roles")
    parts = {
        text(one, "name", where): {
            str(part.get("name"))
            for part in server.session.list(path(realm, "roles-by-id", text(one, "id", where), "composites"))
            if not part.get("clientRole")
        }
        for one in server.session.list(where)
        if one.get("composite")
    }
    found, seen = {role}, 0
    while len(found) > seen:
        seen = len(found)
        found |= {name for name, included in parts.items() if included & found}
    return found


def end_all(server: Keycloak, realm: str, users: Iterable[str]) -> None:
    for user in sorted(set(users)):
        end(server, realm, user)


@contextmanager
def all_ended(server: Keycloak, realm: str) -> Iterator[None]:
    """Likewise for everybody of the realm, offline sessions too, and what was signed before: nobody knows who came in
    by the hole that is closed in between."""
    end_of_realm(server, realm)
    yield
    end_of_realm(server, realm)


def end_of_realm(server: Keycloak, realm: str) -> None:
    server.session.post(path(realm, "logout-all"), {})


@contextmanager
def client_ended(server: Keycloak, realm: str, id: str) -> Iterator[None]:
    """Likewise for who is signed in through this client."""
    end_of_client(server, realm, id)
    yield
    end_of_client(server, realm, id)


def end_of_client(server: Keycloak, realm: str, client: str) -> None:
    """Everybody who is signed in through the client, by Keycloak's id, signs in anew, there and elsewhere."""
    where = path(realm, "clients", client)
    found: set[str] = set()
    for sort in ("user-sessions", "offline-sessions"):
        found |= {text(one, "userId", where) for one in server.session.stream(f"{where}/{sort}")}
    end_all(server, realm, found)
