"""A partial write of a realm, with all that Keycloak would otherwise set back to its defaults.

A PUT that carries no `attributes` resets the settings for CIBA, pushed authorization requests and device codes; one
that carries them drops those that it does not name. So they are read first and sent back, with the new values in them.
One that carries a part of the policy for passkeys sets the rest of it back, and without the name that the device shows
it changes nothing and answers 204: so the policy goes back whole, too. Keycloak 26.0 keeps the security headers among
the attributes that it does not show, and drops them all with such a PUT: so they go back as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import Session, path

MIRRORED = {"otpPolicyCodeReusable": "realmReusableOtpCode"}  # fields that the attributes hold under another name
HEADERS = "browserSecurityHeaders"
RESET = ("oauth2DeviceCodeLifespan", "oauth2DevicePollingInterval")


def put(session: Session, realm: str, body: Mapping[str, object], attributes: Mapping[str, str] | None = None) -> None:
    """Write these fields and attributes and none besides; writes of one realm follow one another."""
    with session.alone(realm):
        _put(session, realm, body, attributes or {})


def _put(session: Session, realm: str, body: Mapping[str, object], attributes: Mapping[str, str]) -> None:
    found = session.get(path(realm))
    kept: Json = dict(found.get("attributes") or {})
    for name, value in body.items():
        mirror = MIRRORED.get(name, name)
        if mirror in kept:
            kept[mirror] = str(value).lower() if isinstance(value, bool) else str(value)
    reset = {name: found[name] for name in RESET if name in found}
    if any(_of_passkeys(name) for name in body):
        reset |= {name: value for name, value in found.items() if _of_passkeys(name)}
    new = body.get(HEADERS)
    headers = {**(found.get(HEADERS) or {}), **(new if isinstance(new, Mapping) else {})}
    named = {**reset, **body, **({HEADERS: headers} if headers else {})}
    session.put(path(realm), {"realm": realm, **named, "attributes": {**kept, **attributes}})


def _of_passkeys(name: str) -> bool:
    """Of the policy for a second factor; the one for logins without a password is another."""
    return name.startswith("webAuthnPolicy") and not name.startswith("webAuthnPolicyPasswordless")
