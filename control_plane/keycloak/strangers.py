"""Clients and scopes of others, and Keycloak's own, that give more than Git says.

The realm's flow for the direct grant refuses everybody (`logins.DIRECT_GRANT`), so `admin-cli`, for which Keycloak
allows that grant in every realm, gives no token for a password. A flow of the client's own takes the place of the
realm's: on any client at all it is a way around the second factor. A grant that somebody has allowed elsewhere waits
for such a flow.

A mapper can forge who a token is of and for (`sub`, `azp`, `aud`) and all that the gateway looks at (`forging`): on any
client, and in any scope, for nobody can say which clients will have it. Every client of ours has Keycloak's own scope
`basic`: there each mapper that Keycloak has not put there itself is one too many.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from control_plane.keycloak import forging
from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import path

OVERRIDES = "authenticationFlowBindingOverrides"
DIRECT, IMPLICIT = "directAccessGrantsEnabled", "implicitFlowEnabled"
DIRECT_BY_ITSELF = "admin-cli"
BASIC = "basic"  # the scope that puts `sub` into an access token, and nothing personal
SUBJECT = "oidc-sub-mapper"  # of its two mappers the one that writes the account's own `sub`, and nothing else
TIME = ("oidc-usersessionmodel-note-mapper", "auth_time")  # the other, and its claim
MAPPERS = "protocolMappers"
FORGES = "its mappers can forge whose a token is, for whom, and what it opens; the gateway goes by that: "
KEPT = "authorizationServicesEnabled"  # a PUT without it deletes the client's authorization data


def kept(found: Json) -> Json:
    """What each PUT of a client must carry along."""
    return {KEPT: found[KEPT]} if KEPT in found else {}


def client(realm: str, found: Json, platform: str) -> tuple[str, str] | None:
    """Why the client widens what people or it may do, and the request that ends it; None for one that does not.

    A forging mapper goes first, one by one: the next one is told of when it is gone.
    """
    if found.get("enabled") is False:
        return None
    reasons = []
    body: Json = {"clientId": found.get("clientId"), **kept(found)}
    if flows := sorted(name for name, flow in (found.get(OVERRIDES) or {}).items() if flow):
        reasons.append("it goes around the realm's login flow")
        body[OVERRIDES] = dict.fromkeys(flows, "")
    if found.get(DIRECT) and found.get("clientId") != DIRECT_BY_ITSELF:
        reasons.append("it may sign people in with a password alone")
        body[DIRECT] = False
    if found.get(IMPLICIT):
        reasons.append("its tokens pass through addresses of the browser")
        body[IMPLICIT] = False
    where = (realm, "clients", str(found.get("id")))
    forged = forging.of(platform, found.get(MAPPERS) or ())
    if forged:
        reasons.insert(0, FORGES + _names(forged))
    if not reasons:
        return None
    return "; ".join(reasons), _without(where, forged) if forged else f"PUT /{path(*where)} {json.dumps(body)}"


def scope(realm: str, found: Json, platform: str) -> tuple[str, str] | None:
    """Why the scope puts into tokens what nobody may, and the request that takes it out; None for one that does not."""
    mappers = found.get(MAPPERS) or ()
    if found.get("name") == BASIC:
        told = sorted(((str(one.get("name")), one) for one in mappers if not _stock(one)), key=lambda one: one[0])
        why = "every client of ours has it, and mappers that are not Keycloak's write into tokens: "
    else:
        told, why = forging.of(platform, mappers), FORGES
    where = (realm, "client-scopes", str(found.get("id")))
    return (why + _names(told), _without(where, told)) if told else None


def _names(told: Sequence[tuple[str, Json]]) -> str:
    return ", ".join(name for name, _ in told)


def _without(where: Sequence[str], told: Sequence[tuple[str, Json]]) -> str:
    """The request that takes the first of these mappers away."""
    return f"DELETE /{path(*where, 'protocol-mappers', 'models', str(told[0][1].get('id')))}"


def _stock(mapper: Json) -> bool:
    """Whether Keycloak itself has put it there, and it writes what it did then."""
    sort = mapper.get("protocolMapper")
    return sort == SUBJECT or (sort, (mapper.get("config") or {}).get("claim.name")) == TIME
