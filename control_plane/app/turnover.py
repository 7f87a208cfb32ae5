"""A service's client secret turns over, and for a while Keycloak takes both.

    new        a new secret stands in the store, beside the one that holds
    switch     Keycloak takes both, the old one until its end
    store      the new one is in its place in the store, and the old one in the former's
    wait       the service's people take the new one
    end        Keycloak takes the new one alone
    forget     so does the store

Where the turn-over stands is read from the store and from Keycloak: the same command goes on with one that was stopped
anywhere. A plan in between has nothing to say, for both secrets are known to be ours.

With a gap there is no second secret: from `switch` on the old one is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from control_plane.app.run import Ask, catalog_of
from control_plane.app.systems import Systems, connect
from control_plane.catalog.model import Catalog, Service
from control_plane.catalog.words import nearest
from control_plane.keycloak import turning
from control_plane.keycloak.marks import is_ours
from control_plane.keycloak.scopes import is_client
from control_plane.keycloak.turning import NEXT, PREVIOUS, SECRET, Client, pair, ref
from control_plane.problems import Problem, Refused, ServerError
from control_plane.render.document import About
from control_plane.secrets.store import Document

UNTIL = f"{PREVIOUS}_until"  # a field of the store, for the service's people


class Step(StrEnum):
    NEW = "new"
    SWITCH = "switch"
    STORE = "store"
    WAIT = "wait"
    END = "end"
    FORGET = "forget"


@dataclass(frozen=True)
class TurnOver:
    """Where it stands, and what this run has to do."""

    systems: Systems
    about: About
    client: Client = field(repr=False)
    steps: tuple[Step, ...]
    keep: timedelta | None  # None: with a gap
    until: datetime | None  # of the old secret, where Keycloak takes both already

    @property
    def place(self) -> str:
        """The document of the store in which all of it stands."""
        return ref(self.client.name, SECRET).partition("#")[0]


def look(ask: Ask, name: str, keep: timedelta | None, now: datetime | None = None) -> TurnOver:
    """Read the store and Keycloak, and say what is to do. Writes nothing."""
    catalog = catalog_of(ask)
    service = _service(catalog, name)
    realm = catalog.tenants[service.tenant].realm
    systems = connect(catalog, ask.directory, ask.parallel)
    there = turning.find(systems.keycloak.session, realm, name)
    if there is None or not is_ours(there[1], catalog.platform.name):
        raise Refused(Problem(f"{name} has no client of ours in realm '{realm}'", help="renkei apply"))
    client = there[0]
    about = About(catalog.platform.name, catalog.environment.name, catalog.as_of)
    found = TurnOver(systems, about, client, (), keep, client.until if client.second else None)
    document = systems.store.read(found.place) or {}
    lagging = systems.book.versions(ref(name, NEXT)) is not None
    todo = steps(document, client, lagging=lagging, gap=keep is None, now=now or datetime.now(UTC))
    if Step.SWITCH in todo and keep is not None and not turning.supported(systems.keycloak.session):
        raise Refused(_unsupported(name))
    return replace(found, steps=todo)


def _service(catalog: Catalog, name: str) -> Service:
    """Raises Refused for one that is not there, or that has no secret at Keycloak."""
    known = {service.name: service for service in catalog.services()}
    if name not in known:
        message = f"there is no service '{name}' in the configuration"
        raise Refused(Problem(message, help=nearest(name, known)))
    service = known[name]
    if not is_client(service):
        why, what = "it has no client in Keycloak", "it needs one for tokens or logins: `auth: [token]`"
    elif service.public:
        why, what = "its client is public", "everybody knows all that it has: there is nothing to turn over"
    elif service.client_auth:
        why = "it proves itself with keys"
        what = "name the new key beside the old one in `client_auth`, apply, and later take the old one out"
    else:
        return service
    raise Refused(Problem(f"{name} has no client secret: {why}", service.origin, help=what))


def _unsupported(name: str) -> Problem:
    return Problem(
        f"this Keycloak knows one secret of a client alone: the old one of {name} would be refused at once",
        note=f"its feature {turning.FEATURE}, a preview, is not switched on. Nothing was changed",
        help=f"build it with --features={turning.FEATURE}; or let {name} prove itself with keys (`client_auth`), which "
        "turn over without a gap; or take the gap: --with-a-gap",
    )


def steps(document: Document, client: Client, *, lagging: bool, gap: bool, now: datetime) -> tuple[Step, ...]:
    """What is to do. `lagging`: the index still knows of a secret that waits for its place."""
    old, new, before = document.get(SECRET), document.get(NEXT), document.get(PREVIOUS)
    if not old:
        raise Refused(Problem(f"the store has no secret of {client.name} yet", help="renkei apply"))
    if new and client.secret == new:
        return (Step.STORE,)
    if client.secret != old:
        message = f"{client.name} has another secret in Keycloak than in the store"
        raise Refused(Problem(message, help="`renkei drift` tells it, `renkei apply` mends it"))
    begin = (Step.NEW, Step.SWITCH, Step.STORE)
    if new:
        if before and not gap:
            message = f"a change of the secret of {client.name} with a gap was begun"
            raise Refused(Problem(message, help="--with-a-gap goes on with it"))
        return begin
    if lagging:
        return (Step.STORE, *begin) if before and gap else (Step.STORE,)
    if gap:
        return begin
    if not before:
        return begin
    if client.second != before:
        return (Step.FORGET,)  # whoever has taken it away
    if client.until is None or client.until > now:
        return (Step.WAIT,)
    return Step.END, Step.FORGET


def turn(found: TurnOver, now: datetime | None = None) -> TurnOver:
    """Make the steps, and tell how it stands then."""
    session, client, book = found.systems.keycloak.session, found.client, found.systems.book
    for step in found.steps:
        match step:
            case Step.NEW:
                book.ensure([ref(client.name, NEXT)])
            case Step.SWITCH:
                _switch(found, now or datetime.now(UTC))
            case Step.STORE:
                client = _again(client, found)
                _store(found, client)
            case Step.END:
                turning.end(session, client)
            case Step.FORGET:
                turning.forbid(session, client.realm)
                _forget(found)
    client = _again(client, found)
    return replace(found, client=client, until=client.until if client.second else None)


def _switch(found: TurnOver, now: datetime) -> None:
    session, client, book = found.systems.keycloak.session, found.client, found.systems.book
    new = book.peek(ref(client.name, NEXT))
    if not new:
        raise ServerError(Problem(f"the new secret of {client.name} is not in the store", help="run it again"))
    if found.keep is None:
        turning.replace(session, client, new)
        turning.forbid(session, client.realm)
        return
    until = str(int((now + found.keep).timestamp()))
    book.remember({ref(client.name, PREVIOUS): pair(client.secret, until)})  # before Keycloak has it: else it is drift
    turning.allow(session, client.realm)
    turning.turn(session, client, new, until, now)


def _store(found: TurnOver, client: Client) -> None:
    """The new one takes its place; the old one stays beside it where Keycloak takes it, too."""

    def moved(there: Document) -> Document:
        if there.get(NEXT) != client.secret:
            return there  # moved already
        rest = {name: value for name, value in there.items() if name not in (NEXT, PREVIOUS, UNTIL)}
        kept = {}
        if client.second and client.second == there.get(SECRET) and client.until:
            kept = {PREVIOUS: client.second, UNTIL: client.until.isoformat()}
        return {**rest, SECRET: client.secret, **kept}

    after = found.systems.store.update(found.place, moved)
    gone = [ref(client.name, NEXT), *([] if PREVIOUS in after else [ref(client.name, PREVIOUS)])]
    found.systems.book.remember({ref(client.name, SECRET): after[SECRET]}, gone)


def _forget(found: TurnOver) -> None:
    found.systems.book.remember({}, [ref(found.client.name, PREVIOUS)])
    gone: Sequence[str] = (PREVIOUS, UNTIL)
    found.systems.store.update(
        found.place, lambda there: {name: value for name, value in there.items() if name not in gone}
    )


def _again(client: Client, found: TurnOver) -> Client:
    there = turning.find(found.systems.keycloak.session, client.realm, client.name)
    if there is None:
        raise ServerError(Problem(f"client {client.name} of realm '{client.realm}' went away", help="renkei apply"))
    return there[0]
