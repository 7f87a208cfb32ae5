"""Who administers a realm of ours: holders of the roles of its client `realm-management`, which Git gives to nobody.

`manage-users` alone is in effect all of them: its holder joins a group that carries more. So every direct holder is
told, a person of ours or not and an application's service account too; unmarked groups and roles that carry such a role
are told by their own kinds. A list per role, not per person, and one of the roles: the cost is the same for any number
of people.

Nothing of this is taken away by an apply. Whoever holds `realm-admin` may be the last one who can get into the realm,
and a run must not decide that; it says which request takes the role away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak import clients
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import bug

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


# ---------------------------------------------------------------- found


def desired(catalog: Catalog) -> Iterator[Resource]:
    """Nobody: the language has no word for it."""
    return iter(())


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    client = server.ids(clients.NAME, realm).get(CLIENT)
    if client is None:
        return  # whoever deletes it ends every administration of the realm but that from realm master
    where = path(realm, "clients", client, "roles")
    powers = [one for one in server.session.list(where) if text(one, "name", where) not in HARMLESS]

    def holders(role: Json) -> Sequence[Json]:
        return server.session.every(f"{path(realm, 'clients', client, 'roles', role['name'])}/users")

    for role, found in zip(powers, server.side_by_side(holders, powers), strict=True):
        for one in found:
            who = text(one, "username", where)
            if not _is_renkei(server, realm, who):
                given = path(realm, "users", text(one, "id", where), "role-mappings", "clients", client)
                body = json.dumps([{"id": text(role, "id", where), "name": role["name"]}])
                yield Resource(
                    Key(NAME, realm, f"{who} {role['name']}"),
                    owned=False,
                    danger=why(who, frozenset({role["name"]})),
                    remove=f"DELETE /{given} {body}",
                )


def _is_renkei(server: Keycloak, realm: str, who: str) -> bool:
    return realm == server.settings.realm and who == f"service-account-{server.settings.client_id}".lower()


def _never(server: Keycloak, want: Resource) -> None:
    raise bug(f"{want.key} is told and never written")


ADMINISTRATOR = Kind(NAME, desired, read, _never)
