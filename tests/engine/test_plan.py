"""The laws of planning. Hypothesis draws the states."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from control_plane.engine.apply import Done, apply
from control_plane.engine.fingerprint import fingerprint
from control_plane.engine.plan import Create, Delete, FieldChange, Update, make_plan
from control_plane.engine.read import have as read_have
from control_plane.engine.resource import Key, Resource, state
from control_plane.engine.values import Secret, Unseen
from tests.engine.shelf import BOX, KINDS, Shelf, a_shelf, a_target, box, kind

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=3)
values = st.recursive(
    scalars | st.builds(Secret, st.just("s#f"), st.none() | st.text("01", min_size=1, max_size=2)),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.frozensets(scalars, max_size=3)
        | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=6,
)
keys = st.builds(
    lambda sort, place, name: Key(f"shelf.{sort}", place, f"{place}/{name}"),
    st.sampled_from(["box", "lid", "key", "seal"]),
    st.sampled_from("pq"),
    st.sampled_from("123"),
)
resources = st.builds(Resource, keys, st.dictionaries(st.sampled_from("abc"), values, max_size=3))
drawn_states = st.lists(resources, max_size=10, unique_by=lambda r: r.key).map(state)


@given(drawn_states)
def test_a_plan_of_what_is_already_there_is_empty(wanted):
    plan = make_plan(KINDS, wanted, wanted)
    assert not plan
    assert plan.unchanged == len(wanted)


@given(drawn_states, drawn_states)
def test_apply_then_plan_is_empty(wanted, found):
    shelf = a_shelf(*found.values())
    target = a_target(shelf)
    outcomes = apply(make_plan(KINDS, wanted, found), [target], parallel=1)
    assert all(isinstance(outcome, Done) for outcome in outcomes)
    assert not make_plan(KINDS, wanted, read_have([target]))


@given(drawn_states, drawn_states, st.integers(1, 4))
def test_more_threads_have_the_same_outcome_as_none(wanted, found, parallel):
    one, many = a_shelf(*found.values()), a_shelf(*found.values())
    plan = make_plan(KINDS, wanted, found)
    apply(plan, [a_target(one)], parallel=1)
    apply(plan, [a_target(many)], parallel=parallel)
    assert one.objects == many.objects
    assert sorted(one.journal) == sorted(many.journal)


@given(drawn_states, drawn_states, st.randoms())
def test_the_order_in_which_resources_come_changes_nothing(wanted, found, random):
    shuffled = list(wanted.values())
    random.shuffle(shuffled)
    plan, again = make_plan(KINDS, wanted, found), make_plan(KINDS, state(shuffled), found)
    assert plan == again
    assert fingerprint(plan, "production") == fingerprint(again, "production")


@given(drawn_states, drawn_states)
def test_what_is_not_ours_is_never_changed(wanted, found):
    foreign = {key: Resource(key, one.fields, owned=False) for key, one in found.items()}
    plan = make_plan(KINDS, wanted, foreign)
    assert not any(change.key in foreign for change in plan)
    assert {have.key for _, have in plan.conflicts} == wanted.keys() & foreign.keys()
    assert {one.key for one in plan.unmanaged} == foreign.keys() - wanted.keys()


@given(drawn_states, drawn_states)
def test_a_plan_counts_every_wanted_object_once(wanted, found):
    plan = make_plan(KINDS, wanted, found)
    written = [change for change in plan if isinstance(change, Create | Update)]
    assert plan.unchanged + len(written) + len(plan.conflicts) == len(wanted)


def test_a_field_that_we_do_not_declare_is_never_a_difference():
    want, have = box("a", colour="red"), box("a", colour="red", weight=3)
    assert not make_plan(KINDS, state([want]), state([have]))


def test_a_field_inside_a_mapping_that_we_do_not_declare_is_never_a_difference():
    want, have = box("a", size={"w": 1}), box("a", size={"w": 1, "h": 2})
    assert not make_plan(KINDS, state([want]), state([have]))


def test_true_is_not_one():
    plan = make_plan(KINDS, state([box("a", on=True)]), state([box("a", on=1)]))
    assert [type(change) for change in plan] == [Update]


def test_a_secret_that_does_not_exist_yet_is_a_difference():
    want = state([box("a", secret=Secret("s#f", None))])
    have = state([box("a", secret=Secret("", "abc"))])
    assert [type(change) for change in make_plan(KINDS, want, have)] == [Update]


def test_revocations_come_before_everything_else_and_deletes_last():
    want = state([box("new"), box("new", sort="lid")])
    have = state([box("old"), box("old", sort="lid"), box("old", sort="key")])
    order = [(type(change).__name__, change.key.kind) for change in make_plan(KINDS, want, have)]
    assert order == [
        ("Delete", "shelf.key"),
        ("Create", "shelf.box"),
        ("Create", "shelf.lid"),
        ("Delete", "shelf.lid"),
        ("Delete", "shelf.box"),
    ]


def test_what_leaves_becomes_what_its_kind_says_instead_of_being_deleted():
    person = kind("shelf.box", leaves=lambda have: Resource(have.key, {"enabled": False}))
    have = state([box("anna", enabled=True), box("bert", enabled=False)])
    plan = make_plan([person], {}, have)
    assert [(type(change), change.key.name) for change in plan] == [(Update, "anna")]
    assert not any(isinstance(change, Delete) for change in plan)


def test_a_wave_that_must_wait_says_so():
    plan = make_plan(KINDS, state([box("a"), box("a", sort="seal")]), {})
    assert [wave.settle for wave in plan.waves] == [False, True]


def test_a_fingerprint_tells_values_and_environments_apart():
    red, blue = (make_plan([BOX], state([box("a", colour=colour)]), {}) for colour in ("red", "blue"))
    assert len({fingerprint(red, "x"), fingerprint(blue, "x"), fingerprint(red, "y")}) == 3


def test_a_shelf_that_was_written_reads_back():
    shelf = Shelf()
    shelf.write("create", box("a", colour="red"))
    assert list(BOX.read(shelf)) == [box("a", colour="red")]


def test_what_is_renamed_changes_hands_between_the_rights_under_its_new_and_its_old_name():
    door = kind("shelf.box", moves="it is the same box")
    lid, key = kind("shelf.lid", after=("shelf.box",)), kind("shelf.key", after=("shelf.lid",), revokes=True)
    have = state([box("old"), box("old", sort="lid"), box("old", sort="key"), box("lost", sort="key")])
    new = [
        Resource(Key(f"shelf.{sort}", "new", "new"), previously=box("old", sort=sort).key) for sort in ("box", "key")
    ]
    lidded = Resource(Key("shelf.lid", "new", "new"))
    plan = make_plan([door, lid, key], state([*new, lidded]), have)
    told = [(type(change).__name__, change.key.kind, change.key.name) for change in plan]
    assert told == [
        ("Delete", "shelf.key", "lost"),  # nobody takes it over
        ("Create", "shelf.lid", "new"),
        ("Create", "shelf.key", "new"),
        ("Update", "shelf.box", "new"),
        ("Delete", "shelf.key", "old"),
        ("Delete", "shelf.lid", "old"),
    ]
    assert [wave.settle for wave in plan.waves] == [False, False, False, True, True, False]


def test_a_renaming_that_was_stopped_goes_on_where_it_stood():
    door = kind("shelf.box", moves="it is the same box")
    key = kind("shelf.key", after=("shelf.box",), revokes=True)
    want = state(
        Resource(Key(f"shelf.{sort}", "new", "new"), previously=box("old", sort=sort).key) for sort in ("box", "key")
    )
    made = [Resource(Key("shelf.key", "new", "new"))]
    before = make_plan([door, key], want, state([box("old"), box("old", sort="key"), *made]))
    assert [(type(change).__name__, change.key.name) for change in before] == [("Update", "new"), ("Delete", "old")]
    after = make_plan([door, key], want, state([*want.values(), box("old", sort="key")]))
    assert [(type(change).__name__, change.key.name) for change in after] == [("Delete", "old")]


def test_a_former_name_that_nobody_has_any_more_means_nothing():
    want = state([Resource(Key("shelf.box", "new", "new"), previously=box("old").key)])
    assert not make_plan([kind("shelf.box", moves="it is the same box")], want, want)


# ---------------------------------------------------------------- adoption


def test_what_is_adopted_is_shown_also_where_nothing_else_differs():
    wanted, there = state([box("a", size=1)]), state([box("a", owned=False, size=1)])
    [change] = make_plan([kind("shelf.box", adoptable=True, mark="managed")], wanted, there, adopt=True)
    assert isinstance(change, Update)
    assert change.changes == (FieldChange(("managed",), False, True),)


def test_what_somebody_else_has_marked_stays_a_conflict():
    there = state([replace(box("a", owned=False), adoptable=False)])
    plan = make_plan([kind("shelf.box", adoptable=True, mark="managed")], state([box("a")]), there, adopt=True)
    assert not plan
    assert len(plan.conflicts) == 1


def test_a_strangers_property_is_told_of_only_when_it_opens_something():
    quiet, open_door = box("a", owned=False), replace(box("b", owned=False), danger="everybody may")
    plan = make_plan([kind("shelf.box", aspect=True)], {}, state([quiet, open_door]))
    assert plan.unmanaged == (open_door,)


def test_what_nobody_asks_for_is_left_as_its_kind_says_or_discarded_when_it_is_named():
    person = kind("shelf.box", leaves=lambda have: Resource(have.key, {"enabled": False}))
    there = state([box("a", enabled=True), box("b", enabled=True), box("c", enabled=True)])
    named = frozenset({box("a").key, box("c").key})
    plan = make_plan((person,), state([box("a", enabled=True)]), there, discard=named)
    assert [(type(change), change.key.name) for change in plan] == [(Update, "b"), (Delete, "c")]


# ---------------------------------------------------------------- secrets that a server never shows


@given(st.none() | st.sampled_from("12"), st.none() | st.sampled_from("12"))
def test_a_secret_that_is_not_shown_is_written_unless_the_store_has_what_was_written_last(stored, written):
    wanted = state([box("a", key=Secret("services/a#key", stored))])
    there = state([box("a", key=Unseen(written))])
    plan = make_plan([kind("shelf.box", masked=("key",))], wanted, there)
    known = stored is not None and stored == written
    assert bool(plan) is not known
    assert [name for _, name in plan.unproven] == (["key"] if known else [])


def test_a_secret_that_is_not_shown_and_that_nobody_wants_any_more_goes():
    [change] = make_plan([kind("shelf.box")], state([box("a", key=None)]), state([box("a", key=Unseen("1"))]))
    assert change.changes == (FieldChange(("key",), Unseen("1"), None),)
