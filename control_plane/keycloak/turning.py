"""A client's secret gives way to a new one, and for a while both prove who the client is.

Keycloak checks a second ("rotated") secret until its end, where the server has the feature `client-secret-rotation`.
It stands in the client's attributes, and each PUT of the client drops it again unless a policy of the realm with the
executor `secret-rotation` holds for this client. So while secrets turn over the realm has a policy of ours, which holds
for clients with a mark of ours and no others; it goes with the last of them.

The executor gives the new secret an end too, after which the client could not prove itself: it gets one that never
comes first.

Whoever has the second secret is this client. What the index of secrets knows of ours is one digest of the secret with
its end: another one, or a later end, is told as a field of the client.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from control_plane.engine.values import Secret
from control_plane.keycloak import policylists, strangers
from control_plane.keycloak.answers import Json, text, unexpected
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import Session, path

FEATURE = "client-secret-rotation"
ROTATED = "client.secret.rotated"
SINCE, UNTIL = "client.secret.rotated.creation.time", "client.secret.rotated.expiration.time"
END = "client.secret.expiration.time"  # of the secret itself
NEVER = str(2**31 - 1)  # seconds since 1970; a later one is no number to older versions
MARK = "renkei.rotating"  # an attribute of a client whose secret turns over
POLICY = "renkei-rotation"  # and the profile that it applies
EXECUTOR, CONDITION = "secret-rotation", "client-attributes"
GONE = dict.fromkeys((ROTATED, SINCE, UNTIL, END, MARK), "")  # an empty text takes an attribute away
SECRET, PREVIOUS, NEXT = "client_secret", "client_secret_previous", "client_secret_next"  # fields in the store
_TYPES = {
    EXECUTOR: "org.keycloak.services.clientpolicy.executor.ClientPolicyExecutorProvider",
    CONDITION: "org.keycloak.services.clientpolicy.condition.ClientPolicyConditionProvider",
}


def ref(client: str, name: str) -> str:
    """Where a secret of the client stands in the store and in the index."""
    return f"services/{client}#{name}"


def pair(secret: str, until: str) -> str:
    """A second secret with its end, as one text to be sealed."""
    return f"{secret} until {until}"


# ---------------------------------------------------------------- read


def sealed(server: Keycloak, found: Json) -> Json:
    """The representation with digests instead of its secrets. What stands as we have put it there counts as wanted: the
    new secret that the store does not have in its place yet, and the old one until its end."""
    name, attributes = str(found.get("clientId")), dict(found.get("attributes") or {})
    secret, rotated = found.pop("secret", None), attributes.pop(ROTATED, None)
    one = server.seal(secret) if isinstance(secret, str) and secret else None
    if one and one.version and one.version == server.known(ref(name, NEXT)):
        one = Secret("", server.known(ref(name, SECRET)))
    second = server.seal(rotated) if isinstance(rotated, str) and rotated else None
    if second and server.seal(pair(str(rotated), str(attributes.get(UNTIL)))).version == _ours(server, name):
        second = None
    return {**found, "attributes": attributes, "secret": one, ROTATED: second}


def _ours(server: Keycloak, client: str) -> str:
    return server.known(ref(client, PREVIOUS)) or "none"


# ---------------------------------------------------------------- written


@dataclass(frozen=True)
class Client:
    """A client as its secret's rotation sees it."""

    realm: str
    id: str
    name: str
    secret: str = field(repr=False)
    second: str | None = field(repr=False)
    until: datetime | None  # of the second one
    marked: bool
    kept: Json = field(repr=False)  # what a PUT must carry, or it is lost

    @property
    def where(self) -> str:
        return path(self.realm, "clients", self.id)


def find(session: Session, realm: str, name: str) -> tuple[Client, Json] | None:
    """The client of that name, and what Keycloak says of it; None where there is none."""
    where = path(realm, "clients")
    for one in session.list(where, clientId=name):
        if one.get("clientId") == name:
            said = one.get("attributes") or {}
            client = Client(
                realm,
                text(one, "id", where),
                name,
                str(one.get("secret") or ""),
                said.get(ROTATED) or None,
                _instant(said.get(UNTIL), where),
                bool(said.get(MARK)),
                strangers.kept(one),
            )
            return client, one
    return None


def _instant(seconds: object, where: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(seconds)), UTC) if seconds else None
    except (ValueError, OverflowError) as error:
        raise unexpected(where, "a client whose second secret has an end") from error


def supported(session: Session) -> bool:
    """Whether the server knows second secrets, and policies for single clients."""
    types = session.get("admin/serverinfo").get("componentTypes")
    found = types if isinstance(types, dict) else {}
    return all(any(one.get("id") == id for one in found.get(kind) or ()) for id, kind in _TYPES.items())


def turn(session: Session, client: Client, secret: str, until: str, now: datetime) -> None:
    """From this write on both are taken: the new one, and the one of before until its end."""
    attributes = {
        MARK: "true",
        ROTATED: client.secret,
        SINCE: str(int(now.timestamp())),
        UNTIL: until,
        END: NEVER,
    }
    _put(session, client, {"secret": secret, "attributes": attributes})


def replace(session: Session, client: Client, secret: str) -> None:
    """From this write on the new one alone is taken."""
    _put(session, client, {"secret": secret, "attributes": GONE})


def end(session: Session, client: Client) -> None:
    """No second secret any more."""
    _put(session, client, {"attributes": GONE})


def _put(session: Session, client: Client, body: Json) -> None:
    session.put(client.where, {"id": client.id, "clientId": client.name, **client.kept, **body})


# ---------------------------------------------------------------- the policy


PROFILE: Json = {
    "name": POLICY,
    "description": "renkei: a client's secret turns over, and the old one is taken for a while.",
    "executors": [
        {
            "executor": EXECUTOR,
            "configuration": {
                "expiration-period": "31536000",
                "rotated-expiration-period": "172800",
                "remaining-rotation-period": "1",
            },
        }
    ],
}
FOR_MARKED: Json = {
    "name": POLICY,
    "description": PROFILE["description"],
    "enabled": True,
    "profiles": [POLICY],
    "conditions": [
        {"condition": CONDITION, "configuration": {"attributes": json.dumps([{"key": MARK, "value": "true"}])}}
    ],
}


def allow(session: Session, realm: str) -> None:
    """The realm keeps the second secret of a marked client."""
    policylists.put(session, realm, PROFILE, FOR_MARKED)


def forbid(session: Session, realm: str) -> None:
    """The policy goes, when no client of the realm has the mark."""
    if any((one.get("attributes") or {}).get(MARK) for one in session.list(path(realm, "clients"))):
        return
    policylists.take(session, realm, POLICY)
