"""A secret store of files: one directory, one file for a path, readable by its owner alone.

For the sandbox and for one machine. The files are as safe as the account and the disk are; a platform that several
people or machines operate belongs into Vault.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from control_plane.problems import NotAllowed, Problem, ServerError
from control_plane.secrets.store import Change, Document, adding, checked


class Files:
    """A directory of mode 0700 with files of mode 0600, each a JSON object of texts.

    Any number of threads and processes may use it: writers follow one another by a lock, readers see the old file or
    the new one.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __repr__(self) -> str:
        return f"Files({str(self._directory)!r})"

    @property
    def where(self) -> str:
        return f"the secrets in {self._directory}"

    def read(self, path: str) -> Document | None:
        file = self._file(path)
        with _said(self.where):
            if not self._directory.is_dir():
                return None
            for directory in self._directories(file):
                if not directory.is_dir():
                    return None
                _only_ours(directory, directory.lstat())
            return _read(file)

    def update(self, path: str, change: Change) -> Document:
        file = self._file(path)
        with _said(self.where), self._lock():
            for directory in self._directories(file):
                directory.mkdir(mode=0o700, exist_ok=True)
                _only_ours(directory, directory.lstat())
            found = _read(file) or {}
            wanted = dict(change(found))
            if wanted != found:
                _replace(file, wanted)
            return wanted

    def add(self, path: str, field: str, value: str) -> str:
        return self.update(path, adding(field, value))[field]

    def _file(self, path: str) -> Path:
        return self._directory / f"{checked(path)}.json"

    def _directories(self, file: Path) -> list[Path]:
        """From the store's own directory to the file's."""
        inner = file.relative_to(self._directory).parents
        return [self._directory / parent for parent in reversed(inner)]

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _only_ours(self._directory, self._directory.lstat())
        number = os.open(self._directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)  # each open has its own lock, so it holds between threads too
            yield
        finally:
            os.close(number)


def _read(file: Path) -> dict[str, str] | None:
    try:
        number = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(number, "rb") as opened:
        _only_ours(file, os.fstat(number))
        content = opened.read()
    try:
        fields = json.loads(content)
    except ValueError:
        fields = None  # the error's text would quote the file
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise ServerError(Problem(f"{file} does not hold secrets", note="it should be a JSON object of texts"))
    return fields


def _replace(file: Path, fields: Document) -> None:
    """Write beside it and rename, so that a crash leaves the old file or the new one; mkstemp makes it 0600."""
    number, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as opened:
            json.dump(fields, opened, ensure_ascii=False, indent=1, sort_keys=True)
            opened.flush()
            os.fsync(number)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _only_ours(place: Path, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise NotAllowed(Problem(f"{place} is a symbolic link", note="secrets are not kept behind links"))
    if status.st_mode & 0o077:
        mode = "700" if stat.S_ISDIR(status.st_mode) else "600"
        raise NotAllowed(
            Problem(
                f"{place} can be read or written by others (mode {stat.S_IMODE(status.st_mode):o})",
                note="what stands in it may be known already: consider new secrets",
                help=f"chmod {mode} {place}",
            )
        )


@contextmanager
def _said(where: str) -> Iterator[None]:
    """The operating system's errors as ours; they name a path and never what is in it."""
    problem = None
    try:
        yield
    except OSError as error:
        problem = Problem(f"cannot use {where}: {error.strerror}", note=str(error.filename or "") or None)
        refused = isinstance(error, PermissionError)
    if problem:
        raise (NotAllowed if refused else ServerError)(problem)
