"""While a platform changes, strangers call all the time: not one call of theirs reaches an upstream, and none of a
service that nothing changes for is refused. The stand-in takes up each thing late, as nodes do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from control_plane.access import ApiKey
from control_plane.engine.apply import Failed
from control_plane.kong import KINDS
from tests.building import KEY, NOON, TOKEN, a_grant, a_platform, a_version, with_api, with_scope, with_service
from tests.kong.hammer import Slow, a_slow_world, calling
from tests.kong.world import told

pytestmark = pytest.mark.servers
TAKE_UP = 0.3  # seconds
SEED = 4


@pytest.fixture
def slow() -> Iterator[Slow]:
    with a_slow_world(TAKE_UP, SEED) as world:
        yield world


BOTH = (KEY, TOKEN)
ENDED = type(a_grant().period)(None, NOON)
STEADY_KEY = ApiKey("nasushiobara.steady")
STEADY = (
    with_api("steady", a_version("v1", "/steady/v1"), scoping="none"),
    with_service("steady", reading="steady"),
    with_service("nobody", auth=BOTH),
    with_scope("river"),
)
V1, V2 = a_version("v1", "/ngsi/v1"), a_version("v2", "/ngsi/v2")
FILES = a_version("v1", "/files/v1")
LATE = with_service("late", a_grant("ngsi-v2", "read", period=ENDED), auth=BOTH)
STORY = {
    "nothing yet": a_platform(*STEADY),
    "two APIs begin": a_platform(
        *STEADY,
        LATE,
        with_api("ngsi-v2", V1, V2),
        with_api("files", FILES, scoping="none", auth=()),
        with_service("portal", a_grant("ngsi-v2", "read", "update")),
    ),
    "keys, then keys or tokens; what was open asks for keys": a_platform(
        *STEADY,
        LATE,
        with_api("ngsi-v2", V1, V2, auth=BOTH),
        with_api("files", FILES, scoping="none"),
        with_service("portal", a_grant("ngsi-v2", "read", "update"), a_grant("files", "read"), auth=BOTH),
    ),
    "tokens alone; a level goes, a method changes its level, a version its path": a_platform(
        *STEADY,
        LATE,
        with_api("ngsi-v2", a_version("v1", "/ngsi/one"), V2, auth=(TOKEN,), levels={"read": ["GET", "POST"]}),
        with_api("files", FILES, scoping="none", levels={"read": ["GET"], "update": ["POST"]}),
        with_service("portal", a_grant("ngsi-v2", "read", scopes=("river",)), a_grant("files", "update"), auth=BOTH),
    ),
    "keys alone; a version retires, another has its path; a service and a grant go": a_platform(
        *STEADY,
        LATE,
        with_api("ngsi-v2", a_version("v2", "/ngsi/v2", "retired"), a_version("v3", "/ngsi/one"), auth=(KEY,)),
        with_api("files", FILES, scoping="none", auth=()),
        with_service("line", a_grant("ngsi-v2", "read"), auth=BOTH),
        with_service("portal", auth=BOTH),
    ),
    "an API goes and another takes its path": a_platform(
        *STEADY,
        with_api("ngsi-v2", V2, auth=BOTH),
        with_api("new", a_version("v1", "/files/v1"), scoping="none"),
        with_service("portal", a_grant("ngsi-v2", "read"), a_grant("new", "read"), auth=BOTH),
    ),
    "everything goes": a_platform(*STEADY),
}


def test_no_call_reaches_an_upstream_that_is_refused_before_and_after_the_change(slow: Slow):
    chapters = list(STORY.items())
    slow.apply(chapters[0][1])
    for (_, before), (chapter, after) in pairwise(chapters):
        seen = slow.change(before, after, STEADY_KEY)
        assert seen.wrong == [], chapter
        assert seen.refused == [], chapter
        assert seen.calls > 50, chapter


@pytest.mark.parametrize("write", [3, 12, 25])
def test_a_run_that_fails_in_the_middle_and_is_repeated_opens_nothing(slow: Slow, write: int):
    before, after = list(STORY.values())[2:4]
    slow.apply(before)
    with calling(slow, before, after, STEADY_KEY) as seen:
        outcomes = slow.broken(after, write)
        slow.wait()
        slow.apply(after)
    assert any(isinstance(outcome, Failed) for outcome in outcomes), "\n".join(map(told, outcomes))
    assert (seen.wrong, seen.refused) == ([], [])


def test_a_thousand_apis_cost_one_wait(slow: Slow):
    catalog = a_platform(*(with_api(f"api-{number}", scoping="none") for number in range(1000)))
    plan = slow.plan(catalog)
    assert sum(change.key.kind == "kong.publication" for change in plan) == 1000
    assert sum(wave.settle or wave.prove for wave in plan.waves) == 1


def with_publication_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    early = [
        replace(kind, after=("kong.service",), settle_before_write=False) if kind.name == "kong.publication" else kind
        for kind in KINDS
    ]
    monkeypatch.setattr("tests.kong.world.KINDS", tuple(early))


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("control_plane.kong.settle", lambda kong: None)


@pytest.mark.parametrize("broken", [with_publication_at_once, without_waiting])
def test_the_test_sees_what_a_wrong_order_lets_through(monkeypatch: pytest.MonkeyPatch, broken):
    """Without it the tests above would prove nothing: it runs the same calls against an apply that is wrong."""
    broken(monkeypatch)
    nothing, begun = list(STORY.values())[:2]
    for seed in range(20):
        with a_slow_world(TAKE_UP, seed) as world:
            world.apply(nothing)
            if world.change(nothing, begun, STEADY_KEY).wrong:
                return
    raise AssertionError("nothing got through")
