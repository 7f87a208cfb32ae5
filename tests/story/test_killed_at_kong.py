"""Killed with SIGKILL at any write to Kong, before or after the server has answered: the next apply converges."""

from __future__ import annotations

from itertools import count

import pytest

from tests.story.killing import assert_converges, killed_at

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("when", "step"), [("before", 3), ("after", 1)], ids=["before", "after"])
def test_killed_at_each_write_to_kong_the_next_apply_converges(world, when, step):
    """Before a write it is much as after the one before it: there each third one will do."""
    world.apply()  # Keycloak is as it should be; Kong is emptied for each kill
    for number in count(1, step):
        world.empty_kong()
        if not killed_at(world, number, when):
            break
        world.apply()  # ends with 0 only when a plan of what was read back is empty
    assert number > 12, "a small platform has more writes than that"
    assert_converges(world)
