"""Clients and scopes of others, and Keycloak's own, that give more than Git says.

The realm's flow for the direct grant refuses everybody (`logins.DIRECT_GRANT`), so `admin-cli`, for which Keycloak
allows that grant in every realm, gives no token for a password. A flow of the client's own takes the place of the
realm's: on any client at all it is a way around the second factor. A grant that somebody has allowed elsewhere waits
for such a flow.

Every client of ours has Keycloak's own scope `basic`. A mapper that somebody adds to it, or turns to another claim, can
forge who a token is of and for (`sub`, `azp`, `aud`) and all that the gateway looks at; Keycloak answers 201.
"""

from __future__ import annotations

import json

from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import path

OVERRIDES = "authenticationFlowBindingOverrides"
DIRECT, IMPLICIT = "directAccessGrantsEnabled", "implicitFlowEnabled"
DIRECT_BY_ITSELF = "admin-cli"
BASIC = "basic"  # the scope that puts `sub` into an access token, and nothing personal
SUBJECT = "oidc-sub-mapper"  # of its two mappers the one that writes the account's own `sub`, and nothing else
TIME = ("oidc-usersessionmodel-note-mapper", "auth_time")  # the other, and its claim
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


def scope(realm: str, found: Json) -> tuple[str, str] | None:
    """Why the scope that all clients of ours have puts more into their tokens than Keycloak's own does, and the request
    that takes it out; of several, that of the first: the next one is told of when it is gone."""
    if found.get("name") != BASIC:
        return None
    more = [one for one in found.get("protocolMappers") or () if not _stock(one)]
    if not more:
        return None
    names = ", ".join(sorted(str(one.get("name")) for one in more))
    first = min(more, key=lambda one: str(one.get("name")))
    models = path(realm, "client-scopes", str(found.get("id")), "protocol-mappers", "models", str(first.get("id")))
    return f"every client of ours has it, and mappers that are not Keycloak's write into tokens: {names}", (
        f"DELETE /{models}"
    )


def _stock(mapper: Json) -> bool:
    """Whether Keycloak itself has put it there, and it writes what it did then."""
    sort = mapper.get("protocolMapper")
    return sort == SUBJECT or (sort, (mapper.get("config") or {}).get("claim.name")) == TIME
