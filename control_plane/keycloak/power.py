"""What the roles of a realm's client `realm-management` let their holder do, in words; Git gives them to nobody.

`manage-users` alone is in effect all of them: its holder joins a group that carries more.
"""

from __future__ import annotations

from control_plane.keycloak.answers import text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.administrator"
CLIENT = "realm-management"
HARMLESS = frozenset(
    {
        "query-clients",
        "query-groups",
        "query-organizations",
        "query-realms",
        "query-users",
        "view-authorization",
        "view-events",
        "view-identity-providers",
        "view-realm",
    }
)
MAY = {
    "create-client": "make clients that get tokens of the realm",
    "impersonation": "sign in as anybody, administrators too",
    "manage-authorization": "change who is permitted what",
    "manage-clients": "change every client and read its secret",
    "manage-events": "switch the records of logins and changes off",
    "manage-identity-providers": "let people of another provider in",
    "manage-organizations": "change organizations and who belongs to them",
    "manage-realm": "change the realm, its login flow and its roles",
    "manage-users": "reset any password and join any group, and so get every right in the realm",
    "realm-admin": "do everything in the realm",
    "view-clients": "read the secret of every client",
    "view-organizations": "read every organization and its members",
    "view-users": "read the data of everybody in the realm",
}


def why(who: str, names: frozenset[str]) -> str | None:
    """What somebody with these roles of the client may do beyond Git, in words; None where they give no power."""
    found = sorted(names - HARMLESS)
    may = dict.fromkeys(MAY.get(name, f"act as {CLIENT} {name}") for name in found)
    return f"{who} may {'; '.join(may)}" if found else None


def id_of_client(server: Keycloak, realm: str) -> str | None:
    """Asked for only by kinds that are read before the clients, and only once something looks like power."""
    where = path(realm, "clients")
    found = server.session.list(where, clientId=CLIENT)
    return text(found[0], "id", where) if found else None
