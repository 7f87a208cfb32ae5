"""Runs that are killed, and what must hold after the next one."""

from __future__ import annotations

import signal
import subprocess
import sys


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
