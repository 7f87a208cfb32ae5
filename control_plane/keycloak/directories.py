"""Directories: people of an LDAP server sign in with the password that they have there.

Theirs are the account, its name, its address, its password, and whether it is open: Keycloak reads them anew and writes
nothing back. Ours is the door, and the group in which everybody from there stands, with that group's roles. A person of
a directory is not declared, and no list of a group's members shows him: Keycloak works his membership out.

Keycloak drops settings that it does not know, so the mark and the digest of the password that was written last stand in
the component's `subType`, which it keeps and does not read. A directory that somebody else has added signs in people
with passwords that nobody here knows of: that is told. With a directory its people's accounts go, their sessions, and
what they had set up.

Keycloak reads people into its own tables whenever somebody lists them, and while a directory does not answer it says
that all of its people are disabled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from control_plane.catalog.model import Catalog, Directory
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Change, Delete, Update
from control_plane.engine.resource import Key, Resource, State
from control_plane.engine.values import Fields, Secret, Value
from control_plane.keycloak import groups, ldap, sessions
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

NAME = "keycloak.directory"
STORAGE = "org.keycloak.storage.UserStorageProvider"
MAPPER = "org.keycloak.storage.ldap.mappers.LDAPStorageMapper"
CREDENTIAL = "bindCredential"
MORE, MAPPERS = "more", "mappers"
MARK = "renkei"


def desired(catalog: Catalog) -> Iterator[Resource]:
    for realm in catalog.realms.values():
        for one in catalog.directories(realm.name):
            key, fields = Key(NAME, realm.name, one.name), _fields(one, _group(catalog, one))
            yield Resource(key, fields, one.origin, frozenset({one.tenant}))


def _group(catalog: Catalog, one: Directory) -> str:
    """The path of the group in which everybody from there stands."""
    named = (groups.group_path(found) for found in catalog.tenants[one.tenant].groups if found.name == one.group)
    return next(named, groups.tenant_path(one.tenant))


def _fields(one: Directory, group: str) -> Fields:
    return {
        "title": one.title,
        "tenant": one.tenant,
        **ldap.settings(one),
        CREDENTIAL: Secret(str(one.password)),
        MORE: frozenset[str](),
        MAPPERS: frozenset(ldap.mappers(one, group)),
    }


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    ids: dict[str, str] = {}
    titles: dict[str, str] = {}
    for one in server.components(realm):
        if one.get("providerType") != STORAGE:
            continue
        id, name = text(one, "id", "components"), text(one, "name", "components")
        titles[id] = name
        ours = _mark(server, one)
        if ours is None:
            yield _strange(realm, id, name, one)
            continue
        tenant, directory, digest = ours
        ids[directory] = id
        yield Resource(
            Key(NAME, realm, directory), _found(server, realm, id, one, tenant, digest), None, frozenset({tenant})
        )
    server.remember(NAME, realm, ids)
    server.directories[realm] = titles


def _mark(server: Keycloak, one: Json) -> tuple[str, str, str] | None:
    """Of one that is ours: its tenant, its name and the digest of its password."""
    parts = str(one.get("subType") or "").split(":")
    if len(parts) == 5 and parts[:2] == [MARK, server.platform]:
        return parts[2], parts[3], parts[4]
    return None


def _strange(realm: str, id: str, name: str, one: Json) -> Resource:
    key = Key(NAME, realm, name)
    if _setting(one, ldap.ENABLED) == "false":
        return Resource(key, owned=False)
    body = {named: one.get(named) for named in ("name", "providerId", "providerType", "parentId")}
    close = json.dumps({**body, "config": {ldap.ENABLED: ["false"]}}, ensure_ascii=False)
    why = "people sign in with the passwords of a directory that Git does not name"
    return Resource(key, owned=False, danger=why, remove=f"PUT /{path(realm, 'components', id)} {close}")


def _setting(one: Json, name: str) -> str | None:
    values = (one.get("config") or {}).get(name) or [None]
    return None if values[0] in (None, "") else str(values[0])


def _found(server: Keycloak, realm: str, id: str, one: Json, tenant: str, digest: str) -> Fields:
    more = {name: _setting(one, name) for name in _unknown(one)}
    found: dict[str, Value] = {name: _setting(one, name) for name in ldap.KNOWN}
    mappers = server.session.list(path(realm, "components"), parent=id)
    return {
        "title": str(one.get("name")),
        "tenant": tenant,
        **found,
        CREDENTIAL: Secret("", digest) if _setting(one, CREDENTIAL) and digest else None,
        MORE: frozenset(f"{name}={value}" for name, value in more.items() if value is not None),
        MAPPERS: frozenset(map(_mapper, mappers)),
    }


def _unknown(one: Json) -> list[str]:
    """The settings that we neither want nor know to be harmless."""
    return sorted((one.get("config") or {}).keys() - {*ldap.KNOWN, CREDENTIAL, *ldap.HARMLESS})


def _mapper(one: Json) -> str:
    config = one.get("config") or {}
    settings = {str(name): str(values[0]) for name, values in config.items() if values and values[0] != ""}
    return ldap.line(str(one.get("name")), str(one.get("providerId")), settings)


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    """Closed first, opened when its people stand in their group. What an earlier run has left of it is gone on with."""
    realm, name = want.key.within, want.key.name
    id = _there(server, realm, name) or server.session.post(path(realm, "components"), _body(server, want, None, False))
    server.learn(NAME, realm, name, id)
    _set_mappers(server, want, id)
    _put(server, want, id, frozenset(want.fields))


def _there(server: Keycloak, realm: str, name: str) -> str | None:
    for one in server.session.list(path(realm, "components"), type=STORAGE):
        ours = _mark(server, one)
        if ours and ours[1] == name:
            return text(one, "id", "components")
    return None


def update(server: Keycloak, change: Update) -> None:
    """Whoever was believed by another directory than Git says signs in anew: it is closed until that is done."""
    id = server.id(NAME, change.key.within, change.key.name)
    if change.changed - {"title", "tenant", CREDENTIAL}:
        _close(server, change.key.within, id)
    if MAPPERS in change.changed:
        _set_mappers(server, change.want, id)
    _put(server, change.want, id, change.changed)


def _close(server: Keycloak, realm: str, id: str) -> None:
    """Its people are out, and Keycloak has forgotten who they are: of a directory that is closed it keeps nothing."""
    where = path(realm, "components", id)
    found = server.session.get(where)
    server.session.put(where, {**found, "config": {**(found.get("config") or {}), ldap.ENABLED: ["false"]}})
    server.session.post(path(realm, "clear-user-cache"), {})
    sessions.end_all(server, realm, _people(server, realm, id))


def _put(server: Keycloak, want: Resource, id: str, changed: frozenset[str]) -> None:
    where = path(want.key.within, "components", id)
    found = server.session.get(where)
    body = _body(server, want, found if CREDENTIAL not in changed else None, True)
    unknown = {name: [""] for name in _unknown(found)}
    server.session.put(where, {**found, **body, "config": {**unknown, **body["config"]}})


def _body(server: Keycloak, want: Resource, found: Json | None, opened: bool) -> Json:
    """The component as Keycloak takes it; with `found` its password stays, masked, and so does the digest."""
    fields = want.fields
    settings = {name: [str(fields[name]) if fields[name] is not None else ""] for name in ldap.KNOWN}
    settings[ldap.ENABLED] = [str(opened).lower()]
    digest = ""
    reference = fields[CREDENTIAL]
    if found is not None:
        mark = _mark(server, found)
        digest = mark[2] if mark else ""
    elif isinstance(reference, Secret):
        secret = server.reveal(reference)
        settings[CREDENTIAL], digest = [secret], server.seal(secret).version or ""
    return {
        "name": fields["title"],
        "providerId": "ldap",
        "providerType": STORAGE,
        "subType": ":".join((MARK, server.platform, str(fields["tenant"]), want.key.name, digest)),
        "config": settings,
    }


def _set_mappers(server: Keycloak, want: Resource, id: str) -> None:
    realm, wanted = want.key.within, want.fields[MAPPERS]
    assert isinstance(wanted, frozenset)
    there = {_mapper(one): one for one in server.session.list(path(realm, "components"), parent=id)}
    for line in sorted(there.keys() - wanted):
        server.session.delete(path(realm, "components", text(there[line], "id", "components")))
    for line in sorted(map(str, wanted - there.keys())):
        one = json.loads(line)
        config = {name: [value] for name, value in one["config"].items()}
        body = {**one, "providerType": MAPPER, "parentId": id, "config": config}
        server.session.post(path(realm, "components"), body)


def _people(server: Keycloak, realm: str, id: str) -> Iterator[str]:
    """Everybody whom Keycloak has read from the directory, by Keycloak's id."""
    for one in server.session.pages(path(realm, "users"), briefRepresentation="false"):
        if one.get("federationLink") == id:
            yield text(one, "id", "users")


def delete(server: Keycloak, have: Resource) -> None:
    """Its people's accounts and sessions go with it."""
    id = server.id(NAME, have.key.within, have.key.name)
    _close(server, have.key.within, id)
    server.session.delete(path(have.key.within, "components", id))


# ---------------------------------------------------------------- danger


def danger(change: Change, have: State) -> str | None:
    match change:
        case Delete():
            return "its people sign in, and Git no longer knows it"
        case Update(changed=names) if MAPPERS in names:
            return "its people are somebody else, or stand elsewhere, than Git says"
        case Update(changed=names) if names - {"title", "tenant", CREDENTIAL, ldap.ENABLED}:
            return "people are believed by another directory, or in another way, than Git says"
    return None


def costs(change: Change, have: State) -> str | None:
    if isinstance(change, Delete):
        return "the accounts of its people go with it, and every second factor and consent of theirs"
    return None


DIRECTORY = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.profile", "keycloak.group", "keycloak.binding"),
    revokes=True,
    costs=costs,
    danger=danger,
)
