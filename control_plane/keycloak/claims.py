"""What our account may do in a realm, as its token says, and what it must be able to do.

The rights in a realm are roles of a client: of `realm-management` in our account's own realm, and of `REALM-realm`, in
realm master, for every other one. Each was found to be needed by taking it away: docs/reference/rights.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable

from control_plane.catalog.model import KeycloakSettings
from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import Session
from control_plane.problems import NotAllowed, Problem, RenkeiError

WRITING = {
    "manage-clients": "clients of services, data scopes, and what is in tokens",
    "manage-identity-providers": "identity providers, and closing those that somebody adds",
    "manage-realm": "the realm's settings, mail, user profile, roles, login flows, keys, permissions of administrators",
    "manage-users": "people, groups, who is in which and has which role; the end of sessions",
    "view-events": "the record of logins: when somebody has signed in last",
}
READING = {
    "view-clients": "clients and data scopes; their secrets come with them, and are sealed where they are read",
    "view-events": "the record of logins: when somebody has signed in last",
    "view-identity-providers": "identity providers",
    "view-realm": "the realm's settings, roles, login flows, permissions of administrators",
    "view-users": "people, groups, members, credentials without their content",
}
CREATE = "create-realm"  # a role of realm master; whoever creates a realm has every right in it
WHO = "renkei-who"  # a role of realm master that we make: its holder may say who has consented, not only how many
EVERYTHING = frozenset({"admin", "realm-admin"})


def management(settings: KeycloakSettings, realm: str) -> str:
    """The client whose roles are the rights in the realm."""
    return "realm-management" if realm == settings.realm else f"{realm}-realm"


def held(session: Session, realm: str) -> frozenset[str]:
    """Our rights in the realm; every one of them for a full administrator."""
    claims = of_token(session.token())
    clients = claims.get("resource_access")
    mine = _roles(clients.get(management(session.settings, realm))) if isinstance(clients, dict) else frozenset[str]()
    all = frozenset({*WRITING, *READING})
    return mine | all if (mine | of_server(session)) & EVERYTHING else mine


def of_server(session: Session) -> frozenset[str]:
    """Our roles of the realm that our account lives in."""
    return _roles(of_token(session.token()).get("realm_access"))


def names_people(session: Session) -> bool:
    """Whether our account may say who has consented. Whoever reads people could; this is who is meant to."""
    return bool(of_server(session) & {WHO, *EVERYTHING})


def unreadable(session: Session, realm: str) -> list[str]:
    """The rights for reading that we lack; whoever manages a thing sees it, too."""
    mine = held(session, realm)
    return sorted(right for right in READING if not mine & {right, right.replace("view-", "manage-")})


def explained(error: NotAllowed, session: Session, realm: str) -> NotAllowed:
    """The refusal of a request in the realm, by the right that is missing where the token lacks one."""
    try:
        missing = unreadable(session, realm)
    except RenkeiError:
        return error
    return lacking(session.settings, realm, missing, str(error.problems[0])) if missing else error


def lacking(settings: KeycloakSettings, realm: str, missing: Iterable[str], note: str | None = None) -> NotAllowed:
    return NotAllowed(
        Problem(f"our account lacks {', '.join(missing)} in realm '{realm}'", note=note, help=give(settings, realm))
    )


def give(settings: KeycloakSettings, realm: str) -> str:
    client = management(settings, realm)
    return (
        f"`renkei bootstrap keycloak` gives it, or an administrator of Keycloak: to the service account of client "
        f"'{settings.client_id}', as a role of client '{client}'"
    )


def of_token(token: str) -> Json:
    """The token's payload. It is our own and was just given to us, so its signature is not looked at."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _roles(access: object) -> frozenset[str]:
    roles = access.get("roles") if isinstance(access, dict) else None
    return frozenset(map(str, roles)) if isinstance(roles, list) else frozenset()
