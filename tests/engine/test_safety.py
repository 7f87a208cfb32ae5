"""What a plan may not do unasked."""

from __future__ import annotations

import dataclasses

import pytest

from control_plane.engine import safety
from control_plane.engine.plan import make_plan
from control_plane.engine.resource import Resource, state
from control_plane.engine.scope import narrow
from control_plane.engine.values import Secret
from control_plane.problems import ConfigurationError, Origin, Refused
from tests.engine.shelf import KINDS, box, kind


def check(want, have, *, limit=2, allowed=None, kinds=KINDS):
    wanted = state(want)
    safety.check(make_plan(kinds, wanted, state(have)), empty=not wanted, limit=limit, allowed=allowed)


def boxes(number):
    return [box(f"b{n}") for n in range(number)]


def test_deletes_up_to_the_limit_pass():
    check([box("kept")], boxes(2))


def test_deletes_above_the_limit_are_refused_and_the_help_names_the_number():
    with pytest.raises(Refused) as refused:
        check([box("kept")], boxes(3))
    assert "--allow-deletes 3" in refused.value.problems[0].help


def test_deletes_above_the_limit_pass_when_exactly_their_number_is_named():
    check([box("kept")], boxes(3), allowed=3)


@pytest.mark.parametrize("named", [2, 4])
def test_any_other_number_is_refused(named):
    with pytest.raises(Refused, match="the plan removes 3"):
        check([box("kept")], boxes(3), allowed=named)


def test_people_who_are_switched_off_count_like_deletes():
    person = kind("shelf.box", leaves=lambda have: Resource(have.key, {"enabled": False}))
    with pytest.raises(Refused, match="3 objects would be removed"):
        check([box("kept")], [box(f"p{n}", enabled=True) for n in range(3)], kinds=(person,))


def test_what_is_off_already_is_no_removal_when_something_else_of_it_changes():
    person = kind("shelf.box", leaves=lambda have: Resource(have.key, {"enabled": False, "left": True}))
    check([box("kept")], [box(f"p{n}", enabled=False, left=False) for n in range(3)], kinds=(person,))


def test_what_a_rule_switches_off_counts_like_a_removal():
    wanted = state(dataclasses.replace(box(f"p{n}", enabled=False), origin=Origin("x.yaml", n + 1)) for n in range(3))
    plan = make_plan(KINDS, wanted, state(box(f"p{n}", enabled=n != 0) for n in range(3)))
    safety.check(plan, empty=False, limit=1, allowed=None)
    safety.check(plan, empty=False, limit=2, allowed=None, also=frozenset(wanted))
    with pytest.raises(Refused, match="2 objects would be removed"):
        safety.check(plan, empty=False, limit=1, allowed=None, also=frozenset(wanted))


def test_removals_that_have_a_number_of_their_own_do_not_count():
    wanted, there = state([box("kept")]), state(boxes(3))
    plan = make_plan(KINDS, wanted, there)
    safety.check(plan, empty=False, limit=1, allowed=None, counted=frozenset(list(there)[:2]))
    with pytest.raises(Refused, match="3 objects would be removed"):
        safety.check(plan, empty=False, limit=1, allowed=None, counted=frozenset({box("kept").key}))


def test_a_configuration_that_asks_for_nothing_is_refused():
    with pytest.raises(Refused, match="asks for nothing"):
        check([], [])


def test_a_protected_object_is_never_removed():
    last = dataclasses.replace(box("anna"), protected="the last administrator")
    with pytest.raises(Refused, match="the last administrator"):
        check([box("kept")], [last])


def test_something_that_is_there_without_our_mark_is_refused_with_the_line_that_asks_for_it():
    want = dataclasses.replace(box("a"), origin=Origin("tenants/a.yaml", 3))
    with pytest.raises(Refused) as refused:
        check([want], [box("a", owned=False)])
    assert refused.value.problems[0].origin == Origin("tenants/a.yaml", 3)


def test_two_declarations_of_one_object_name_both_lines():
    one, two = (dataclasses.replace(box("a"), origin=Origin("x.yaml", line)) for line in (3, 9))
    with pytest.raises(ConfigurationError) as error:
        state([one, two])
    assert error.value.problems[0].origin == Origin("x.yaml", 9)
    assert "x.yaml:3" in error.value.problems[0].note


def test_only_a_part_takes_the_object_on_both_sides_or_on_none():
    mine = dataclasses.replace(box("a", colour="red"), belongs=frozenset({"city"}))
    there = [box("a", colour="blue"), box("other")]
    want, have = narrow(state([mine]), state(there), ("city",))
    assert set(want) == set(have) == {mine.key}


def test_only_something_that_is_nowhere_is_refused_with_what_is_near():
    mine = dataclasses.replace(box("a"), belongs=frozenset({"nasushiobara"}))
    with pytest.raises(Refused) as refused:
        narrow(state([mine]), {}, ("nasushiobra",))
    assert "did you mean 'nasushiobara'" in refused.value.problems[0].help


@pytest.mark.parametrize(
    ("version", "said"),
    [(None, "no secret yet, and apply would make another than"), ("2", "another secret than"), ("1", None)],
)
def test_what_is_adopted_keeps_its_secret_or_nothing_is_written(version, said):
    wanted = state([box("a", key=Secret("services/a#key", version))])
    there = state([box("a", owned=False, key=Secret("", "1"))])
    plan = make_plan([kind("shelf.box", adoptable=True, mark="managed")], wanted, there, adopt=True)
    if said is None:
        safety.check(plan, empty=False, limit=0, allowed=None)
    else:
        with pytest.raises(Refused) as refused:
            safety.check(plan, empty=False, limit=0, allowed=None)
        assert said in (refused.value.problems[0].note or "")
