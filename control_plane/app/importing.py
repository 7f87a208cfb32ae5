"""An existing Kong, as a configuration to begin with. Kong is read and never written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from control_plane.adopt import documents
from control_plane.adopt.existing import COLLECTIONS, of
from control_plane.adopt.translate import translate
from control_plane.adopt.translation import Note
from control_plane.catalog.model import FileSecretsSettings, KongSettings
from control_plane.kong.http import Http
from control_plane.problems import Problem, Refused
from control_plane.secrets import Book, open_store

LARGEST = 100_000_000  # bytes of a file


@dataclass(frozen=True)
class Imported:
    files: tuple[Path, ...]
    notes: tuple[Note, ...]
    keys: int


def import_kong(source: str, out: Path, platform: str, keys: Path | None) -> Imported:
    """Write the configuration, and the keys into a store of files that is not part of it.

    Raises Refused, before the first write, when one of the files is there already.
    """
    found = translate(of(_read(source)), platform)
    files = written(out, documents.files(found, platform))
    if keys is not None:
        keep({f"services/{caller}#api_key": key for caller, key in found.keys.items()}, keys)
    return Imported(files, tuple(found.notes), len(found.keys))


def written(out: Path, documents: Iterable[tuple[str, str]]) -> tuple[Path, ...]:
    """Write the files. Raises Refused, before the first write, when one of them is there already."""
    files = [(out / path, text) for path, text in documents]
    there = [path for path, _ in files if path.exists()]
    if there:
        raise Refused(*(Problem(f"{path} is there already", help="name an empty directory") for path in there))
    for path, text in files:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tuple(path for path, _ in files)


def keep(values: Mapping[str, str], directory: Path) -> None:
    """Each secret where its service looks for it, and recorded in the index, so that a plan compares it."""
    store = open_store(FileSecretsSettings(str(directory.absolute())), Path())
    for ref, value in values.items():
        path, _, name = ref.partition("#")
        store.add(path, name, value)
    Book(store).ensure(values)


def _read(source: str) -> dict[str, Any]:
    if source.startswith(("http://", "https://")):
        return _admin(source)
    try:
        path = Path(source)
        if path.stat().st_size > LARGEST:
            raise Refused(Problem(f"{source} is larger than 100 MB"))
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise Refused(Problem(f"{source} cannot be read: {error.strerror}")) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise Refused(Problem(f"{source} is no YAML", help="deck gateway dump -o kong.yaml")) from None
    if not isinstance(data, dict) or "_format_version" not in data:
        raise Refused(Problem(f"{source} is no configuration of Kong: it has no _format_version"))
    return data


def _admin(url: str) -> dict[str, Any]:
    http = Http(KongSettings(url), None, 2)
    found = {name: _rows(http, f"/{path}") for name, path in COLLECTIONS.items() if name != "targets"}
    found["targets"] = [
        {**row, "upstream": upstream["name"]}
        for upstream in found["upstreams"]
        for row in _rows(http, f"/upstreams/{upstream['id']}/targets")
    ]
    return found


def _rows(http: Http, path: str) -> list[dict[str, Any]]:
    return [row for row, _ in http.rows(path)]
