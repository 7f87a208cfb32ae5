"""Who is meant by the permissions of a realm: people by name, as Git says; and nobody, for what nobody may do.

A policy names people and not a group or a role: whoever fills a group or gives a role would make administrators. Only
those whose period holds are named. Keycloak deletes with a policy the permissions that have no other one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields
from control_plane.keycloak import groups, permits, switch, users
from control_plane.keycloak.answers import Conflict, Json, text
from control_plane.keycloak.marks import PREFIX
from control_plane.keycloak.server import Keycloak
from control_plane.problems import Origin

NAME = permits.POLICIES
NOBODY = f"{PREFIX}nobody"


def administrators(tenant: str) -> str:
    return permits.name(tenant, "administrators")


def readers(tenant: str) -> str:
    """Administrators and auditors."""
    return permits.name(tenant, "readers")


def desired(catalog: Catalog) -> Iterator[Resource]:
    refusing = dict[str, Origin | None]()
    for tenant in catalog.delegating():
        may = frozenset(user.username.lower() for user in tenant.users if catalog.administers(user))
        see = may | {user.username.lower() for user in tenant.users if catalog.audits(user)}
        for name, meant in ((administrators(tenant.name), may), (readers(tenant.name), see)):
            one = _wanted(tenant.realm, name, meant, tenant.name, tenant.delegation)
            yield replace(one, initial=permits.former(tenant.users))
        refusing.setdefault(tenant.realm, tenant.delegation)
    for realm, origin in refusing.items():
        yield _wanted(realm, NOBODY, frozenset(), None, origin)


def _wanted(realm: str, name: str, meant: frozenset[str], tenant: str | None, origin: Origin | None) -> Resource:
    fields: Fields = {"people": meant, "logic": "POSITIVE", "tenant": tenant}
    return Resource(Key(NAME, realm, name), fields, origin, frozenset({tenant} if tenant else ()))


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    if not switch.is_on(server, realm):
        return
    where = permits.where(server, realm, "policy")
    found = server.session.list(where, permission="false", max=-1)
    server.remember(NAME, realm, {text(one, "name", where): text(one, "id", where) for one in found})
    names = {id: name for name, id in server.ids(users.NAME, realm).items()}
    for one in found:
        key = Key(NAME, realm, one["name"])
        if not permits.is_ours(one, server.platform) or one.get("type") != "user":
            yield Resource(key, owned=False)
            continue
        people = json.loads((one.get("config") or {}).get("users") or "[]")
        fields: Fields = {
            "people": frozenset(names.get(id, id) for id in people),
            "logic": one.get("logic"),
            "tenant": next(iter(permits.belongs(one)), None),
        }
        yield Resource(key, fields, None, permits.belongs(one))


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    realm, name = want.key.within, want.key.name
    where = permits.where(server, realm, "policy")
    body = _body(server, want)
    try:
        server.session.post(f"{where}/user", body)
        id = _id(server, want)
    except Conflict:
        id = _id(server, want)
        if id is None:
            raise
        server.session.put(f"{where}/user/{id}", body)
    if id:
        server.learn(NAME, realm, name, id)


def _id(server: Keycloak, want: Resource) -> str | None:
    """Keycloak's answer to a new policy names no address."""
    where = permits.where(server, want.key.within, "policy")
    found = server.session.list(where, permission="false", name=want.key.name, max=-1)
    mine = (one for one in found if one.get("name") == want.key.name and permits.is_ours(one, server.platform))
    return next((text(one, "id", where) for one in mine), None)


def update(server: Keycloak, change: Update) -> None:
    id = server.id(NAME, change.key.within, change.key.name)
    server.session.put(permits.where(server, change.key.within, "policy", "user", id), _body(server, change.want))


def _body(server: Keycloak, want: Resource) -> Json:
    people, tenant = want.fields["people"], want.fields["tenant"]
    assert isinstance(people, frozenset)
    return {
        "name": want.key.name,
        "description": permits.mark(server.platform, str(tenant) if tenant else None),
        "users": [permits.person(server, want, one) for one in sorted(map(str, people))],
        "logic": want.fields["logic"],
    }


def delete(server: Keycloak, have: Resource) -> None:
    id = server.id(NAME, have.key.within, have.key.name)
    server.session.delete(permits.where(server, have.key.within, "policy", id))


def danger(change: Change, have: State) -> str | None:
    if isinstance(change, Update):
        for one in change.changes:
            if one.path[0] == "logic":
                return "it means everybody else than Git says"
            before, after = one.before, one.after
            if isinstance(before, frozenset) and isinstance(after, frozenset) and before - after:
                return "somebody administers or sees people whom Git does not name"
    return None


POLICY = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=(groups.NAME, users.NAME),
    serial_by=lambda policy: policy.key.within,
    danger=danger,
)
