"""Who has not signed in for as long as the realm's template says, by the realm's own record of logins.

Keycloak keeps nothing of it on the account. The record is read from its newest login backwards until everybody who is
asked for was seen; of a record that is longer than that the rest are asked for one by one. It says something only of
the time that it holds: before its oldest entry, and in a realm that keeps no record of logins, nobody is dormant. Nor
is anybody before the account, and the period that the YAML gives it, are that old: so a new `from` wakes an account up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from control_plane.catalog.model import Catalog, Dormant
from control_plane.engine.resource import Key, State
from control_plane.keycloak import claims, lastadmin
from control_plane.keycloak.answers import Json
from control_plane.keycloak.leaving import USER
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import PAGE, Session, path
from control_plane.problems import NotAllowed

LOGIN = "LOGIN"
PAGES = 100  # of the record, before the rest are asked for one by one
SHOWN = 10  # people that a note names


@dataclass(frozen=True)
class Record:
    """What a realm's record of logins holds: since when, and the last login of each user name."""

    began: datetime | None = None  # None: there is none
    last: Mapping[str, datetime] = field(default_factory=dict)


def records(server: Keycloak, catalog: Catalog, have: State, now: datetime) -> dict[str, Record]:
    """Of the realms with a rule, as far back as it asks; of those in which somebody is old enough to break it."""
    asked: dict[str, set[str]] = {}
    for key, since in _since(catalog, have).items():
        if since <= _limit(catalog, key.within, now):
            asked.setdefault(key.within, set()).add(key.name)
    realms = sorted(asked)
    found = server.side_by_side(lambda one: read(server, one, asked[one], _limit(catalog, one, now)), realms)
    return dict(zip(realms, found, strict=True))


def read(server: Keycloak, realm: str, names: Collection[str], since: datetime) -> Record:
    """The last logins of these people since that instant. Raises NotAllowed, by the right that is missing."""
    try:
        return _read(server, realm, names, since)
    except NotAllowed as error:
        raise claims.explained(error, server.session, realm) from None


def _read(server: Keycloak, realm: str, names: Collection[str], since: datetime) -> Record:
    settings = server.found.get(realm, {})
    kinds = settings.get("enabledEventTypes") or [LOGIN]  # none named: all of them
    if settings.get("eventsEnabled") is not True or LOGIN not in kinds:
        return Record()
    where = path(realm, "events")
    oldest = _oldest(server.session, where)
    if oldest is None:
        return Record()
    began = _time(oldest)
    ids = {id: name for name, id in server.ids(USER, realm).items() if name in names}
    last: dict[str, datetime] = {}
    query = {"type": LOGIN, "dateFrom": f"{since - timedelta(days=1):%Y-%m-%d}"}  # its zone is the server's
    for page in range(PAGES):
        found = server.session.list(where, first=page * PAGE, max=PAGE, **query)
        for one in found:
            if (name := ids.get(str(one.get("userId")))) and name not in last:
                last[name] = _time(one)
        if len(found) < PAGE or len(last) == len(ids):
            return Record(began, last)

    def alone(id: str) -> list[Json]:
        return server.session.list(where, user=id, max=1, **query)

    rest = [id for id, name in ids.items() if name not in last]
    answers = zip(rest, server.side_by_side(alone, rest), strict=True)
    return Record(began, {**last, **{ids[id]: _time(found[0]) for id, found in answers if found}})


def _oldest(session: Session, where: str) -> Json | None:
    """The first event that is kept. Keycloak 26.0 knows no `direction` and begins with the last one: there the end of
    the list is looked for, by doubling and halving."""
    found = session.list(where, direction="asc", max=2)
    if len(found) < 2 or _time(found[0]) <= _time(found[1]):
        return found[0] if found else None
    there, beyond = 1, 2
    while session.list(where, first=beyond, max=1):
        there, beyond = beyond, 2 * beyond
    while beyond - there > 1:
        middle = (there + beyond) // 2
        there, beyond = (middle, beyond) if session.list(where, first=middle, max=1) else (there, middle)
    last = session.list(where, first=there, max=1) or found[1:]
    return last[0]


def find(catalog: Catalog, have: State, known: Mapping[str, Record], now: datetime) -> frozenset[Key]:
    """The accounts that are dormant, also those that are disabled for it already."""
    return frozenset(
        key
        for key, since in _since(catalog, have).items()
        if key.within in known and _asleep(known[key.within], key.name, since, _limit(catalog, key.within, now))
    )


def _asleep(record: Record, name: str, since: datetime, limit: datetime) -> bool:
    if record.began is None:
        return False
    return max(since, record.began, record.last.get(name, since)) <= limit


def disabled(catalog: Catalog, want: State, have: State, dormant: frozenset[Key]) -> dict[Key, str | None]:
    """Of the dormant those whose template has them disabled; with why one of them stays, where nobody else is there."""
    administrators = lastadmin.administrators(have)
    found: dict[Key, str | None] = {}
    for key in sorted(dormant & want.keys()):
        if catalog.realms[key.within].baseline.people.dormant is Dormant.DISABLE:
            holders = {Key(USER, key.within, who) for who in administrators.get(key.within, ())}
            others = {one for one in holders - dormant if have[one].fields.get("enabled") is True and one in want}
            last = key in holders and not others
            found[key] = f"nobody else administers realm {key.within}" if last else None
    return found


def sleeping(want: State, keys: Collection[Key]) -> State:
    """What is wanted, with these accounts disabled and marked."""
    asleep = {key: replace(want[key], fields={**want[key].fields, "enabled": False, "dormant": True}) for key in keys}
    return {**want, **asleep}


def notes(catalog: Catalog, dormant: frozenset[Key], judged: Mapping[Key, str | None]) -> Iterator[str]:
    """Who is told and not disabled."""
    for realm in sorted({key.within for key in dormant}):
        days = catalog.realms[realm].baseline.people.dormant_days
        names = sorted(key.name for key in dormant if key.within == realm and key not in judged)
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield f"without a login for {days} days in realm {realm}: {', '.join(names[:SHOWN])}{more}"
        for key, why in judged.items():
            if key.within == realm and why:
                yield f"{key.name} has not signed in for {days} days and stays enabled: {why}"


def _since(catalog: Catalog, have: State) -> dict[Key, datetime]:
    """Since when each declared account in a realm with a rule could have been used; within its period, and ours."""
    found = {}
    for user in catalog.users():
        realm = catalog.realm_of(user.tenant)
        key = Key(USER, realm.name, user.username.lower())
        account = have.get(key)
        created = account.fields.get("created") if account and account.owned else None
        if realm.baseline.people.dormant_days is None or not isinstance(created, int):
            continue
        if user.period.holds(catalog.as_of):
            made = datetime.fromtimestamp(created / 1000, UTC)
            found[key] = max(made, user.period.start) if user.period.start else made
    return found


def _limit(catalog: Catalog, realm: str, now: datetime) -> datetime:
    return now - timedelta(days=catalog.realms[realm].baseline.people.dormant_days or 0)


def _time(event: Json) -> datetime:
    found = event.get("time")
    return datetime.fromtimestamp(found / 1000, UTC) if isinstance(found, int) else datetime.now(UTC)
