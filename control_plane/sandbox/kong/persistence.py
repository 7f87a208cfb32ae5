"""The store in one JSON file, so that a sandbox survives a restart.

Keys and secrets of the sandbox stand in it as Kong's database would hold them: the file is readable by its owner alone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from control_plane.problems import Problem, RenkeiError
from control_plane.sandbox.kong.store import TABLES, Store

FORMAT = 1
PAUSE = 1.0  # seconds between two looks at whether there is something new to save
_LOG = logging.getLogger(__name__)


def load(store: Store, path: Path) -> None:
    """Fill an empty store from the file; a file that does not exist yet is an empty store.

    Raises:
        RenkeiError: the file cannot be read or is not ours.
    """
    try:
        saved = json.loads(path.read_bytes())
        if saved["format"] != FORMAT:
            raise ValueError(f"format {saved['format']}")
        store.load((collection, row) for collection in TABLES for row in saved["entities"].get(collection, ()))
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RenkeiError(
            Problem(
                f"cannot use {path} as data of the stand-in Kong", note=f"{type(error).__name__}", help="Remove it."
            )
        ) from error


def save(store: Store, path: Path) -> None:
    """Write all entities; a reader sees the old file or the new one, never a part."""
    entities = {name: [dict(row) for row in store.rows(name)] for name in TABLES}
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "entities": entities}, file, ensure_ascii=False)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def saver(store: Store, path: Path) -> Callable[[], None]:
    """A function that saves if something has changed since it was called last, or since now."""
    saved = store.version

    def save_changes() -> None:
        nonlocal saved
        version = store.version
        if version != saved:
            save(store, path)
            saved = version

    return save_changes


async def keep(save_changes: Callable[[], None]) -> None:
    """Save at most once a second, until cancelled; a disk that is full for a while is no reason to stop serving."""
    while True:
        await asyncio.sleep(PAUSE)
        try:
            save_changes()
        except OSError as error:
            _LOG.warning("entities not saved: %s", error)
