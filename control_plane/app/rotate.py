"""A realm's signing key turns over, in the order with the shortest gap.

    prepare      Keycloak has the next key, passive: its public half is known before it signs
    read         Kong's token credentials of the realm, and what each of them needs
    switch       Keycloak signs with it, and at once every credential takes it, side by side
    settle       the gateway has taken that up
    keep         the old key verifies only, as long as a token of it may live; a later run removes it

Kong holds one public key for each client, so the switch is hard: tokens of the old key are refused from then on. Each
step can be repeated, and where the rotation stands is read from both servers: who runs it again goes on with it.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from control_plane.app.run import Ask, catalog_of
from control_plane.app.systems import Systems, connect
from control_plane.catalog.model import Catalog
from control_plane.engine import apply as engine
from control_plane.engine.apply import Done, Event, Outcome
from control_plane.engine.plan import Plan, Update, Wave, difference
from control_plane.engine.publickey import key_digest
from control_plane.engine.resource import state
from control_plane.engine.values import RealmKey
from control_plane.keycloak import keys, rotation
from control_plane.keycloak.rotation import Ring, SigningKey
from control_plane.kong.jwts import JWTS
from control_plane.problems import Problem, Refused, ServerError
from control_plane.render.document import About


class Step(StrEnum):
    PREPARE = "prepare"
    SIGN = "sign"
    CREDENTIALS = "credentials"
    KEEP = "keep"
    WAIT = "wait"
    REMOVE = "remove"


@dataclass(frozen=True)
class Rotation:
    """Where a rotation stands, and what this run has to do."""

    catalog: Catalog
    systems: Systems
    about: About
    ring: Ring
    steps: tuple[Step, ...]
    credentials: int  # of the realm in Kong

    @property
    def old(self) -> tuple[SigningKey, ...]:
        """The keys that go: those of an earlier run, else the one that signs now and those below it."""
        if Step.SIGN not in self.steps:
            return self.ring.old
        return tuple(key for key in self.ring.keys if key.provider == rotation.GENERATED and key.name != rotation.NEXT)


@dataclass(frozen=True)
class Rotated:
    ring: Ring  # as it is now
    outcomes: tuple[Outcome, ...]  # of Kong's credentials
    seconds: float | None  # from the first token of the new key until the gateway takes it; None: no switch

    @property
    def complete(self) -> bool:
        return all(isinstance(outcome, Done) for outcome in self.outcomes)


def look(ask: Ask, realm: str, now: datetime | None = None) -> Rotation:
    """Read both servers and say what is to do. Writes nothing."""
    catalog = catalog_of(ask)
    if realm not in catalog.realms:
        near = difflib.get_close_matches(realm, catalog.realms, n=1)
        raise Refused(
            Problem(
                f"there is no realm '{realm}' in the configuration",
                help=f"did you mean '{near[0]}'?" if near else f"one of {', '.join(catalog.realms)}",
            )
        )
    systems = connect(catalog, ask.directory, ask.parallel)
    ring = rotation.ring(systems.keycloak.session, realm)
    changes = _credentials(catalog, systems, realm, (ring.prepared or ring.signing).der)
    wanted = sum(1 for one in JWTS.desired(catalog) if _of(one.fields.get("rsa_public_key"), realm))
    about = About(catalog.platform.name, catalog.environment.name, catalog.as_of)
    return Rotation(catalog, systems, about, ring, steps(ring, changes, now or datetime.now(UTC)), wanted)


def steps(ring: Ring, changes: tuple[Update, ...], now: datetime) -> tuple[Step, ...]:
    """What is to do, from the keys alone and the credentials that lack the one that signs."""
    if ring.prepared:
        return Step.SIGN, Step.CREDENTIALS, Step.KEEP
    if not ring.old:
        return Step.PREPARE, Step.SIGN, Step.CREDENTIALS, Step.KEEP
    found: list[Step] = [Step.CREDENTIALS] if changes else []
    if any(key.active for key in ring.old):
        found.append(Step.KEEP)
    if not found:
        over = ring.old_until is not None and ring.old_until <= now
        found.append(Step.REMOVE if over else Step.WAIT)
    return tuple(found)


def rotate(found: Rotation, tell: Callable[[Event], None]) -> Rotated:
    """Make the steps. What fails at Kong is in the outcomes; the same command again goes on with it."""
    session, ring, steps = found.systems.keycloak.session, found.ring, found.steps
    if Step.PREPARE in steps:
        rotation.prepare(session, ring)
        ring = rotation.ring(session, ring.realm)
    outcomes: tuple[Outcome, ...] = ()
    seconds = None
    if Step.SIGN in steps or Step.CREDENTIALS in steps:
        key = ring.prepared if Step.SIGN in steps else ring.signing
        if key is None:
            message = f"the new key of realm '{ring.realm}' is not there when it is read back"
            raise ServerError(Problem(message, help="run the same command again"))
        changes = _credentials(found.catalog, found.systems, ring.realm, key.der)
        found.systems.keycloak.expect_key(ring.realm, key.der)
        begun = time.monotonic()
        if Step.SIGN in steps:
            rotation.sign_with(session, ring, key, datetime.now(UTC))
        outcomes = _write(found.systems, changes, tell)
        seconds = time.monotonic() - begun
        ring = rotation.ring(session, ring.realm)
    if Step.KEEP in steps and all(isinstance(outcome, Done) for outcome in outcomes):
        for old in ring.old:
            if old.active:
                rotation.keep(session, ring, old)
    if Step.REMOVE in steps:
        rotation.remove(session, ring, ring.old)
    return Rotated(rotation.ring(session, ring.realm), outcomes, seconds)


def _credentials(catalog: Catalog, systems: Systems, realm: str, der: bytes) -> tuple[Update, ...]:
    """The token credentials of the realm that are there and hold another key. What is missing, apply makes."""
    version = key_digest(keys.as_pem(der))
    have = state(JWTS.read(systems.kong))
    wanted = [
        replace(one, fields={"rsa_public_key": RealmKey(realm, version)})
        for one in JWTS.desired(catalog)
        if _of(one.fields.get("rsa_public_key"), realm)
    ]
    there = ((want, have[want.key]) for want in wanted if want.key in have and have[want.key].owned)
    changes = (difference(want, found) for want, found in there)
    return tuple(one for one in changes if isinstance(one, Update))


def _of(value: object, realm: str) -> bool:
    return isinstance(value, RealmKey) and value.realm == realm


def _write(systems: Systems, changes: tuple[Update, ...], tell: Callable[[Event], None]) -> tuple[Outcome, ...]:
    """All credentials side by side, and then until the gateway has taken them up."""
    if not changes:
        return ()
    target = next(one for one in systems.targets if one.client is systems.kong)
    outcomes = engine.apply(Plan((Wave(changes),)), [target], parallel=systems.kong.parallel, tell=tell)
    target.settle()
    return outcomes
