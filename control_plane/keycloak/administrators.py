"""Who administers a realm of ours: holders of the roles of its client `realm-management` (`power`).

Every direct holder is told, a person of ours or not and an application's service account too; unmarked groups and roles
that carry such a role are told by their own kinds. A list per role, not per person, and one of the roles: the cost is
the same for any number of people.

Git's own administrators of a tenant reach no account that has more than they can give. But Git knows of no such role,
so a member of a group that they fill who gets one by hand can be taken over by them: they set his password. That is
told with the role.

Nothing of this is taken away by an apply. Whoever holds `realm-admin` may be the last one who can get into the realm,
and a run must not decide that; it says which request takes the role away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak import clients, permissions, permits, power
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import bug

NAME = power.NAME


@dataclass(frozen=True)
class Reach:
    """Whose accounts others administer in a realm, as its permissions say now."""

    filled: frozenset[str]  # groups whose members they administer …
    closed: frozenset[str]  # … but for who is in one of these, too, or is one of
    protected: frozenset[str]

    def holds(self, who: str, groups: frozenset[str]) -> bool:
        within = {group for group in groups if any(f"{group}/".startswith(f"{one}/") for one in self.filled)}
        return bool(within) and not groups & self.closed and who.lower() not in self.protected


def desired(catalog: Catalog) -> Iterator[Resource]:
    """Nobody: the language has no word for it."""
    return iter(())


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    client = server.ids(clients.NAME, realm).get(power.CLIENT)
    if client is None:
        return  # whoever deletes it ends every administration of the realm but that from realm master
    where = path(realm, "clients", client, "roles")
    powers = [one for one in server.session.list(where) if text(one, "name", where) not in power.HARMLESS]

    def holders(role: Json) -> Sequence[Json]:
        return server.session.every(f"{path(realm, 'clients', client, 'roles', role['name'])}/users")

    found = list(zip(powers, server.side_by_side(holders, powers), strict=True))
    reach = _reach(server, realm) if any(people for _, people in found) else None
    for role, people in found:
        for one in people:
            who = text(one, "username", where)
            if not _is_renkei(server, realm, who):
                id = text(one, "id", where)
                given = path(realm, "users", id, "role-mappings", "clients", client)
                body = json.dumps([{"id": text(role, "id", where), "name": role["name"]}])
                taken = TAKEN_OVER if reach and reach.holds(who, _groups(server, realm, id)) else ""
                yield Resource(
                    Key(NAME, realm, f"{who} {role['name']}"),
                    owned=False,
                    danger=f"{power.why(who, frozenset({role['name']}))}{taken}",
                    remove=f"DELETE /{given} {body}",
                )


TAKEN_OVER = "; and so may a tenant's administrators, who can set a password for this account and take it over"


def _reach(server: Keycloak, realm: str) -> Reach | None:
    """Asked for only where somebody holds power; None where nobody administers people of a tenant."""
    filled, closed, protected = set[str](), set[str](), set[str]()
    for found in permits.listed(server, realm):
        objects = set(permits.objects(server, realm, found))
        on, scopes = found.get("resourceType"), set(permits.scopes(found))
        refuses = str(found.get("name")).endswith(permissions.REFUSED)
        if on == permits.GROUPS and scopes & permissions.FILLS:
            (closed if refuses else filled).update(objects)
        elif on == permits.USERS and scopes & permissions.TOUCHES and refuses:
            protected |= objects
    return Reach(frozenset(filled), frozenset(closed), frozenset(protected)) if filled else None


def _groups(server: Keycloak, realm: str, user: str) -> frozenset[str]:
    where = path(realm, "users", user, "groups")
    return frozenset(text(one, "path", where) for one in server.session.list(where))


def _is_renkei(server: Keycloak, realm: str, who: str) -> bool:
    return realm == server.settings.realm and who == f"service-account-{server.settings.client_id}".lower()


def _never(server: Keycloak, want: Resource) -> None:
    raise bug(f"{want.key} is told and never written")


ADMINISTRATOR = Kind(NAME, desired, read, _never)
