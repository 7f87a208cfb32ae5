"""To what people have consented: asked for the list of consents, never for a plan.

Keycloak keeps it with each person and has no list or count by client, so everybody of a realm is asked for: one request
each. A scope that was given without asking stands in no record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from control_plane.keycloak import users
from control_plane.keycloak.answers import Json, Missing, text, unexpected
from control_plane.keycloak.scopes import DATA
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

Address: TypeAlias = tuple[str, str]  # realm, username
Record: TypeAlias = tuple[str, tuple[str, ...], object]  # client, data scopes, milliseconds since 1970 of the last word


def records(server: Keycloak, accounts: Iterable[Address]) -> Mapping[Address, tuple[Record, ...]]:
    """What each of these accounts, which were read, has consented to and not taken back."""

    def of(account: Address) -> tuple[Address, tuple[Record, ...]]:
        realm, name = account
        where = path(realm, "users", server.id(users.NAME, realm, name), "consents")
        try:
            found = server.session.list(where)
        except Missing:  # deleted since
            found = []
        return account, tuple(_record(one, where) for one in found)

    return dict(server.side_by_side(of, accounts))


def _record(one: Json, where: str) -> Record:
    scopes = one.get("grantedClientScopes") or []
    if not isinstance(scopes, list):
        raise unexpected(where, "a list of consents")
    data = sorted(name.removeprefix(DATA) for name in map(str, scopes) if name.startswith(DATA))
    return text(one, "clientId", where), tuple(data), one.get("lastUpdatedDate") or one.get("createdDate")
