"""A realm's client policies, and the profiles that say what they do: Keycloak takes either list only whole.

So it is read, and written back with one of ours in its place: those of others stay as they are, in their order. The
profiles that Keycloak has for every realm are in neither list and are never sent.
"""

from __future__ import annotations

from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import Session, path

PROFILES, POLICIES = "profiles", "policies"


def put(session: Session, realm: str, profile: Json, policy: Json) -> None:
    """Keycloak refuses a policy that names a missing profile, so that one comes first."""
    with session.alone(realm):
        _replace(session, realm, PROFILES, str(profile["name"]), profile)
        _replace(session, realm, POLICIES, str(policy["name"]), policy)


def take(session: Session, realm: str, name: str) -> None:
    """Both of this name; the policy first, for without its profile it would do nothing and not say so."""
    with session.alone(realm):
        _replace(session, realm, POLICIES, name, None)
        _replace(session, realm, PROFILES, name, None)


def _replace(session: Session, realm: str, sort: str, name: str, wanted: Json | None) -> None:
    where = path(realm, "client-policies", sort)
    there: list[Json] = session.get(where).get(sort) or []
    after = [wanted if one.get("name") == name else one for one in there]
    if wanted not in after:
        after.append(wanted)
    kept = [one for one in after if one is not None]
    if kept != there:
        session.put(where, {sort: kept})
