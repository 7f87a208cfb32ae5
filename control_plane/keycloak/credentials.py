"""What people can show besides a password, and who holds a role: asked for the lists and `doctor`, never for a plan.

Keycloak's list of users shows only one-time passwords (`totp`). Passkeys and recovery codes are seen in the credentials
of a person: one request each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from control_plane.keycloak import sessions, users
from control_plane.keycloak.answers import Missing
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

KINDS = {"otp": "totp", "webauthn": "passkey", "recovery-authn-codes": "recovery-codes"}
Address = tuple[str, str]  # realm, username


def factors(server: Keycloak, accounts: Iterable[Address]) -> Mapping[Address, tuple[tuple[str, object], ...]]:
    """The second factors of accounts that were read: what it is, and milliseconds since 1970 when it was set up."""

    def of(account: Address) -> tuple[Address, tuple[tuple[str, object], ...]]:
        realm, name = account
        try:
            found = server.session.list(path(realm, "users", server.id(users.NAME, realm, name), "credentials"))
        except Missing:  # deleted since
            found = []
        kinds = ((KINDS.get(str(one.get("type"))), one.get("createdDate")) for one in found)
        return account, tuple((kind, since) for kind, since in kinds if kind)

    return dict(server.side_by_side(of, accounts))


def holders(server: Keycloak, role: str) -> set[Address]:
    """Everybody who has the role in a realm that was read, also those who are not ours."""
    found: set[Address] = set()
    for realm in server.ours():
        if role in server.ids("keycloak.role", realm):
            names = {id: name for name, id in server.ids(users.NAME, realm).items()}
            found |= {(realm, names[id]) for id in sessions.holders(server, realm, role) if id in names}
    return found
