"""The people who are linked to an identity provider: what a login over there has given them, and their sessions.

Keycloak tells of a provider who is linked to it, and of a person to which, but not of all people at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from control_plane.keycloak import groups, roles, sessions
from control_plane.keycloak.answers import text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path


def linked(server: Keycloak, realm: str, alias: str) -> Iterator[str]:
    """Everybody, by id, who has a link to the provider."""
    for person in server.session.every(path(realm, "users"), idpAlias=alias, briefRepresentation="true"):
        yield text(person, "id", "users")


def end_sessions(server: Keycloak, realm: str, alias: str) -> None:
    sessions.end_all(server, realm, linked(server, realm, alias))


def claimed(server: Keycloak, realm: str, people: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Of these people by id: the roles by name and the groups by path that logins elsewhere give and take."""
    found: dict[str, frozenset[str]] = {}
    for alias, names in sorted(server.claims.get(realm, {}).items()):
        for id in linked(server, realm, alias) if names and people else ():
            if id in people:
                found[id] = found.get(id, frozenset()) | names
    return found


def take_back(server: Keycloak, realm: str, alias: str, names: frozenset[str]) -> None:
    """Take away what a login has given and no login gives any more: Keycloak leaves it with the people."""
    given = names & server.ids(roles.NAME, realm).keys()
    joined = names & server.ids(groups.NAME, realm).keys()
    for id in linked(server, realm, alias) if given or joined else ():
        person = path(realm, "users", id)
        if given:
            server.session.delete(f"{person}/role-mappings/realm", roles.named(server, realm, given))
        for name in sorted(joined):
            server.session.delete(f"{person}/groups/{server.id(groups.NAME, realm, name)}")


def account(server: Keycloak, realm: str, name: str) -> str | None:
    """The id of the account of that user name; None where the realm has none."""
    found = server.session.list(path(realm, "users"), username=name, exact="true", briefRepresentation="true")
    return text(found[0], "id", "users") if found else None


def of_account(server: Keycloak, realm: str, id: str) -> Mapping[str, str]:
    """The providers to which the account is linked, and what each calls the person."""
    found = server.session.list(path(realm, "users", id, "federated-identity"))
    return {text(one, "identityProvider", "users"): str(one.get("userName") or "") for one in found}


def undo(server: Keycloak, realm: str, id: str, alias: str) -> None:
    """No link, and nobody who came in by it. The next login through the provider begins with a proof again."""
    server.session.delete(path(realm, "users", id, "federated-identity", alias))
    sessions.end(server, realm, id)
