"""A directory to a Catalog, or to all of its problems at once.

files → text → data with places → documents → everything declared → checks → catalog
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from control_plane.catalog import certificates, checks, clientkeys, files, issuers
from control_plane.catalog.build import build
from control_plane.catalog.declared import Declared, DeclaredTenant, add, items
from control_plane.catalog.documents.tenants import RosterEntry
from control_plane.catalog.files import File
from control_plane.catalog.located import Located
from control_plane.catalog.model import Catalog
from control_plane.catalog.origins import read_yaml
from control_plane.catalog.rosters import RosterDocument, read_roster
from control_plane.catalog.shape import SOME, Shaped, shape
from control_plane.catalog.words import nearest
from control_plane.problems import ConfigurationError, Problem


@dataclass(frozen=True)
class Loaded:
    """What the directory declares, without a problem, before an environment is chosen."""

    declared: Declared

    @property
    def environments(self) -> tuple[str, ...]:
        return tuple(sorted(self.declared.environments()))

    def catalog(self, environment: str | None = None) -> Catalog:
        """The catalog of one environment; None is the only one there is."""
        return build(self.declared, self._environment(environment))

    def _environment(self, name: str | None) -> str:
        names = self.environments
        if name is None and len(names) == 1:
            return names[0]
        if name in names:
            return name
        listed = ", ".join(names)
        if name is None:
            problem = Problem(f"which environment? There are {listed}", help=f"name one: -e {names[0]}")
        else:
            problem = Problem(
                f"there is no environment '{name}'", note=f"There are {listed}.", help=nearest(name, names)
            )
        raise ConfigurationError(problem)


def load(directory: Path, environment: str | None = None, as_of: datetime | None = None) -> Catalog:
    """The catalog of one environment; None is the only one there is. `as_of` must be aware; None is now.

    Raises ConfigurationError with every problem of every file.
    """
    with _without_collector():
        return read(directory, as_of).catalog(environment)


def read_environments(directory: Path) -> tuple[str, ...]:
    """The names of the environments, sorted. Looks at renkei.yaml alone."""
    found = files.find(directory)
    main = [one for one in found if not isinstance(one, File) or one.name == files.MAIN]
    declared, problems = _declared(main[:1], datetime.now(UTC))
    if problems:
        raise ConfigurationError(*problems)
    return tuple(sorted(declared.environments()))


def read(directory: Path, as_of: datetime | None = None) -> Loaded:
    """Everything that the directory declares, checked. Raises ConfigurationError with every problem of every file."""
    if as_of is not None and as_of.tzinfo is None:
        raise ConfigurationError("the time at which periods are judged needs its offset")
    with _without_collector():
        return _read(directory, as_of or datetime.now(UTC))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nearly all that is made while reading stays alive: walking through it over and over costs a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()  # else the first look of the collector walks through all of it
            gc.enable()


def _read(directory: Path, as_of: datetime) -> Loaded:
    found = files.find(directory)
    if not any(isinstance(one, File) for one in found):
        raise ConfigurationError(*(one for one in found if isinstance(one, Problem)))
    declared, problems = _declared(found, as_of)
    problems += _people(declared, directory)
    problems += certificates.read(declared, directory)
    problems += clientkeys.read(declared, directory)
    problems += issuers.read(declared, directory)
    problems += checks.check(declared)
    if problems:
        raise ConfigurationError(*problems)
    return Loaded(declared)


def _declared(found: list[File | Problem], as_of: datetime) -> tuple[Declared, list[Problem]]:
    declared = Declared(as_of)
    problems: list[Problem] = []
    unread: set[str] = set()
    for one in found:
        if isinstance(one, Problem):
            problems.append(one)
            unread.add(one.origin.file.partition("/")[0] if one.origin else "")
            continue
        text = one.text()
        if isinstance(text, Problem):
            problems.append(text)
            unread.add(one.kind.folder)
            continue
        got = read_yaml(one.name, text)
        problems += got.problems
        if not got.complete:
            unread.add(one.kind.folder)
            continue
        shaped = shape(one.kind.model, got.source)
        problems += shaped.problems
        if SOME in shaped.unsure:
            unread.add(one.kind.folder)
        add(declared, shaped)
    declared.unread = frozenset(unread)
    return declared, problems


def _people(declared: Declared, directory: Path) -> list[Problem]:
    """Read the rosters, and give each tenant its people."""
    problems: list[Problem] = []
    for index, one in enumerate(declared.tenants):
        users = one.tenant.value.users
        if not isinstance(users, RosterEntry):
            people = tuple(items(one.tenant, "users", users))
        else:
            at = one.tenant.part(users, "users")
            roster = _roster(at, directory)
            declared.unsure |= roster.unsure
            problems += roster.problems
            rows = roster.document.rows if roster.document else []
            whole = Located(RosterDocument(rows=[]), roster.source)
            people = (*items(whole, "rows", rows), *items(at, "also", users.also))
        declared.tenants[index] = DeclaredTenant(one.tenant, people)
    return problems


def _roster(at: Located[RosterEntry], directory: Path) -> Shaped[RosterDocument]:
    name = at.value.csv
    content = files.read_bytes(directory, name)
    if isinstance(content, Problem):
        problem = at.problem(content.message.replace("the file", "the roster"), "csv", note=content.note)
        return Shaped(None, at.source, (problem,))
    roster = read_roster(name, content)
    shaped = shape(RosterDocument, roster.source)
    return Shaped(shaped.document, shaped.source, (*roster.problems, *shaped.problems), shaped.unsure)
