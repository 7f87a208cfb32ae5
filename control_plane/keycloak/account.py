"""Our own account in Keycloak, as an administrator of the server makes it: a client, and the rights that it needs.

The client stands in realm master, for only there an account has rights in several realms. It has exactly the rights
that are given here, in the realms of the catalog and in those with our mark, and none besides: what it has more is
taken. A realm that is not there yet is made, empty, switched off and with our mark, so that the account need not create
any: whoever creates a realm has all rights in it, and may sign in as anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from control_plane.keycloak import claims, strangers
from control_plane.keycloak.answers import Json, text
from control_plane.keycloak.marks import PLATFORM, attribute, is_ours, marks
from control_plane.keycloak.session import Session, path
from control_plane.problems import Problem, Refused

MASTER = "master"
FIELDS: Mapping[str, Any] = {
    "enabled": True,
    "protocol": "openid-connect",
    "publicClient": False,
    "clientAuthenticatorType": "client-secret",
    "serviceAccountsEnabled": True,
    "standardFlowEnabled": False,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "fullScopeAllowed": True,  # its rights stand in its tokens, and nobody else gets tokens through it
}


@dataclass(frozen=True)
class Wanted:
    """An account, and where it may do what."""

    client_id: str
    platform: str
    realms: Mapping[str, str]  # of the catalog, to the tenant that owns it
    rights: frozenset[str]  # in each of them
    creates: bool = False  # realms that are not there yet
    names: bool = False  # people, in lists that else have numbers


@dataclass(frozen=True)
class MakeRealm:
    realm: str
    owner: str


@dataclass(frozen=True)
class MakeRole:
    """A role of realm master that opens nothing at Keycloak."""

    role: str


@dataclass(frozen=True)
class MakeClient:
    client_id: str


@dataclass(frozen=True)
class SetClient:
    client_id: str
    fields: tuple[str, ...]  # by name; `secret` among them when it is not that of the store


@dataclass(frozen=True)
class Give:
    of: str  # the client whose roles they are, or the realm master
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Take:
    of: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Leave:
    group: str  # by path: what it gives cannot be told from here


Step: TypeAlias = MakeRealm | MakeRole | MakeClient | SetClient | Give | Take | Leave


def look(session: Session, wanted: Wanted, secret: str | None, *, adopt: bool = False) -> tuple[Step, ...]:
    """What has to be done, in this order; nothing is written. `secret` is that of the store, None while there is none.

    Raises Refused for a client of that name that is not ours, and for a realm of another platform.
    """
    realms = {text(one, "realm", "admin/realms"): one for one in session.list("admin/realms")}
    _refuse_strangers(realms, wanted)
    missing = () if wanted.creates else tuple(MakeRealm(*one) for one in sorted(wanted.realms.items()))
    makes = tuple(one for one in missing if one.realm not in realms)
    ours = {name for name, one in realms.items() if is_ours(one, wanted.platform)}
    there = (wanted.realms.keys() & realms.keys()) | ours | {one.realm for one in makes}
    rights = {f"{realm}-realm": wanted.rights for realm in there}
    if of_master := {*([claims.CREATE] if wanted.creates else []), *([claims.WHO] if wanted.names else [])}:
        rights[MASTER] = frozenset(of_master)
    makes_role = (MakeRole(claims.WHO),) if wanted.names and not _knows_who(session) else ()
    found = _client(session, wanted.client_id)
    if found is None:
        return (*makes, *makes_role, MakeClient(wanted.client_id), *_rights(rights, {}))
    if not is_ours(found, wanted.platform) and not adopt:
        raise Refused(
            Problem(
                f"there is a client '{wanted.client_id}' in realm master, and it is not ours",
                help="name another one as `client_id` in renkei.yaml; or take it over, with a secret of the store and "
                "no other rights than ours: --adopt",
            )
        )
    account = _account(session, found)
    groups = session.list(path(MASTER, "users", account, "groups"))
    return (
        *makes,
        *makes_role,
        *_fields(found, wanted, secret),
        *(Leave(text(one, "path", "groups")) for one in groups),
        *_rights(rights, _held(session, account)),
    )


def _refuse_strangers(realms: Mapping[str, Json], wanted: Wanted) -> None:
    problems = [
        Problem(f"realm '{name}' is marked as another platform's: '{mark}'")
        for name in sorted(wanted.realms.keys() & realms.keys())
        if (mark := attribute(realms[name], PLATFORM)) not in (None, wanted.platform)
    ]
    if problems:
        raise Refused(*problems)


def _knows_who(session: Session) -> bool:
    return any(one.get("name") == claims.WHO for one in session.list(path(MASTER, "roles"), search=claims.WHO))


def _client(session: Session, client_id: str) -> Json | None:
    found = session.list(path(MASTER, "clients"), clientId=client_id)
    return next((one for one in found if one.get("clientId") == client_id), None)


def _account(session: Session, client: Json) -> str:
    """The id of the client's service account; a client without one gets it with its fields."""
    if not client.get("serviceAccountsEnabled"):
        raise Refused(
            Problem(
                f"client '{client.get('clientId')}' has no service account",
                help="switch it on in Keycloak, or delete the client, and run this again",
            )
        )
    where = path(MASTER, "clients", text(client, "id", "clients"), "service-account-user")
    return text(session.get(where), "id", where)


