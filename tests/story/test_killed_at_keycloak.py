"""Killed with SIGKILL at a write to Keycloak, before or after the server has answered: the next apply converges."""

from __future__ import annotations

import pytest

from tests.story.killing import assert_converges, killed_at

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


@pytest.mark.parametrize("number", [1, 2, 4, 7, 11])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_write_to_keycloak_the_next_apply_converges(world, number, when):
    assert killed_at(world, number, when, "--only", world.tenant)
    assert_converges(world)
