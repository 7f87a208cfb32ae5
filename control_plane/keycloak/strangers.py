"""Clients of others, and Keycloak's own, by which people of our realm sign in with less than Git says.

The realm's flow for the direct grant refuses everybody (`logins.DIRECT_GRANT`), so `admin-cli`, for which Keycloak
allows that grant in every realm, gives no token for a password. A flow of the client's own takes the place of the
realm's: on any client at all it is a way around the second factor. A grant that somebody has allowed elsewhere waits
for such a flow.
"""

from __future__ import annotations

import json

from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import path

OVERRIDES = "authenticationFlowBindingOverrides"
DIRECT, IMPLICIT = "directAccessGrantsEnabled", "implicitFlowEnabled"
DIRECT_BY_ITSELF = "admin-cli"
KEPT = "authorizationServicesEnabled"  # a PUT without it deletes the client's authorization data


def client(realm: str, found: Json) -> tuple[str, str] | None:
    """Why the client widens what our people may do, and the request that ends it; None for one that does not."""
    if found.get("enabled") is False:
        return None
    reasons = []
    body: Json = {"clientId": found.get("clientId"), **({KEPT: found[KEPT]} if KEPT in found else {})}
    if flows := sorted(name for name, flow in (found.get(OVERRIDES) or {}).items() if flow):
        reasons.append("it goes around the realm's login flow")
        body[OVERRIDES] = dict.fromkeys(flows, "")
    if found.get(DIRECT) and found.get("clientId") != DIRECT_BY_ITSELF:
        reasons.append("it may sign people in with a password alone")
        body[DIRECT] = False
    if found.get(IMPLICIT):
        reasons.append("its tokens pass through addresses of the browser")
        body[IMPLICIT] = False
    if not reasons:
        return None
    return "; ".join(reasons), f"PUT /{path(realm, 'clients', str(found.get('id')))} {json.dumps(body)}"
