"""Where a realm's rotation stands, read from its keys alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.app.rotate import steps
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak.rotation import GENERATED, NEXT, SINCE, Ring, SigningKey

BEGAN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SOON, LATER = BEGAN + timedelta(minutes=5), BEGAN + timedelta(minutes=6)  # tokens live five minutes, and one for clocks


def key(name: str, priority: int, *, active: bool = True, provider: str = GENERATED) -> SigningKey:
    return SigningKey(name, name, provider, name, priority, active, b"der")


FIRST = key("rsa-generated", 100)
WAITS = key(NEXT, 200, active=False)
OURS = key(SINCE + BEGAN.isoformat(), 200)
KEPT = replace(FIRST, active=False)
CREDENTIAL = Resource(Key("kong.jwt", "city.portal", "city.portal"))
LEFT = (Update(CREDENTIAL, CREDENTIAL, ()),)


def ring(*keys: SigningKey) -> Ring:
    return Ring("city", "id", timedelta(minutes=5), tuple(sorted(keys, key=lambda one: -one.priority)))


@pytest.mark.parametrize(
    ("keys", "credentials", "now", "told"),
    [
        ((FIRST,), (), SOON, "prepare sign credentials keep"),
        ((FIRST, WAITS), (), SOON, "sign credentials keep"),
        ((FIRST, OURS), LEFT, SOON, "credentials keep"),
        ((FIRST, OURS), (), SOON, "keep"),
        ((KEPT, OURS), LEFT, SOON, "credentials"),
        ((KEPT, OURS), (), SOON, "wait"),
        ((KEPT, OURS), (), LATER, "remove"),
        ((OURS,), (), LATER, "prepare sign credentials keep"),
        ((KEPT, OURS, key(NEXT, 300, active=False)), (), SOON, "sign credentials keep"),
    ],
)
def test_a_rotation_goes_on_where_it_stands(keys, credentials, now, told):
    assert " ".join(steps(ring(*keys), credentials, now)) == told


def test_a_key_that_somebody_imported_is_never_one_of_those_that_go():
    imported = key("our hsm", 50, provider="java-keystore")
    assert ring(OURS, KEPT, imported).old == (KEPT,)


def test_a_key_of_ours_whose_name_was_changed_by_hand_takes_nothing_away():
    assert ring(replace(OURS, name="renkei since yesterday"), KEPT).old == ()


def test_a_passive_key_below_the_one_that_signs_does_not_wait_for_its_turn():
    assert ring(OURS, key(NEXT, 150, active=False)).prepared is None
