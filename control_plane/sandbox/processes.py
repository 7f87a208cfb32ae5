"""Children that outlive the command that started them, and are stopped only when they are still the ones we started.

A process is known by its number and its time of start: a number alone may by then be somebody else's.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

import control_plane
from control_plane.problems import RenkeiError
from control_plane.sandbox.cache import cannot_write

SAME_START = 2.0  # seconds; Linux counts from boot, whose time moves a little when the clock is set

# Popen complains when it is collected while its child runs, and only Popen can collect a child that ended: keep them.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Process:
    """A child: its name for people, its number, and when it was started (seconds since the epoch)."""

    name: str
    pid: int
    started: float


def spawn(name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Process:
    """Start a program that goes on when we end; what it says goes to the end of `log` (0600)."""
    try:
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as out:
            child = subprocess.Popen(  # noqa: S603  # our own words and paths, no shell
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd="/",
                start_new_session=True,
            )
    except OSError as why:
        if why.filename == str(log):
            raise cannot_write(log, why) from why
        raise RenkeiError(f"{name} cannot be started: {command[0]}: {why.strerror or why}") from why
    _children[child.pid] = child
    try:
        return Process(name, child.pid, psutil.Process(child.pid).create_time())
    except psutil.NoSuchProcess:
        raise RenkeiError(f"{name} ended at once; see {log}") from None


def python_environment() -> dict[str, str]:
    """Our environment, such that a child finds this package also when it is not installed."""
    root = str(Path(control_plane.__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def find(process: Process) -> psutil.Process | None:
    """The running process, or None when it ended or its number now belongs to another."""
    if process.pid in _children:
        _children[process.pid].poll()
    with contextlib.suppress(psutil.Error, ValueError):
        found = psutil.Process(process.pid)
        if abs(found.create_time() - process.started) <= SAME_START and found.status() != psutil.STATUS_ZOMBIE:
            return found
    return None


def stop(process: Process, patience: float = 20.0) -> bool:
    """Ask it to end, and end it after `patience` seconds; False when there was nothing of ours to stop."""
    found = find(process)
    if found is None:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        found.terminate()
        try:
            found.wait(patience)
        except psutil.TimeoutExpired:
            found.kill()
            found.wait(patience)
    if process.pid in _children:
        _children.pop(process.pid).poll()
    return True
