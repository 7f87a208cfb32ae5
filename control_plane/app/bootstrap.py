"""Our account in an environment's Keycloak, made once by an administrator of that server.

The secret is made where the store has none, and stands in the store before Keycloak knows it: a run that is killed in
between leaves an account that nobody can use, and the next one finds both.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from control_plane.app.run import Ask, catalog_of
from control_plane.catalog.model import KeycloakSettings
from control_plane.keycloak import account, claims
from control_plane.keycloak.account import Step, Wanted
from control_plane.keycloak.session import Session
from control_plane.problems import ConfigurationError, NotAllowed, Problem, Refused
from control_plane.secrets import Store, open_store
from control_plane.secrets.store import split

BYTES = 32


@dataclass(frozen=True)
class Administrator:
    """Who makes the account: a client of realm master whose service account has the role `admin`."""

    client_id: str
    secret: str


@dataclass(frozen=True)
class Bootstrap:
    """What is to be done."""

    environment: str
    wanted: Wanted
    steps: tuple[Step, ...]
    ref: str  # of the account's secret
    makes_secret: bool
    session: Session
    store: Store


def look(
    ask: Ask,
    administrator: Administrator,
    *,
    reading: bool = False,
    creates: bool = False,
    names: bool = False,
    adopt: bool = False,
) -> Bootstrap:
    """Compare; writes nothing. `reading`: the account of this environment only looks. `names`: it may say who has
    consented."""
    catalog = catalog_of(ask)
    environment = catalog.environment
    if environment.embedded:
        raise Refused(Problem("the sandbox makes its own account", help="renkei sandbox up"))
    settings, kept = environment.keycloak, environment.secrets
    if settings is None or kept is None:
        raise ConfigurationError(
            Problem(f"environment '{environment.name}' lacks keycloak or secrets", environment.origin)
        )
    if settings.realm != account.MASTER:
        raise Refused(
            Problem(
                f"our account lives in realm '{settings.realm}', where it has rights in that realm alone",
                help="give it there by hand the roles of `realm-management` that docs/reference/rights.md names",
            )
        )
    wanted = Wanted(
        settings.client_id,
        catalog.platform.name,
        {realm.name: realm.owner for realm in catalog.realms.values()},
        frozenset(claims.READING if reading else claims.WRITING),
        creates,
        names,
    )
    store, ref = open_store(kept, ask.directory), str(settings.client_secret)
    secret = _kept(store, ref)
    session = _session(settings, administrator)
    try:
        steps = account.look(session, wanted, secret, adopt=adopt)
    except NotAllowed as error:
        raise _not_an_administrator(administrator, error) from None
    return Bootstrap(environment.name, wanted, steps, ref, secret is None, session, store)


def make(found: Bootstrap, tell: Callable[[Step], None]) -> None:
    """Do every step, in order, and tell each one that is done."""
    path, field = split(found.ref)
    secret = found.store.add(path, field, secrets.token_urlsafe(BYTES))  # what stands there stays
    for step in found.steps:
        account.make(found.session, found.wanted, step, secret)
        tell(step)


def _kept(store: Store, ref: str) -> str | None:
    path, field = split(ref)
    return (store.read(path) or {}).get(field) or None


def _session(settings: KeycloakSettings, administrator: Administrator) -> Session:
    return Session(replace(settings, client_id=administrator.client_id), administrator.secret)


def _not_an_administrator(administrator: Administrator, error: NotAllowed) -> NotAllowed:
    return NotAllowed(
        Problem(
            f"client '{administrator.client_id}' does not administer this Keycloak",
            note=str(error.problems[0]),
            help="a temporary one is made on the server: kc.sh bootstrap-admin service --client-id renkei-bootstrap",
        )
    )
