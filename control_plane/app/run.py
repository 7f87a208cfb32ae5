"""One run: the catalog, what it wants, what the servers have, and the plan between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from control_plane.app.revision import commit_of
from control_plane.app.systems import Systems, connect, place
from control_plane.catalog.load import Loaded
from control_plane.catalog.load import read as read_directory
from control_plane.catalog.model import Catalog
from control_plane.engine import read
from control_plane.engine.plan import Plan, make_plan
from control_plane.engine.resource import Key, State
from control_plane.engine.scope import narrow
from control_plane.keycloak import dormancy, leaving, providers, renames
from control_plane.render.document import About


@dataclass(frozen=True)
class Ask:
    """What the operator asked for."""

    directory: Path
    environment: str | None = None
    only: tuple[str, ...] = ()
    at: datetime | None = None  # judge periods at this time instead of now; without an offset in the platform's zone
    adopt: bool = False  # what stands in the place of a wanted object becomes ours
    delete_people: int | None = None  # so many accounts that are due are meant to be deleted
    parallel: int | None = None  # instead of `limits: {parallel: …}`


@dataclass(frozen=True)
class Run:
    ask: Ask
    catalog: Catalog
    systems: Systems
    want: State
    have: State
    there: State  # all that the servers have, also what `only` leaves out
    plan: Plan
    about: About
    deletable: frozenset[Key]  # accounts that have left and were kept for the time
    dormant: frozenset[Key]  # accounts that are disabled, or would be, because nobody signs in to them


def loaded(ask: Ask) -> Loaded:
    """Everything that the directory declares. A time without an offset is one in the platform's zone."""
    found = read_directory(ask.directory)
    if ask.at is None:
        return found
    zone = found.catalog(found.environments[0]).platform.zone
    return read_directory(ask.directory, ask.at if ask.at.tzinfo else ask.at.replace(tzinfo=zone))


def catalog_of(ask: Ask) -> Catalog:
    """The validated configuration, in an embedded environment with the sandbox's addresses."""
    return place(loaded(ask).catalog(ask.environment), ask.directory)


def make(ask: Ask) -> Run:
    """Load, read everything, plan. Writes nothing."""
    return against(ask, catalog_of(ask))


def against(ask: Ask, catalog: Catalog) -> Run:
    """A run of a catalog that is loaded already; reads the servers anew."""
    systems = connect(catalog, ask.directory, ask.parallel, ask.only)
    systems.kong.adopting = systems.keycloak.adopting = ask.adopt
    systems.keycloak.declared = providers.aliases(catalog)
    wanted = read.want(systems.targets, catalog, systems.versions)
    there = read.have(systems.targets)
    want, have = narrow(wanted, there, ask.only)
    kinds = [kind for target in systems.targets for kind in target.kinds]
    claimed = {one.previously for one in want.values() if one.previously}
    asleep, judged = _dormant(systems, catalog, want, have, there)
    want = dormancy.sleeping(want, [key for key, stays in judged.items() if not stays])
    rest = {key: found for key, found in have.items() if key not in want and key not in claimed}
    due = leaving.due(catalog, rest)
    discard = frozenset(due if ask.delete_people is not None else ())
    plan = make_plan(kinds, want, have, adopt=ask.adopt, discard=discard)
    about = About(
        platform=catalog.platform.name,
        environment=catalog.environment.name,
        as_of=catalog.as_of,
        commit=commit_of(ask.directory),
        only=ask.only,
        next_change=catalog.next_change(),
        deletable=due,
        notes=(*renames.notes(plan), *dormancy.notes(catalog, asleep, judged)),
    )
    return Run(ask, catalog, systems, want, have, there, plan, about, frozenset(due), frozenset(judged))


def _dormant(
    systems: Systems, catalog: Catalog, want: State, have: State, there: State
) -> tuple[frozenset[Key], dict[Key, str | None]]:
    """Who is dormant, and who of them is to be disabled or why he stays. Nobody is at a time that has not come yet."""
    now = min(catalog.as_of, datetime.now(UTC))
    known = dormancy.records(systems.keycloak, catalog, have, now)
    asleep = dormancy.find(catalog, have, known, now)
    return asleep, dormancy.disabled(catalog, want, there, asleep)
