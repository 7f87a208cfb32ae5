"""How much memory a new process can have: what the machine has left, or what the container leaves of it."""

from __future__ import annotations

from pathlib import Path

import psutil

from control_plane.problems import Problem, RenkeiError

MEBIBYTE = 1024 * 1024
CGROUP = Path("/sys/fs/cgroup")


def available() -> int:
    """MiB that can be used without swapping."""
    free: int = psutil.virtual_memory().available
    limit, used = _number(CGROUP / "memory.max"), _number(CGROUP / "memory.current")
    if limit is not None and used is not None:
        free = min(free, limit - used)
    return free // MEBIBYTE


def need_memory(mebibytes: int, what: str) -> None:
    """Refuse a start that would bring the machine to its knees."""
    free = available()
    if free < mebibytes:
        raise RenkeiError(
            Problem(
                f"too little memory for {what}: {free} MiB are free, {mebibytes} MiB are needed",
                help="end something else",
            )
        )


def _number(path: Path) -> int | None:
    """The number in a file of the kernel; None when there is no file, or no limit (`max`)."""
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
