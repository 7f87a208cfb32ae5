"""A minimal configuration to begin with: it validates, and applies to a fresh sandbox as it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from control_plane.problems import Problem, Refused


def init(directory: Path) -> tuple[Path, ...]:
    """Write the starter files and return them. Raises Refused, before the first, when one of them is there already."""
    sources = dict(_files(files("control_plane.catalog").joinpath("starter"), Path()))
    there = [path for path in sources if (directory / path).exists()]
    if there:
        raise Refused(
            *(Problem(f"{directory / path} is there already", help="begin in an empty directory") for path in there)
        )
    for path, source in sources.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(source.read_bytes())
    return tuple(directory / path for path in sources)


def _files(folder: Traversable, path: Path) -> Iterator[tuple[Path, Traversable]]:
    for found in sorted(folder.iterdir(), key=lambda one: one.name):
        if found.is_dir():
            yield from _files(found, path / found.name)
        elif found.name.endswith((".yaml", ".csv", ".gitignore")):
            yield path / found.name, found
