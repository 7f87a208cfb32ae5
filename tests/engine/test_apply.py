"""What becomes of a plan when some of it fails."""

from __future__ import annotations

import threading
from dataclasses import replace

from control_plane.engine.apply import Done, Failed, Skipped, apply
from control_plane.engine.plan import make_plan
from control_plane.engine.resource import state
from control_plane.problems import ServerError
from tests.engine.shelf import KINDS, Shelf, a_shelf, a_target, box, kind


def outcomes_of(shelf, want, have=(), *, parallel=1, kinds=KINDS, settle=lambda: None):
    plan = make_plan(kinds, state(want), state(have))
    found = apply(plan, [a_target(shelf, kinds, settle)], parallel=parallel)
    return {(o.change.key.kind.partition(".")[2], o.change.key.name): o for o in found}


def test_a_change_that_needs_one_that_failed_is_not_attempted_and_says_so():
    shelf = Shelf(broken=lambda key: key.kind == "shelf.box")
    found = outcomes_of(shelf, [box("a"), box("a", sort="lid"), box("a", sort="seal")])
    assert isinstance(found["box", "a"], Failed)
    assert found["lid", "a"] == Skipped(found["lid", "a"].change, "shelf.box a a failed")
    assert isinstance(found["seal", "a"], Skipped)
    assert shelf.journal == []


def test_a_failure_stops_nothing_that_does_not_need_it():
    shelf = Shelf(broken=lambda key: key == box("a").key)
    found = outcomes_of(shelf, [box("a"), box("a", sort="lid"), box("b"), box("b", sort="lid")])
    assert isinstance(found["box", "b"], Done)
    assert isinstance(found["lid", "b"], Done)


def test_a_box_stays_while_its_lid_cannot_be_removed():
    there = [box("a"), box("a", sort="lid")]
    shelf = a_shelf(*there)
    shelf.broken = lambda key: key.kind == "shelf.lid"
    found = outcomes_of(shelf, [], there)
    assert isinstance(found["lid", "a"], Failed)
    assert isinstance(found["box", "a"], Skipped)
    assert box("a").key in shelf.objects


def test_nothing_is_deleted_where_a_write_has_failed():
    there = [box("a/old"), box("a/new", colour="red")]
    shelf = a_shelf(*there)
    shelf.broken = lambda key: key.name == "a/new"
    found = outcomes_of(shelf, [box("a/new", colour="blue")], there)
    assert isinstance(found["box", "a/old"], Skipped)


def test_an_unforeseen_error_hides_no_other_outcome_and_does_not_quote_what_was_written():
    def fails(shelf, want):
        raise ValueError(f"cannot write {want.fields['secret']}")

    odd = kind("shelf.box")
    odd = type(odd)(**{**odd.__dict__, "create": fails})
    shelf = Shelf()
    found = outcomes_of(shelf, [box("a", secret="canary"), box("b", sort="lid")], kinds=(odd, *KINDS[1:]))
    assert isinstance(found["lid", "b"], Done)
    failed = found["box", "a"]
    assert isinstance(failed, Failed)
    assert "ValueError" in failed.problems[0].message
    assert "canary" not in str(failed.problems)


def test_a_target_that_does_not_settle_keeps_what_must_wait_from_being_written():
    def settle():
        raise ServerError("the proxy does not take changes up")

    shelf = Shelf()
    found = outcomes_of(shelf, [box("a"), box("a", sort="seal")], settle=settle)
    assert isinstance(found["box", "a"], Done)
    assert isinstance(found["seal", "a"], Failed)


def test_settle_comes_after_the_earlier_waves_and_once():
    shelf = Shelf()
    want = [box(name, sort=sort) for name in "abc" for sort in ("box", "lid", "seal")]
    outcomes_of(shelf, want, settle=lambda: shelf.journal.append("settle"), parallel=3)
    assert shelf.journal.count("settle") == 1
    at = shelf.journal.index("settle")
    assert all("seal" not in line for line in shelf.journal[:at])
    assert all("seal" in line for line in shelf.journal[at + 1 :])


def test_a_right_that_goes_is_gone_everywhere_before_another_is_given():
    old = box("old", sort="key")
    shelf = a_shelf(old)
    proven = replace(a_target(shelf), prove=lambda: shelf.journal.append("proven"))
    apply(make_plan(KINDS, state([box("new")]), state([old])), [proven])
    assert shelf.journal == ["delete key old", "proven", "create box new"]


def test_nothing_is_given_while_a_right_that_goes_may_still_hold():
    def prove():
        raise ServerError("the node does not answer")

    old = box("old", sort="key")
    shelf = a_shelf(old)
    found = apply(make_plan(KINDS, state([box("new")]), state([old])), [replace(a_target(shelf), prove=prove)])
    assert [type(outcome) for outcome in found] == [Done, Failed]
    assert shelf.journal == ["delete key old"]


def test_writes_of_one_realm_follow_one_another():
    inside, most = [], []
    guard = threading.Lock()

    def create(shelf, want):
        with guard:
            inside.append(want.key.name)
            most.append(len(inside))
        threading.Event().wait(0.01)
        with guard:
            inside.remove(want.key.name)
        shelf.write("create", want)

    odd = kind("shelf.box", serial_by=lambda resource: "one")
    odd = type(odd)(**{**odd.__dict__, "create": create})
    outcomes_of(Shelf(), [box(str(n)) for n in range(6)], parallel=4, kinds=(odd,))
    assert max(most) == 1


def test_the_rights_under_the_old_name_stay_while_the_new_one_could_not_be_taken():
    door, key = kind("shelf.box", moves="the same box"), kind("shelf.key", after=("shelf.box",), revokes=True)
    shelf = a_shelf(*(there := [box("old"), box("old", sort="key")]))
    shelf.broken = lambda found: found.kind == "shelf.box"
    want = [replace(box("new", sort=sort), previously=box("old", sort=sort).key) for sort in ("box", "key")]
    found = outcomes_of(shelf, want, there, kinds=(door, key))
    assert isinstance(found["box", "new"], Failed)
    assert isinstance(found["key", "old"], Skipped)
    assert box("old", sort="key").key in shelf.objects
