"""A partial write of a realm, with all that Keycloak would otherwise set back to its defaults.

A PUT that carries no `attributes` resets the settings for CIBA, pushed authorization requests and device codes; one
that carries them drops those that it does not name. So they are read first and sent back, with the new values in them.
"""

from __future__ import annotations

from collections.abc import Mapping

from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import Session, path

MIRRORED = {"otpPolicyCodeReusable": "realmReusableOtpCode"}  # fields that the attributes hold under another name
RESET = ("oauth2DeviceCodeLifespan", "oauth2DevicePollingInterval")


def put(session: Session, realm: str, body: Mapping[str, object], attributes: Mapping[str, str] | None = None) -> None:
    """Write these fields and attributes and none besides. Not to be called twice at once for one realm."""
    found = session.get(path(realm))
    kept: Json = dict(found.get("attributes") or {})
    for name, value in body.items():
        mirror = MIRRORED.get(name, name)
        if mirror in kept:
            kept[mirror] = str(value).lower() if isinstance(value, bool) else str(value)
    reset = {name: found[name] for name in RESET if name in found}
    session.put(path(realm), {"realm": realm, **reset, **body, "attributes": {**kept, **(attributes or {})}})