def _fields(found: Json, wanted: Wanted, secret: str | None) -> Iterator[SetClient]:
    wrong = [name for name, value in FIELDS.items() if found.get(name) != value]
    if secret is None or found.get("secret") != secret:
        wrong.append("secret")
    if not is_ours(found, wanted.platform):
        wrong.append(PLATFORM)
    if wrong:
        yield SetClient(wanted.client_id, tuple(wrong))


def _held(session: Session, account: str) -> dict[str, frozenset[str]]:
    """The roles that are given to the account directly, by the client that they are of."""
    found = session.get(path(MASTER, "users", account, "role-mappings"))
    held = {MASTER: _names(found.get("realmMappings"))}
    for client, of in (found.get("clientMappings") or {}).items():
        held[str(client)] = _names(of.get("mappings"))
    return held


def _names(roles: list[Json] | None) -> frozenset[str]:
    return frozenset(str(role.get("name")) for role in roles or ())


def _rights(wanted: Mapping[str, frozenset[str]], held: Mapping[str, frozenset[str]]) -> Iterator[Step]:
    none = frozenset[str]()
    for of in sorted({*wanted, *held}):
        if more := held.get(of, none) - wanted.get(of, none):
            yield Take(of, tuple(sorted(more)))
    for of in sorted(wanted):
        if missing := wanted[of] - held.get(of, none):
            yield Give(of, tuple(sorted(missing)))


# ---------------------------------------------------------------- written


def make(session: Session, wanted: Wanted, step: Step, secret: str) -> None:
    """Do one step; each may be repeated."""
    match step:
        case MakeRealm(realm=realm, owner=owner):
            attributes = marks(wanted.platform, owner)
            session.post("admin/realms", {"realm": realm, "enabled": False, "attributes": attributes})
        case MakeRole(role=role):
            session.post(path(MASTER, "roles"), {"name": role, "description": "renkei: may say who has consented"})
        case MakeClient(client_id=client_id):
            body = {"clientId": client_id, "secret": secret, **FIELDS, "attributes": marks(wanted.platform)}
            session.post(path(MASTER, "clients"), body)
            given = _held(session, _service_account(session, client_id))
            for of, roles in given.items():  # Keycloak gives every new account the roles that are default in master
                _map(session, client_id, Take(of, tuple(roles)))
        case SetClient(client_id=client_id):
            found = _found(session, client_id)
            where = path(MASTER, "clients", text(found, "id", "clients"))
            body = {"clientId": client_id, "secret": secret, **FIELDS, "attributes": marks(wanted.platform)}
            session.put(where, {**strangers.kept(found), **body})
        case Give() | Take():
            _map(session, wanted.client_id, step)
        case Leave(group=group):
            account = _service_account(session, wanted.client_id)
            for one in session.list(path(MASTER, "users", account, "groups")):
                if one.get("path") == group:
                    session.delete(path(MASTER, "users", account, "groups", text(one, "id", "groups")))


def _map(session: Session, client_id: str, step: Give | Take) -> None:
    account = _service_account(session, client_id)
    if not step.roles:
        return
    if step.of == MASTER:
        known, where = path(MASTER, "roles"), path(MASTER, "users", account, "role-mappings", "realm")
    else:
        id = text(_found(session, step.of), "id", "clients")
        known = path(MASTER, "clients", id, "roles")
        where = path(MASTER, "users", account, "role-mappings", "clients", id)
    roles = [{"id": one["id"], "name": one["name"]} for one in session.list(known) if one.get("name") in step.roles]
    if isinstance(step, Take):
        session.delete(where, roles)
    else:
        session.post(where, roles)


def _service_account(session: Session, client_id: str) -> str:
    return _account(session, _found(session, client_id))


def _found(session: Session, client_id: str) -> Json:
    found = _client(session, client_id)
    if found is None:
        raise Refused(Problem(f"there is no client '{client_id}' in realm master", help="run this again"))
    return found
