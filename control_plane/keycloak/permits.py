"""Fine-grained permissions of a realm (v2): where Keycloak keeps them, whose they are, and how one is read and written.

Keycloak grants what every permission on an object grants, and refuses where one of them does not: so there is one of
ours for each object and scope, and one that names nobody is a refusal. A permission without any policy refuses nothing,
one without objects holds for all of its type. A description, which Keycloak keeps, carries our mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from control_plane.catalog.model import User
from control_plane.engine.resource import Resource
from control_plane.engine.values import Fields
from control_plane.keycloak import clients, groups, switch, users
from control_plane.keycloak.answers import Conflict, Json, Missing, a_list, text
from control_plane.keycloak.marks import PLATFORM, PREFIX, TENANT, marks
from control_plane.keycloak.server import Keycloak, not_there
from control_plane.keycloak.session import path

CLIENT = "admin-permissions"  # Keycloak makes it with the realm's switch
GROUPS, USERS = "Groups", "Users"  # types of objects
POLICIES = "keycloak.policy"
FORMER = "former"


def name(tenant: str, what: str) -> str:
    return f"{PREFIX}{tenant}-{what}"


def mark(platform: str, tenant: str | None) -> str:
    return " ".join(f"{name}={value}" for name, value in marks(platform, tenant).items())


def is_ours(found: Json, platform: str) -> bool:
    return _marks(found).get(PLATFORM) == platform


def belongs(found: Json) -> frozenset[str]:
    tenant = _marks(found).get(TENANT)
    return frozenset({tenant} if tenant else ())


def _marks(found: Json) -> dict[str, str]:
    words = str(found.get("description") or "").split()
    return dict(word.split("=", 1) for word in words if "=" in word)


def where(server: Keycloak, realm: str, *more: str) -> str:
    """The path of the realm's permissions. The client is looked for where this run has switched them on."""
    id = server.ids(clients.NAME, realm).get(CLIENT)
    if id is None:
        all = path(realm, "clients")
        found = server.session.list(all, clientId=CLIENT)
        if not found:
            raise not_there(f"client {CLIENT} of realm {realm}")
        id = text(found[0], "id", all)
        server.learn(clients.NAME, realm, CLIENT, id)
    return path(realm, "clients", id, "authz", "resource-server", *more)


def former(users: Iterable[User]) -> Fields:
    """For a write: the former names of people who get another one, which they have until the end of the same run."""
    return {FORMER: {one.username.lower(): one.previously.lower() for one in users if one.previously}}


def person(server: Keycloak, want: Resource, name: str) -> str:
    """The id of somebody whom the resource names, perhaps under the former name still."""
    ids, before = server.ids(users.NAME, want.key.within), want.initial.get(FORMER)
    known = ids.get(str(before.get(name))) if isinstance(before, Mapping) and name not in ids else None
    return known or server.id(users.NAME, want.key.within, name)


# ---------------------------------------------------------------- found


def listed(server: Keycloak, realm: str) -> list[Json]:
    """Every permission of the realm; none while they are switched off."""
    if not switch.is_on(server, realm):
        return []
    return server.session.list(where(server, realm, "permission"), fields="*")


def fields(server: Keycloak, realm: str, found: Json) -> Fields:
    """The permission with names instead of ids; an object that we do not know keeps its id."""
    policies = server.session.list(
        where(server, realm, "permission", "scope", text(found, "id", CLIENT), "associatedPolicies")
    )
    return {
        "on": str(found.get("resourceType")),
        "objects": frozenset(objects(server, realm, found)),
        "scopes": frozenset(scopes(found)),
        "policies": frozenset(str(one.get("name")) for one in policies),
        "logic": found.get("logic"),
        "tenant": next(iter(belongs(found)), None),
    }


def objects(server: Keycloak, realm: str, found: Json) -> Iterator[str]:
    kind = {GROUPS: groups.NAME, USERS: users.NAME}.get(str(found.get("resourceType")))
    names = {id: name for name, id in server.ids(kind, realm).items()} if kind else {}
    for one in a_list(found.get("resourcesData") or [], CLIENT):
        yield names.get(str(one.get("name")), str(one.get("displayName") or one.get("name")))


def scopes(found: Json) -> Iterator[str]:
    return (str(one.get("name")) for one in a_list(found.get("scopesData") or [], CLIENT))


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    realm, body = want.key.within, _body(server, want)
    try:
        server.session.post(where(server, realm, "permission", "scope"), body)
    except Conflict:
        there = _there(server, want)
        if there is None:
            raise
        server.session.put(where(server, realm, "permission", "scope", there), body)


def update(server: Keycloak, want: Resource) -> None:
    """Whole: what a PUT leaves out is removed or kept, as Keycloak pleases."""
    there = _there(server, want)
    if there is None:
        create(server, want)  # a policy that was deleted has taken it along
    else:
        server.session.put(where(server, want.key.within, "permission", "scope", there), _body(server, want))


def delete(server: Keycloak, have: Resource) -> None:
    """It may have gone with the only object or policy that it had."""
    there = _there(server, have)
    if there is not None:
        server.session.delete(where(server, have.key.within, "permission", "scope", there))


def _there(server: Keycloak, one: Resource) -> str | None:
    """The id of ours by that name. Keycloak searches by a part of the name."""
    all = where(server, one.key.within, "permission")
    try:
        found = server.session.list(all, name=one.key.name, fields="*")
    except Missing:
        return None
    mine = (other for other in found if other.get("name") == one.key.name and is_ours(other, server.platform))
    return next((text(other, "id", all) for other in mine), None)


def _body(server: Keycloak, want: Resource) -> Json:
    realm = want.key.within
    on, tenant = str(want.fields["on"]), want.fields["tenant"]
    names = _names(want, "objects")
    ids = {
        GROUPS: lambda: [server.id(groups.NAME, realm, one) for one in names],
        USERS: lambda: [person(server, want, one) for one in names],
    }
    return {
        "name": want.key.name,
        "description": mark(server.platform, str(tenant) if tenant else None),
        "resourceType": on,
        "resources": ids[on](),
        "scopes": _names(want, "scopes"),
        "policies": [server.id(POLICIES, realm, one) for one in _names(want, "policies")],
        "logic": want.fields["logic"],
    }


def _names(want: Resource, field: str) -> list[str]:
    value = want.fields[field]
    assert isinstance(value, frozenset) and value  # none would mean all objects, or no policy that refuses
    return sorted(map(str, value))
