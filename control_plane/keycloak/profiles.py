"""User profiles: the attributes of people that we use, declared, readable and writable for administrators alone.

Keycloak drops what its profile does not declare, without a word and with 2xx. The profile is one document and a PUT
replaces it, so ours are merged into what is there; attributes that others declared stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Value
from control_plane.keycloak import danger
from control_plane.keycloak.answers import Json, a_list
from control_plane.keycloak.marks import PLATFORM, TENANT
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.profile"
ONLY_ADMINISTRATORS = frozenset({"admin"})


def desired(catalog: Catalog) -> Iterator[Resource]:
    declared = attributes(catalog)
    for realm in catalog.realms.values():
        names = (PLATFORM, TENANT, *declared[realm.name])
        yield Resource(
            Key(NAME, realm.name, "user-profile"),
            {name: _declared() for name in names},
            realm.origin,
            frozenset({realm.owner}),
        )


def attributes(catalog: Catalog) -> Mapping[str, list[str]]:
    """For each realm the names that its template declares, and those that people of the realm have."""
    names = {realm.name: set(realm.baseline.attributes) for realm in catalog.realms.values()}
    for user in catalog.users():
        if user.attributes:
            names[catalog.tenants[user.tenant].realm].update(user.attributes)
    return {realm: sorted(found) for realm, found in names.items()}


def _declared() -> Fields:
    return {"view": ONLY_ADMINISTRATORS, "edit": ONLY_ADMINISTRATORS, "multivalued": False, "required": False}


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "users", "profile")
    document = server.session.get(where)
    fields: Fields = {str(one.get("name")): _found(one) for one in a_list(document.get("attributes"), where)}
    (server.hidden.discard if PLATFORM in fields else server.hidden.add)(realm)
    yield Resource(Key(NAME, realm, "user-profile"), fields)


def _found(one: Json) -> Fields:
    permissions = one.get("permissions") or {}
    fields: dict[str, Value] = {name: frozenset(map(str, permissions.get(name) or ())) for name in ("view", "edit")}
    return {**fields, "multivalued": one.get("multivalued") is True, "required": one.get("required") is not None}


def create(server: Keycloak, want: Resource) -> None:
    """Every realm has a profile: merge ours into it."""
    where = path(want.key.within, "users", "profile")
    document = server.session.get(where)
    there = a_list(document.get("attributes"), where)
    ours = {name: _representation(name) for name in want.fields}
    kept = [ours.pop(str(one.get("name")), one) for one in there]
    server.session.put(where, {**document, "attributes": [*kept, *ours.values()]})


def _representation(name: str) -> Json:
    only = sorted(ONLY_ADMINISTRATORS)
    return {"name": name, "displayName": name, "permissions": {"view": only, "edit": only}, "multivalued": False}


def update(server: Keycloak, change: Update) -> None:
    create(server, change.want)


PROFILE = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    after=("keycloak.realm",),
    serial_by=lambda profile: profile.key.within,
    danger=danger.of_profile,
)
