"""The lists of users and services: from the catalog and the live servers, or from the configuration alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from control_plane.app.revision import commit_of
from control_plane.app.run import Ask, catalog_of
from control_plane.app.systems import Systems, connect
from control_plane.catalog.model import Catalog
from control_plane.engine import read
from control_plane.engine.resource import State
from control_plane.keycloak import Keycloak, claims, consents, credentials, dormancy, pairwise, users
from control_plane.problems import NotAllowed, Problem, Refused
from control_plane.reports import LISTS, WHO, Live, Report, Source, from_state, with_consents, with_factors, with_logins
from control_plane.reports.consents import realms
from control_plane.reports.report import Locale


def report(ask: Ask, name: str, *, live: bool = True, who: bool = False) -> tuple[Report, Locale]:
    """The list of that name, and the platform's language. Without `live` no server is asked, and the list says so.

    With `who` the list names people where it else gives numbers. Raises Refused for one that has no such form, where no
    server is asked who they are, and NotAllowed where our account is not meant to say so.
    """
    if who and name not in WHO:
        raise Refused(Problem(f"the list of {name} has no form with --who", help=f"renkei report {min(WHO)} --who"))
    if who and not live:
        raise Refused(Problem("the configuration does not know who has consented", help="leave one of the two out"))
    if name == "subjects" and not live:
        raise Refused(Problem("the configuration knows no ids of people", help="leave out --configuration-only"))
    catalog = catalog_of(ask)
    found = _live(ask, catalog, name, who=who) if live else None
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
    return (WHO if who else LISTS)[name](catalog, found, source), "en" if catalog.platform.locale == "en" else "ja"


def _live(ask: Ask, catalog: Catalog, name: str, *, who: bool = False) -> Live:
    """People are looked up by one request each: of ours for what they can show besides a password, and where anybody is
    asked for his consent everybody."""
    systems = connect(catalog, ask.directory, ask.parallel)
    if who and not claims.names_people(systems.keycloak.session):
        raise _not_meant(catalog)
    have = read.have(systems.targets)
    live = from_state(have, catalog.platform.name, systems.keycloak.user_counts(), datetime.now(UTC))
    match name:
        case "users":
            ours = [account for account, one in live.users.items() if one.owned]  # of 100,000 citizens besides
            live = with_factors(live, credentials.factors(systems.keycloak, ours))
            return with_logins(live, *_logins(systems.keycloak, catalog, have, ours))
        case "consents":
            asking = realms(catalog)
            people = [account for account in live.users if account[0] in asking]
            return with_consents(live, consents.records(systems.keycloak, people))
        case "subjects":
            return replace(live, subjects=dict(_subjects(systems, catalog)))
    return live


def _not_meant(catalog: Catalog) -> NotAllowed:
    environment = catalog.environment
    settings = environment.keycloak
    realm = settings.realm if settings else "master"
    return NotAllowed(
        Problem(
            "our account is not meant to say who has consented",
            note=f"it lacks the role '{claims.WHO}' of realm '{realm}'; numbers need none: leave --who out",
            help="give it to an account of its own, for those who may see it: an environment with another "
            "`client_id`, and `renkei bootstrap keycloak -e THAT --reading --who`",
        )
    )


def _logins(
    server: Keycloak, catalog: Catalog, have: State, accounts: Sequence[tuple[str, str]]
) -> tuple[Mapping[tuple[str, str], datetime], Collection[tuple[str, str]]]:
    """The last login of each of these accounts, as far back as its realm keeps them, and which are dormant."""
    now = min(catalog.as_of, datetime.now(UTC))
    names: dict[str, set[str]] = {}
    for realm, name in accounts:
        names.setdefault(realm, set()).add(name)
    known = {
        realm: dormancy.read(server, realm, names[realm], now - timedelta(days=kept.baseline.events_days))
        for realm, kept in catalog.realms.items()
        if realm in names
    }
    last = {(realm, name): at for realm, record in known.items() for name, at in record.last.items()}
    return last, {(key.within, key.name) for key in dormancy.find(catalog, have, known, now)}


def _subjects(systems: Systems, catalog: Catalog) -> Iterator[tuple[str, Mapping[str, str]]]:
    """By service; without those whose salt has not been made yet."""
    for service in catalog.services():
        salt = systems.book.peek(pairwise.salt(service).ref) if service.pairwise else None
        if salt:
            accounts = systems.keycloak.ids(users.NAME, catalog.tenants[service.tenant].realm)
            yield service.name, pairwise.subjects(service, accounts, salt)
