"""What our account may do, as its token says, and what it lacks: told before the first write.

Reads need no look at the token: Keycloak answers with a stub, 401 or 403, and those are errors. A write that is refused
half-way would leave a realm half done, so the roles for writing are looked at beforehand.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence

from control_plane.engine.target import Check
from control_plane.keycloak.answers import Json, Missing
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import Problem, RenkeiError

NEEDED = frozenset(
    {
        *("manage-realm", "manage-users", "manage-clients", "manage-events", "view-events"),
        "manage-identity-providers",
    }
)
EVERYTHING = frozenset({"admin", "realm-admin"})
MAJOR = "26"  # the version of Keycloak whose Admin API this was measured on


def preflight(server: Keycloak) -> Sequence[Problem]:
    """What this Keycloak or our account lacks for a write."""
    return [Problem(f"Keycloak: {one.detail}", help=one.help) for one in checks(server) if not one.ok]


def checks(server: Keycloak) -> Sequence[Check]:
    """Reachable, a version that we know, and the rights to write in every realm that is asked for."""
    try:
        claims = _claims(server.session.token())
    except RenkeiError as error:
        problem = error.problems[0]
        return [Check("Keycloak", False, problem.message, problem.help)]
    try:
        return [_version(server), *_realms(server, claims)]
    except RenkeiError as error:
        problem = error.problems[0]
        return [Check("Keycloak", False, problem.message, problem.help)]


def _version(server: Keycloak) -> Check:
    system = server.session.get("admin/serverinfo").get("systemInfo")
    version = str(system.get("version") or "") if isinstance(system, dict) else ""
    if not version:  # shown only to those who may manage the realm `master`, which we should not
        return Check("Keycloak version", True, "not shown to our account")
    help = f"renkei is made for Keycloak {MAJOR}: use the renkei that fits, or upgrade Keycloak"
    return Check("Keycloak version", version.partition(".")[0] == MAJOR, f"version {version}", help)


def _realms(server: Keycloak, claims: Json) -> Iterator[Check]:
    for realm in sorted(server.wanted):
        name = f"Keycloak realm {realm}"
        try:
            there = "id" in server.session.get(path(realm))
        except Missing:
            may = bool(_of(claims.get("realm_access")) & {"create-realm", *EVERYTHING})
            yield Check(name, may, "not there yet" if may else f"our account may not create realm '{realm}'", _CREATE)
            continue
        missing = sorted(NEEDED - _held(server, claims, realm)) if there else sorted(NEEDED)
        if missing:
            yield Check(name, False, f"our account lacks {', '.join(missing)} in realm '{realm}'", _give(server, realm))
        else:
            yield Check(name, True, "our account may write")


_CREATE = "give the service account of our client the realm role `create-realm` of realm master"


def _give(server: Keycloak, realm: str) -> str:
    client = _management(server, realm)
    return f"give the service account of client '{server.settings.client_id}' these roles of client '{client}'"


def _management(server: Keycloak, realm: str) -> str:
    """The client whose roles are the rights in a realm; in another realm than our own it is one of realm master."""
    return "realm-management" if realm == server.settings.realm else f"{realm}-realm"


def _held(server: Keycloak, claims: Json, realm: str) -> frozenset[str]:
    clients = claims.get("resource_access")
    found = _of(clients.get(_management(server, realm))) if isinstance(clients, dict) else frozenset[str]()
    return NEEDED if (found | _of(claims.get("realm_access"))) & EVERYTHING else found


def _of(access: object) -> frozenset[str]:
    roles = access.get("roles") if isinstance(access, dict) else None
    return frozenset(map(str, roles)) if isinstance(roles, list) else frozenset()


def _claims(token: str) -> Json:
    """The token's payload. It is our own and was just given to us, so its signature is not looked at."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
