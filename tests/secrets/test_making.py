"""Secrets for people to type hold to the rules of any realm, and no two are alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_plane.catalog.model import RealmBaseline
from control_plane.engine.values import Shape
from control_plane.keycloak.firsts import shape
from control_plane.secrets.making import DIGITS, LOWER, SPECIAL, UPPER, made

SORTS = ("upper", "lower", "digits", "special")
rules = st.fixed_dictionaries(
    {}, optional={"length": st.integers(8, 60), **{name: st.integers(0, 12) for name in SORTS}}
)


@given(rules)
def test_a_password_that_is_made_up_holds_to_the_rules_of_its_realm(policy):
    value = made(shape(RealmBaseline("staff", password_policy=policy)))
    assert len(value) >= max(policy.get("length", 0), 16)
    for name, sort in (("upper", UPPER), ("lower", LOWER), ("digits", DIGITS), ("special", SPECIAL)):
        assert sum(letter in sort for letter in value) >= max(policy.get(name, 0), 1)


@given(st.integers(8, 30))
def test_it_is_not_longer_than_the_rules_allow(most):
    assert len(made(shape(RealmBaseline("staff", password_policy={"max_length": most})))) <= most


def test_nothing_in_it_is_taken_for_something_else():
    letters = {letter for _ in range(50) for letter in made(Shape(40))}
    assert letters.isdisjoint("IOl01o ")


def test_no_two_are_alike():
    assert len({made(shape) for shape in (None, Shape(20)) for _ in range(100)}) == 200
