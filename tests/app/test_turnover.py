"""Where the turn-over of a service's secret stands, read from the store and Keycloak."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.app.turnover import steps
from control_plane.keycloak.turning import Client
from control_plane.problems import Refused

END = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SOON, LATER = END - timedelta(minutes=1), END + timedelta(minutes=1)


def keycloak(secret: str, second: str | None = None) -> Client:
    return Client("city", "id", "city.portal", secret, second, END if second else None, second is not None, {})


def store(secret: str | None, new: str | None = None, before: str | None = None) -> dict[str, str]:
    found = {"client_secret": secret, "client_secret_next": new, "client_secret_previous": before}
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize(
    ("kept", "there", "lagging", "gap", "now", "told"),
    [
        (store("a"), keycloak("a"), False, False, SOON, "new switch store"),
        (store("a", "b"), keycloak("a"), True, False, SOON, "new switch store"),
        (store("a", "b"), keycloak("b", "a"), True, False, SOON, "store"),
        (store("b", before="a"), keycloak("b", "a"), True, False, SOON, "store"),
        (store("b", before="a"), keycloak("b", "a"), False, False, SOON, "wait"),
        (store("b", before="a"), keycloak("b", "a"), False, False, LATER, "end forget"),
        (store("b", before="a"), keycloak("b"), False, False, SOON, "forget"),
        (store("a"), keycloak("a"), False, True, SOON, "new switch store"),
        (store("a", "b"), keycloak("b"), True, True, SOON, "store"),
        (store("b"), keycloak("b"), True, True, SOON, "store"),
        (store("b", before="a"), keycloak("b", "a"), False, True, SOON, "new switch store"),
        (store("b", before="a"), keycloak("b", "a"), True, True, SOON, "store new switch store"),
        (store("b", "c", "a"), keycloak("b", "a"), True, True, SOON, "new switch store"),
    ],
)
def test_a_turn_over_goes_on_where_it_stands(kept, there, lagging, gap, now, told):
    assert " ".join(steps(kept, there, lagging=lagging, gap=gap, now=now)) == told


@pytest.mark.parametrize(
    ("kept", "there", "why"),
    [
        (store(None), keycloak("a"), "the store has no secret of city.portal yet"),
        (store("a"), keycloak("x"), "another secret in Keycloak than in the store"),
        (store("b", "c", "a"), keycloak("b", "a"), "with a gap was begun"),
    ],
)
def test_what_no_run_of_ours_leaves_is_refused(kept, there, why):
    with pytest.raises(Refused, match=why):
        steps(kept, there, lagging=False, gap=False, now=SOON)


def test_no_secret_is_in_the_text_of_a_client():
    assert "hidden" not in repr(keycloak("hidden-one", "hidden-two"))
