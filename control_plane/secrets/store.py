"""What a secret store can do: texts by path and field, and writes that never overwrite what they have not seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from control_plane.catalog.model import SecretRef
from control_plane.problems import ConfigurationError, Problem

Document: TypeAlias = Mapping[str, str]
Change: TypeAlias = Callable[[Document], Document]

_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_FIELD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
LONGEST = 200  # characters of a path: file systems end at 255 for one name


class Store(Protocol):
    """Documents of text fields, by path.

    Every method may raise Unreachable, NotAllowed or ServerError, none of which carries a value.
    """

    @property
    def where(self) -> str:
        """The store as a message names it."""

    def read(self, path: str) -> Document | None:
        """The fields at the path; None where nothing stands."""

    def update(self, path: str, change: Change) -> Document:
        """Replace the fields by what `change` makes of them, and return what stands there afterwards.

        Compare-and-set: what somebody else writes meanwhile is read again and `change` is asked again, so it must be
        repeatable. Nothing is written when it changes nothing.
        """

    def add(self, path: str, field: str, value: str) -> str:
        """Create the field once, and return what stands there afterwards: ours, or what was there before."""


def adding(field: str, value: str) -> Change:
    """The change that puts a field where none is, and leaves one that is there."""
    return lambda found: found if field in found else {**found, field: value}


def split(ref: str) -> tuple[str, str]:
    """The path and the field of `path#field`.

    Raises ConfigurationError for anything that could lead out of the store's own directory.
    """
    path, _, field = ref.partition("#")
    if not _FIELD.fullmatch(field):
        raise ConfigurationError(_malformed(ref))
    return checked(path), field


def checked(path: str) -> str:
    """The path, when it is names of letters, digits, `.`, `_` and `-` joined by `/`."""
    if not _PATH.fullmatch(path) or len(path) > LONGEST:
        raise ConfigurationError(_malformed(path))
    return path


def _malformed(ref: str) -> Problem:
    return Problem(
        f"'{ref[:60]}' does not name a secret",
        note=f"path#field, of letters, digits, '.', '_', '-' and '/', at most {LONGEST} characters",
        help="for example: !secret keycloak/admin#client_secret",
    )


def credential(store: Store, ref: SecretRef) -> str:
    """The value of a secret that an operator has put into the store, such as our own client's.

    Raises ConfigurationError when it is not there; such a secret is never made up.
    """
    path, field = split(str(ref))
    value = (store.read(path) or {}).get(field)
    if not value:
        raise ConfigurationError(missing(store, str(ref)))
    return value


def missing(store: Store, ref: str) -> Problem:
    return Problem(f"secret {ref} is not in {store.where}", help="put it there, or mend the reference")
