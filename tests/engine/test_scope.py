"""Which systems a run of a part of the platform asks."""

from __future__ import annotations

import pytest

from control_plane.engine.scope import concerned
from control_plane.engine.target import Target
from tests.engine.shelf import KINDS, Shelf, a_target, kind

SHELF = a_target(Shelf(), KINDS)
CELLAR = Target("Cellar", Shelf(), (kind("cellar.box"),))


@pytest.mark.parametrize("only", [("cellar",), ("cellar.box",), ("cellar.box", "cellar")])
def test_a_system_or_a_kind_of_it_concerns_that_system_alone(only):
    assert concerned((SHELF, CELLAR), only) == (CELLAR,)


@pytest.mark.parametrize("only", [(), ("nikko",), ("cellar", "nikko"), ("box",), ("cellar", "shelf.box")])
def test_what_may_stand_in_several_systems_concerns_all_of_them(only):
    assert concerned((SHELF, CELLAR), only) == (SHELF, CELLAR)
