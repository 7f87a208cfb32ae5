"""Protocol mappers: what a client scope of ours puts into access tokens, and into nothing else.

    claim      `data: {road: true}`      of a data scope
    audience   `aud: tochigi`            the platform, so that a token for it is not one for everybody
    service    `service: nikko.portal`   the client, when it has signed in by itself and not a person through it
    roles      `realm_access: {roles: [data-user]}`   of a person: of his roles those that the client may know

`service` comes from a note that Keycloak writes into the session of a client's own account alone; it is what its own
scope `service_account` puts into tokens as `client_id`. A login never has that note, and a token that another client
got for it by token exchange names the first one: so it is compared with `azp`.
"""

from __future__ import annotations

from control_plane.engine.values import Value
from control_plane.keycloak.answers import Json

CLAIM = "claim"
AUDIENCE = "audience"
SERVICE = "service"
ROLES = "roles"
NAMES = (CLAIM, AUDIENCE, SERVICE, ROLES)
NOTE = "client_id"  # of a session: the client that has signed in with its own secret
ROLE_PREFIX = "usermodel.realmRoleMapping.rolePrefix"  # with it a role passes for another one
CLIENT = "included.client.audience"  # takes the place of the audience that is named

NOTES = frozenset({NOTE, "clientHost", "clientAddress"})  # all that Keycloak writes into such a session

ACCESS_TOKEN_ALONE = {"access.token.claim": "true", "id.token.claim": "false", "userinfo.token.claim": "false"}


def claim(name: str) -> dict[str, Value]:
    """A claim that is always true; a dot in its name nests it."""
    return {
        "type": "oidc-hardcoded-claim-mapper",
        "claim.name": name,
        "claim.value": "true",
        "jsonType.label": "boolean",
        **ACCESS_TOKEN_ALONE,
    }


def audience(platform: str) -> dict[str, Value]:
    return {
        "type": "oidc-audience-mapper",
        "included.custom.audience": platform,
        CLIENT: None,
        "access.token.claim": "true",
        "id.token.claim": "false",
    }


def service() -> dict[str, Value]:
    return {
        "type": "oidc-usersessionmodel-note-mapper",
        "user.session.note": NOTE,
        "claim.name": SERVICE,
        "jsonType.label": "String",
        **ACCESS_TOKEN_ALONE,
    }


def of_itself(mapper: Json) -> bool:
    """Whether Keycloak has put it there: 26.0 does onto each client that gets a token by itself, at every such token.
    What it writes is true, of the client alone, and nothing that anybody goes by."""
    config = mapper.get("config") or {}
    note = config.get("user.session.note")
    return mapper.get("protocolMapper") == service()["type"] and note in NOTES and config.get("claim.name") == note


def roles() -> dict[str, Value]:
    """With `fullScopeAllowed: false`: those that are mapped to the client's scope, and included ones too."""
    return {
        "type": "oidc-usermodel-realm-role-mapper",
        "claim.name": "realm_access.roles",
        "jsonType.label": "String",
        "multivalued": "true",
        ROLE_PREFIX: None,
        **ACCESS_TOKEN_ALONE,
    }


def body(name: str, fields: Value) -> Json:
    """The mapper as Keycloak takes it."""
    assert isinstance(fields, dict)
    return {
        "name": name,
        "protocol": "openid-connect",
        "protocolMapper": fields["type"],
        "config": {key: value for key, value in fields.items() if key != "type" and value is not None},
    }


def found(one: Json) -> dict[str, Value]:
    """Its type and its settings; an empty one, as the console writes it, is none."""
    said = {key: value or None for key, value in (one.get("config") or {}).items()}
    return {"type": one.get("protocolMapper"), **said}


def as_wanted(fields: Value, one: Json) -> bool:
    """Whether it is the wanted one in all that we declare."""
    assert isinstance(fields, dict)
    there = found(one)
    return all(there.get(key) == value for key, value in fields.items())
