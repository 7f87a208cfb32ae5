"""The user's cache: what is fetched once and shared by all sandboxes, and how two runs keep out of each other's way."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_dir

from control_plane.problems import Problem, RenkeiError

MEBIBYTE = 1024 * 1024


def cache_directory() -> Path:
    """The directory that `RENKEI_CACHE` names, else the user's own cache; private, made when absent."""
    named = os.environ.get("RENKEI_CACHE")
    return private_directory(Path(named).expanduser().absolute() if named else Path(user_cache_dir("renkei")))


def private_directory(path: Path) -> Path:
    """A directory that only its owner may look into; one that is there already is made so, too."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as why:
        raise cannot_write(path, why) from why
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError as why:
        Path(temporary).unlink(missing_ok=True)
        raise cannot_write(path, why) from why


@contextmanager
def locked(path: Path, patience: float = 900.0) -> Iterator[None]:
    """Hold the lock file at `path`, waiting `patience` seconds for another run to leave it; it is free when we die."""
    import fcntl  # not on Windows, where the rest of renkei runs nevertheless

    with path.open("a") as file:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise RenkeiError(
                        f"another run of renkei has held {path} for {patience:.0f} s; wait for it"
                    ) from None
                time.sleep(0.2)
        yield


@contextmanager
def appearing_whole(target: Path) -> Iterator[Path]:
    """A new directory to fill, which becomes `target` when all went well and is gone when not."""
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".unfinished-{target.name}-"))
    try:
        yield unfinished
        unfinished.rename(target)
    except OSError as why:
        raise cannot_write(target, why) from why
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def remove_unfinished(directory: Path) -> None:
    """Remove what a run that was killed left half done. To be called with the lock held."""
    for left in directory.glob(".unfinished-*"):
        shutil.rmtree(left, ignore_errors=True)


def need_space(directory: Path, mebibytes: int, what: str) -> None:
    """Refuse before a byte is fetched when the disk cannot hold it."""
    free = shutil.disk_usage(directory).free // MEBIBYTE
    if free < mebibytes:
        raise RenkeiError(
            Problem(
                f"the disk is too full for {what}: {directory} has {free} MiB free, {mebibytes} MiB are needed",
                help="make room, or name another directory by RENKEI_CACHE",
            )
        )


def cannot_write(path: Path, why: OSError) -> RenkeiError:
    """What to say when the operating system did not let us write."""
    if why.errno in (errno.ENOSPC, errno.EDQUOT):
        return RenkeiError(Problem(f"the disk is full: cannot write {path}", help="make room and run it again"))
    return RenkeiError(f"cannot write {path}: {why.strerror or why}")
