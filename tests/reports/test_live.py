"""What the lists take from the state of the servers."""

from __future__ import annotations

from datetime import UTC, datetime

from control_plane.engine.resource import Key, Resource, State, state
from control_plane.engine.values import Secret, Value
from control_plane.keycloak import clients
from control_plane.keycloak import users as accounts
from control_plane.kong import consumers, jwts, keys
from control_plane.reports import Live, LiveService, LiveUser, from_state

from . import world

CREATED = 1_774_659_723_456  # 2026-03-28T01:02:03.456Z


def found(kind: str, within: str, name: str, fields: dict[str, Value] | None = None, **more: bool) -> Resource:
    return Resource(Key(kind, within, name), fields or {}, **more)  # type: ignore[arg-type]


def live(*resources: Resource) -> Live:
    have: State = state(resources)
    return from_state(have, "tochigi", {"nasushiobara": 1}, world.READ)


def service(*resources: Resource) -> LiveService:
    return live(*resources).services["a.b"]


def test_the_kinds_that_the_lists_read_are_kinds_of_the_targets() -> None:
    names = [kind.NAME for kind in (accounts, clients, consumers, keys, jwts)]
    assert names == ["keycloak.user", "keycloak.client", "kong.consumer", "kong.key", "kong.jwt"]


def test_an_account_says_what_its_realm_says() -> None:
    fields: dict[str, Value] = {"enabled": True, "totp": True, "created": CREATED}
    fields |= {"lastName": "那須", "firstName": "職員一", "email": "staff-01@example.jp"}
    created = datetime(2026, 3, 28, 1, 2, 3, 456000, tzinfo=UTC)
    assert live(found("keycloak.user", "nasushiobara", "staff-01", fields)).users == {
        ("nasushiobara", "staff-01"): LiveUser(True, True, created, True, "那須", "職員一", "staff-01@example.jp")
    }


def test_an_account_that_says_nothing_may_open_and_is_not_known_to_have_a_second_factor() -> None:
    (one,) = live(found("keycloak.user", "nasushiobara", "by-hand", {"enabled": None}, owned=False)).users.values()
    assert (one.enabled, one.otp_registered, one.created, one.owned) == (True, None, None, False)


def test_a_time_that_no_calendar_holds_is_not_known() -> None:
    for odd in (10**20, -1, "2026", True):
        (one,) = live(found("keycloak.user", "r", "u", {"created": odd})).users.values()
        assert one.created is None


def test_the_parts_of_a_service_come_together() -> None:
    parts = (
        found("keycloak.client", "nasushiobara", "a.b", {"enabled": True, "secret": Secret("", "5f")}),
        found("kong.consumer", "a.b", "a.b"),
        found("kong.key", "a.b", "primary"),
        found("kong.key", "a.b", "second"),
        found("kong.jwt", "a.b", "a.b"),
    )
    assert service(*parts) == LiveService(True, True, True, keys=2, tokens=1)


def test_a_key_that_somebody_hung_on_our_consumer_is_counted_apart() -> None:
    by_hand = found("kong.key", "a.b", "(0a)", owned=False, attached=True)
    one = service(found("kong.consumer", "a.b", "a.b"), found("kong.key", "a.b", "primary"), by_hand)
    assert (one.keys, one.foreign, one.owned) == (1, 1, True)


def test_a_consumer_that_is_not_ours_is_not_ours_with_its_key() -> None:
    one = service(found("kong.consumer", "a.b", "a.b", owned=False), found("kong.key", "a.b", "(0a)", owned=False))
    assert (one.consumer, one.keys, one.foreign, one.owned) == (True, 1, 0, False)


def test_what_is_no_service_is_left_out() -> None:
    own = Resource(Key("keycloak.client", "nasushiobara", "renkei"), {}, owned=False, protected="we sign in with it")
    nobody = "renkei-anonymous-tochigi"
    others = (found("kong.consumer", nobody, nobody), found("kong.route", "ngsi-v2.v2", "ngsi-v2.v2.read"))
    assert live(own, *others, found("kong.key", "", "(0a)", owned=False)).services == {}


def test_the_count_and_the_time_are_those_that_were_given() -> None:
    assert (live().user_counts, live().read_at) == ({"nasushiobara": 1}, world.READ)
