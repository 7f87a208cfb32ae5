"""The keys that a realm may sign its tokens with (RS256), and one after the other taking over.

    prepare      a new key of the highest priority, passive: published, so that its public half is known
    sign_with    it signs from this write on; keys of lower priority verify and sign no more
    keep         an old one is passive: published for those who verify, whatever becomes of the new one
    remove       tokens that an old one has signed have ended by then

Priorities are always distinct: of two equal ones nobody knows which signs. Where a rotation stands is read from the
keys alone: a component has no room for marks, so their names say which are ours, and since when they sign.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from control_plane.keycloak.answers import Json, a_list, text, unexpected
from control_plane.keycloak.session import Session, path

PROVIDERS = "org.keycloak.keys.KeyProvider"
GENERATED = "rsa-generated"  # a key that Keycloak made itself: what we make, and all that we change or remove
ALGORITHM = "RS256"
NEXT = "renkei next"  # the name of a key that waits for its turn
SINCE = "renkei since "  # and the instant at which it began to sign
STEP = 100  # between two priorities, so that a hand finds room
MARGIN = timedelta(minutes=1)  # clocks of those who verify


@dataclass(frozen=True)
class SigningKey:
    id: str  # of its component
    name: str
    provider: str
    kid: str
    priority: int
    active: bool  # else passive: it verifies and never signs
    der: bytes  # the public half

    @property
    def since(self) -> datetime | None:
        """When one of ours began to sign."""
        if not self.name.startswith(SINCE):
            return None
        try:
            found = datetime.fromisoformat(self.name.removeprefix(SINCE))
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Ring:
    """The keys of one realm."""

    realm: str
    realm_id: str
    lifespan: timedelta  # of its access tokens
    keys: tuple[SigningKey, ...]  # the highest priority first

    @property
    def signing(self) -> SigningKey:
        for key in self.keys:
            if key.active:
                return key
        raise unexpected(path(self.realm, "keys"), "complete: the realm has no active RS256 key")

    @property
    def prepared(self) -> SigningKey | None:
        """A key of ours that waits for its turn."""
        return next((key for key in self.keys if key.name == NEXT and self._waits(key)), None)

    def _waits(self, key: SigningKey) -> bool:
        return not key.active and key.priority > self.signing.priority

    @property
    def old(self) -> tuple[SigningKey, ...]:
        """Keys that Keycloak made and that a key of ours has taken over from; none where nobody has."""
        if self.signing.since is None:
            return ()
        return tuple(k for k in self.keys if k.provider == GENERATED and k.priority < self.signing.priority)

    @property
    def old_until(self) -> datetime | None:
        """When the last token that an old key has signed has ended."""
        since = self.signing.since
        return since + self.lifespan + MARGIN if since else None


def ring(session: Session, realm: str) -> Ring:
    """The realm's keys as they are. Raises Missing where there is no such realm."""
    found = session.get(path(realm))
    realm_id = text(found, "id", path(realm))
    spans = (found.get(name) for name in ("accessTokenLifespan", "accessTokenLifespanForImplicitFlow"))
    longest = max((span for span in spans if isinstance(span, int)), default=300)
    components = {
        text(one, "id", path(realm, "components")): one
        for one in session.list(path(realm, "components"), parent=realm_id, type=PROVIDERS)
    }
    where = path(realm, "keys")
    keys = [
        _key(key, components[str(key.get("providerId"))], where)
        for key in a_list(session.get(where).get("keys"), where)
        if key.get("algorithm") == ALGORITHM
        and key.get("status") in ("ACTIVE", "PASSIVE")
        and str(key.get("providerId")) in components
    ]
    return Ring(
        realm,
        realm_id,
        timedelta(seconds=longest),
        tuple(sorted(keys, key=lambda key: (-key.priority, not key.active, key.id))),
    )


def _key(key: Json, component: Json, where: str) -> SigningKey:
    try:
        der = base64.b64decode(text(key, "publicKey", where), validate=True)
    except binascii.Error as error:
        raise unexpected(where, "a key in base64") from error
    return SigningKey(
        id=text(component, "id", where),
        name=str(component.get("name") or ""),
        provider=str(component.get("providerId") or ""),
        kid=text(key, "kid", where),
        priority=int(key.get("providerPriority") or 0),
        active=key["status"] == "ACTIVE",
        der=der,
    )


def prepare(session: Session, found: Ring) -> None:
    """Make the key that comes next. A run that was killed here has left it, and the next one finds it by its name."""
    session.post(path(found.realm, "components"), _component(found, NEXT, found.keys[0].priority + STEP, active=False))


def sign_with(session: Session, found: Ring, key: SigningKey, now: datetime) -> None:
    """From this write on the realm signs with this key."""
    since = SINCE + now.astimezone(UTC).isoformat(timespec="seconds")
    _put(session, found, key, since, active=True)


def keep(session: Session, found: Ring, key: SigningKey) -> None:
    """The key verifies from now on, and never signs."""
    _put(session, found, key, key.name, active=False)


def remove(session: Session, found: Ring, keys: Sequence[SigningKey]) -> None:
    for key in keys:
        session.delete(path(found.realm, "components", key.id))


def _put(session: Session, found: Ring, key: SigningKey, name: str, *, active: bool) -> None:
    body = {"id": key.id, **_component(found, name, key.priority, active=active)}
    session.put(path(found.realm, "components", key.id), body)


def _component(found: Ring, name: str, priority: int, *, active: bool) -> Json:
    """Keycloak keeps what the configuration does not name: the key itself."""
    return {
        "name": name,
        "providerId": GENERATED,
        "providerType": PROVIDERS,
        "parentId": found.realm_id,
        "config": {
            "priority": [str(priority)],
            "enabled": ["true"],
            "active": ["true" if active else "false"],
            "algorithm": [ALGORITHM],
        },
    }
