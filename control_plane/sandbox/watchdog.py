"""Stops a sandbox that somebody forgot: when its time is over, or when the process that it was for is gone.

python -m control_plane.sandbox.watchdog DIRECTORY
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from control_plane.sandbox import run, state

PERIOD = 5.0  # seconds between two looks


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
def main(directory: Path) -> None:
    """Look after the sandbox in DIRECTORY until it is down."""
    while True:
        time.sleep(PERIOD)
        found = state.load(directory)
        if found is None or not found.processes:
            return
        if found.overdue(datetime.now(UTC)) and run.down(directory, overdue=True):  # it looks again, with the lock held
            return


if __name__ == "__main__":
    main()
