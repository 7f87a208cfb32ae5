"""The lists of users and services: from the catalog and the live servers, or from the configuration alone."""

from __future__ import annotations

from datetime import UTC, datetime

from control_plane.app.revision import commit_of
from control_plane.app.run import Ask, catalog_of
from control_plane.app.systems import connect
from control_plane.catalog.model import Catalog
from control_plane.engine import read
from control_plane.keycloak import credentials
from control_plane.reports import LISTS, Live, Report, Source, from_state, with_factors
from control_plane.reports.report import Locale


def report(ask: Ask, name: str, *, live: bool = True) -> tuple[Report, Locale]:
    """The list of that name, and the platform's language. Without `live` no server is asked, and the list says so."""
    catalog = catalog_of(ask)
    found = _live(ask, catalog, factors=name == "users") if live else None
    environment = catalog.environment
    source = Source(
        platform=catalog.platform.title,
        environment=environment.name,
        environment_title=environment.title,
        as_of=catalog.as_of,
        zone=catalog.platform.zone,
        commit=commit_of(ask.directory),
        read_at=found.read_at if found else None,
    )
    return LISTS[name](catalog, found, source), "en" if catalog.platform.locale == "en" else "ja"


def _live(ask: Ask, catalog: Catalog, *, factors: bool) -> Live:
    """With `factors` everybody of ours is asked for what he can show besides a password: one request each."""
    systems = connect(catalog, ask.directory, ask.parallel)
    have = read.have(systems.targets)
    live = from_state(have, catalog.platform.name, systems.keycloak.user_counts(), datetime.now(UTC))
    if not factors:
        return live
    asked = [account for account, one in live.users.items() if one.owned]  # a realm may hold 100,000 citizens besides
    return with_factors(live, credentials.factors(systems.keycloak, asked))
