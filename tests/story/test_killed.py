"""Killed with SIGKILL at any write, before or after the server has answered: the next apply converges."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import count

import pytest

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]


def killed_at(world, number, when, *words):
    """Whether the run was killed; False when it had fewer writes and ended by itself."""
    command = [sys.executable, "-m", "tests.story.killed", str(number), when, "-C", str(world.directory)]
    done = subprocess.run([*command, "apply", "--yes", "--parallel", "1", *words], capture_output=True, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode == -signal.SIGKILL


def assert_converges(world):
    world.apply()
    assert world.renkei("plan", "--exit-code").code == 0
    assert world.call(key=world.portal_key) == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_write_to_kong_the_next_apply_converges(world, when):
    world.apply()  # Keycloak is as it should be; Kong is emptied for each kill
    for number in count(1):
        world.empty_kong()
        if not killed_at(world, number, when):
            break
        world.apply()  # ends with 0 only when a plan of what was read back is empty
    assert number > 12, "a small platform has more writes than that"
    assert_converges(world)


@pytest.mark.parametrize("number", [1, 2, 4, 7, 11])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_write_to_keycloak_the_next_apply_converges(world, number, when):
    assert killed_at(world, number, when, "--only", world.tenant)
    assert_converges(world)
