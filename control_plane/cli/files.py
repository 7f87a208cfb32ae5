"""Files that a command writes because it was asked to."""

from __future__ import annotations

import os
from pathlib import Path

from control_plane.problems import Problem, Refused

SECRET = 0o600  # the mode of a file that holds secrets


def write(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write the file and the directories above it. Raises Refused when that cannot be done.

    A file with a mode has it before the first byte is in it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if mode is None:
            path.write_bytes(data)
            return
        file = os.open(path, os.O_WRONLY | os.O_CREAT, mode)
        with os.fdopen(file, "wb") as opened:
            os.fchmod(file, mode)
            opened.truncate()
            opened.write(data)
    except OSError as error:
        raise Refused(Problem(f"{path} cannot be written: {error.strerror}")) from None
