"""Files that a command writes because it was asked to."""

from __future__ import annotations

from pathlib import Path

from control_plane.problems import Problem, Refused


def write(path: Path, data: bytes) -> None:
    """Write the file and the directories above it. Raises Refused when that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise Refused(Problem(f"{path} cannot be written: {error.strerror}")) from None
