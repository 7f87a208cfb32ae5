"""Which files a configuration has, and their text. What cannot be read is a problem, never silently left out."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from control_plane.catalog.documents import KINDS, FileKind
from control_plane.catalog.syntax import LARGEST, decoded, whole
from control_plane.problems import Problem

MAIN = "renkei.yaml"


@dataclass(frozen=True)
class File:
    """A file that is there: its kind, its name relative to the configuration directory, and its bytes or why not."""

    kind: FileKind
    name: str
    content: bytes | Problem

    def text(self) -> str | Problem:
        return decoded(self.name, self.content) if isinstance(self.content, bytes) else self.content


def find(directory: Path) -> list[File | Problem]:
    """Every file of the configuration, sorted by name; problems for what looks like one and is not."""
    if problem := _no_directory(directory):
        return [problem]
    found: list[File | Problem] = [File(KINDS[0], MAIN, read_bytes(directory, MAIN))]
    for kind in KINDS[1:]:
        found += _folder(directory, kind)
    return found


def _no_directory(directory: Path) -> Problem | None:
    init = "write a configuration with: renkei init DIRECTORY"
    try:
        if not directory.exists():
            return Problem(f"there is no directory {directory}", help="name another one with -C DIRECTORY")
        if not directory.is_dir():
            return Problem(f"{directory} is not a directory", help="name the directory that holds renkei.yaml")
        if MAIN not in {path.name for path in directory.iterdir()}:
            return Problem(f"there is no renkei.yaml in {directory}", help=init)
    except (OSError, ValueError) as error:
        return Problem(f"{directory} cannot be read: {_why(error)}")
    return None


def _folder(directory: Path, kind: FileKind) -> Iterator[File | Problem]:
    try:
        names = sorted(path.name for path in (directory / kind.folder).iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        yield whole(kind.folder, f"{kind.folder}/ cannot be read: {_why(error)}")
        return
    for entry in names:
        name = f"{kind.folder}/{entry}"
        if entry.startswith("."):
            continue
        if entry.endswith(".yaml"):
            yield File(kind, name, read_bytes(directory, name))
        elif entry.endswith((".yml", ".YAML", ".YML", ".json")):
            yield whole(name, "the file is not read: its name does not end in .yaml", help="rename it")
        elif (directory / name).is_dir():
            yield whole(name, "a directory in here is not read", help=f"put its files into {kind.folder}/")


def read_bytes(directory: Path, name: str) -> bytes | Problem:
    """The bytes of a regular file inside the directory, or why they cannot be had."""
    try:
        path = (directory / name).resolve()
        if not path.is_relative_to(directory.resolve()):
            note = "Its address leads elsewhere, or it is a symbolic link to elsewhere."
            return whole(name, "the file is outside of the configuration", note)
        if not stat.S_ISREG(path.stat().st_mode):  # a named pipe would make us wait
            return whole(name, "this is not a file")
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except (OSError, ValueError, RuntimeError) as error:
        return whole(name, f"the file cannot be read: {_why(error)}")


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
