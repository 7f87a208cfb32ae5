"""People: their account, the groups they stand in, the roles given to them directly.

Who leaves the YAML is disabled and keeps the mark, with the day of it (`leaving`); an account is deleted only when the
operator has counted those that are due. No password is ever set here but a new account's first (`firsts`).
Memberships and roles are read from the small side, per group and per role, never per person. `accounts` says how an
account is written.

A person stands in the groups that the YAML names; with none, in the tenant's own group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from control_plane.catalog.model import Catalog, User
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Value
from control_plane.keycloak import (
    accounts,
    builtin,
    danger,
    firsts,
    groups,
    leaving,
    links,
    logins,
    profiles,
    roles,
    sessions,
    whole,
)
from control_plane.keycloak.answers import Conflict, Json, Missing, text
from control_plane.keycloak.marks import (
    EXEMPT,
    MANAGED,
    PLATFORM,
    attribute,
    belongs,
    is_nobodys,
    is_ours,
)
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import Problem, ServerError

NAME = leaving.USER


def desired(catalog: Catalog) -> Iterator[Resource]:
    declared = profiles.attributes(catalog)
    for user in catalog.users():
        realm = catalog.tenants[user.tenant].realm
        fields: dict[str, Value] = {
            "enabled": user.period.holds(catalog.as_of),
            "email": user.email.lower() if user.email else None,  # Keycloak keeps it in small letters
            "firstName": user.given_name,
            "lastName": user.family_name,
            "tenant": user.tenant,
            "attributes": {**{name: user.attributes.get(name) for name in declared[realm]}, **_exempt(catalog, user)},
            "groups": frozenset(_groups(catalog, user)),
            "roles": frozenset([*user.roles, *_delegate(catalog, user)]),
            "left": False,
            "dormant": False,
            **firsts.wanted(catalog, user),
        }
        key = Key(NAME, realm, user.username.lower())
        before = Key(NAME, realm, user.previously.lower()) if user.previously else None
        belongs = frozenset({user.tenant, *(one.tenant for one in user.elsewhere)})
        initial = firsts.initial(catalog, user)
        yield Resource(key, fields, user.origin, belongs, previously=before, initial=initial)


def _groups(catalog: Catalog, user: User) -> Iterator[str]:
    """Also those of other tenants; without one of his own he stands in the tenant itself."""
    if not user.groups:
        yield groups.tenant_path(user.tenant)
    yield from map(groups.group_path, catalog.groups_of(user))


def _delegate(catalog: Catalog, user: User) -> tuple[str, ...]:
    """Our own role of who administers people of the tenant, or looks at them."""
    return (roles.DELEGATE,) if catalog.administers(user) or catalog.audits(user) else ()


def _exempt(catalog: Catalog, user: User) -> dict[str, str | None]:
    """The attribute that leaves a person out of the second factor, where the realm knows it."""
    if not catalog.realm_of(user.tenant).baseline.exemptions:
        return {}
    return {EXEMPT: logins.YES if user.exempt and user.exempt.period.holds(catalog.as_of) else None}


# ---------------------------------------------------------------- found


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    hidden: set[str] | None = None
    if realm in server.hidden:  # the profile does not show our mark, but Keycloak still finds people by it
        found = server.session.every(
            path(realm, "users"), briefRepresentation="true", q=f"{PLATFORM}:{server.platform}"
        )
        hidden = {text(one, "id", "users") for one in found}
    listed = _accounts(server, realm, hidden)
    server.remember(NAME, realm, {one.resource.key.name: one.id for one in listed})
    told = {one.id for one in listed if one.whole}
    memberships = _edges(server, realm, told, server.ids(groups.NAME, realm), _members)
    custom = {name: id for name, id in server.ids(roles.NAME, realm).items() if not builtin.is_role(realm, name)}
    given = _edges(server, realm, told, custom, _holders)
    elsewhere = links.claimed(server, realm, told)  # given and taken by a login over there
    for id, one, known in listed:
        if known:
            claimed = elsewhere.get(id, frozenset())
            fields = {
                **one.fields,
                "groups": frozenset(memberships[id] - claimed),
                "roles": frozenset(given[id] - claimed),
            }
            yield replace(one, fields=fields)
        else:
            yield one


class _Account(NamedTuple):
    """What is kept of one answer: a realm may have many more people than those of ours."""

    id: str
    resource: Resource
    whole: bool  # groups and roles are looked up, too: it is ours, or may become ours


def _account_of(server: Keycloak, realm: str, one: Json, hidden: set[str] | None) -> _Account:
    id, key = text(one, "id", "users"), Key(NAME, realm, text(one, "username", "users"))
    if is_ours(one, server.platform) if hidden is None else id in hidden:
        return _Account(id, Resource(key, accounts.found(one), None, belongs(one)), True)
    why = danger.EXEMPTED if attribute(one, EXEMPT) is not None else None
    free = server.takes(one)
    fields = accounts.found(one) if free else accounts.outline(one)
    if one.get("federationLink"):  # Keycloak reads him from there, and so it says who he is
        fields["directory"] = server.directories.get(realm, {}).get(str(one["federationLink"]), "")
    return _Account(id, Resource(key, fields, owned=False, adoptable=is_nobodys(one), danger=why), free)


def _accounts(server: Keycloak, realm: str, hidden: set[str] | None) -> list[_Account]:
    """Every account but those of services."""

    def read() -> Iterator[_Account]:
        pages = server.session.pages(path(realm, "users"), briefRepresentation="false")
        return (_account_of(server, realm, one, hidden) for one in pages)

    return whole.counted(realm, "users", read, lambda: server.user_count(realm))


def _edges(
    server: Keycloak, realm: str, ours: set[str], ids: dict[str, str], where: Callable[[str, str, str], str]
) -> dict[str, set[str]]:
    """The names of groups or roles that each of our people is in, from a list per group or role."""
    found = defaultdict[str, set[str]](set)

    def those_of_ours(listed: Iterator[Json]) -> list[str]:
        return [id for one in listed if (id := text(one, "id", "users")) in ours]

    def of(name: str) -> tuple[str, list[str]]:
        people = where(realm, name, ids[name])
        return name, server.session.steady(those_of_ours, people, briefRepresentation="true")

    for name, members in server.side_by_side(of, sorted(ids) if ours else ()):
        for id in members:
            found[id].add(name)
    return found


def _members(realm: str, name: str, id: str) -> str:
    return path(realm, "groups", id, "members")


def _holders(realm: str, name: str, id: str) -> str:
    return path(realm, "roles", name, "users")


# ---------------------------------------------------------------- written


def create(server: Keycloak, want: Resource) -> None:
    """In one request with name, groups and attributes; roles given directly follow."""
    realm, username = want.key.within, want.key.name
    body = {
        "username": username,
        **{name: want.fields[name] for name in ("enabled", *accounts.NAMES)},
        "attributes": {**accounts.attributes(server, want, {}), **firsts.mark(want)},
        "groups": sorted(_names(want, "groups")),
        **firsts.body(server, want),
    }
    try:
        id = server.session.post(path(realm, "users"), body)
    except Conflict:
        there = server.session.list(path(realm, "users"), username=username, exact="true")
        if not there or not is_ours(there[0], server.platform):
            raise
        id = text(there[0], "id", "users")
        accounts.put(server, want, id, frozenset(want.fields))
        _join(server, want, id, _names(want, "groups"))
    server.learn(NAME, realm, username, id)
    _give(server, want, id, _names(want, "roles"))
    if want.fields.get("invited"):
        firsts.invite(server, realm, id)


def update(server: Keycloak, change: Update) -> None:
    """What is taken away first, then the account itself, then what is given.

    Who loses something signs in anew; his sessions end before and after it (`sessions`). Before an account is enabled
    its old ones end too: a run that was killed after it disabled the account has left them, and they would live again.
    """
    realm, want, have = change.key.within, change.want, change.have
    id = server.id(NAME, realm, change.have.key.name)
    where = path(realm, "users", id)
    left = _names(have, "groups") - _names(want, "groups") if "groups" in change.changed else frozenset[str]()
    taken = _names(have, "roles") - _names(want, "roles") if "roles" in change.changed else frozenset[str]()
    exempted = any(one.path == ("attributes", EXEMPT) and one.after is None for one in change.changes)
    enables = "enabled" in change.changed and bool(want.fields["enabled"])
    if left or taken or exempted or enables:
        sessions.end(server, realm, id)
    for name in sorted(left):
        server.session.delete(f"{where}/groups/{server.id(groups.NAME, realm, name)}")
    if taken:
        server.session.delete(f"{where}/role-mappings/realm", roles.named(server, realm, taken))
    if change.moves:
        server.session.put(where, {"username": change.key.name})
        server.learn(NAME, realm, change.key.name, id)
    accounts.put(server, want, id, change.changed)
    if left or taken or exempted or ("enabled" in change.changed and not enables):
        sessions.end(server, realm, id)
    if "groups" in change.changed:
        _join(server, want, id, _names(want, "groups") - _names(have, "groups"))
    if "roles" in change.changed:
        _give(server, want, id, _names(want, "roles") - _names(have, "roles"))
    if "invited" in change.changed:
        firsts.invite(server, realm, id)


def _join(server: Keycloak, want: Resource, id: str, names: frozenset[str]) -> None:
    realm = want.key.within
    for name in sorted(names):
        server.session.put(path(realm, "users", id, "groups", server.id(groups.NAME, realm, name)))


def _give(server: Keycloak, want: Resource, id: str, names: frozenset[str]) -> None:
    realm = want.key.within
    if names:
        server.session.post(path(realm, "users", id, "role-mappings", "realm"), roles.named(server, realm, names))


def leaves(have: Resource) -> Resource:
    return replace(have, fields={"enabled": False, "left": True})


def delete(server: Keycloak, have: Resource) -> None:
    """Only as it was read. Whoever was switched on or taken back meanwhile stays, and the next plan says so."""
    where = path(have.key.within, "users", server.id(NAME, have.key.within, have.key.name))
    try:
        found = server.session.get(where)
    except Missing:
        return
    if not is_ours(found, server.platform) or found.get("enabled") is not False or not leaving.day(found):
        raise ServerError(
            Problem(f"{have.key} was changed since it was read, and is not deleted", help="plan again, and count again")
        )
    server.session.delete(where)


def _names(resource: Resource, field: str) -> frozenset[str]:
    value = resource.fields.get(field)
    return frozenset(map(str, value)) if isinstance(value, frozenset) else frozenset()


USER = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("keycloak.profile", "keycloak.group", "keycloak.binding", "keycloak.provider"),
    moves="it stays the same account: its password and second factor, to be signed in to under the new name",
    leaves=leaves,
    danger=danger.of_holder,
    adoptable=True,
    mark=MANAGED,
)
