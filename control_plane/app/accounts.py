"""The accounts of a tenant beside the list of its personnel office: who is missing, who has left, who has changed.

The office's file has the columns of a roster; a column that it lacks is not compared. People are
found by their user name, else by their e-mail address, in this tenant first and then in the others: who moved keeps one
account. Who is in the file with an end that has passed has left. An account that was found keeps its user name.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from control_plane.app.run import Ask, loaded
from control_plane.catalog.checks.references import twice
from control_plane.catalog.documents.tenants import UserEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import Catalog, Period, Tenant, User
from control_plane.catalog.periods import period
from control_plane.catalog.rosters import RosterDocument, header, read_roster
from control_plane.catalog.shape import shape
from control_plane.catalog.words import nearest
from control_plane.problems import ConfigurationError, Origin, Problem, Refused


@dataclass(frozen=True)
class Edit:
    """What to do to the configuration for one person."""

    who: str  # the user name
    what: str  # joiner, leaver, mover
    where: Origin | None  # the line to change or to remove; None: a line is to be added to `file`
    file: str
    lines: tuple[str, ...]  # what to write there, or what differs


@dataclass(frozen=True)
class Compared:
    tenant: str
    people: int  # of the office's list
    accounts: int
    edits: tuple[Edit, ...]


def compare(ask: Ask, hr: Path, name: str | None) -> Compared:
    """Raises Refused for a file that cannot be read or a tenant that is not there, ConfigurationError for its cells."""
    found = loaded(ask)
    catalog = found.catalog(ask.environment or found.environments[0])  # people are the same in every environment
    tenant = _tenant(catalog, name)
    rows, columns = _read(hr)
    staff = [row for row in rows if not _has_ended(catalog, _period(catalog, row))]
    edits = _edits(catalog, tenant, staff, columns, _Writer(ask.directory, _file(tenant)))
    current = [user for user in tenant.users if not _has_ended(catalog, user.period)]
    return Compared(tenant.name, len(staff), len(current), tuple(sorted(edits, key=lambda edit: (edit.what, edit.who))))


def _tenant(catalog: Catalog, name: str | None) -> Tenant:
    if name is not None and name in catalog.tenants:
        return catalog.tenants[name]
    if name is not None:
        raise Refused(Problem(f"there is no tenant '{name}'", help=nearest(name, list(catalog.tenants))))
    known = sorted(one for one, tenant in catalog.tenants.items() if tenant.users)
    if len(known) == 1:
        return catalog.tenants[known[0]]
    help = f"name the tenant: --tenant {(known or ['ID'])[0]}"
    raise Refused(Problem("whose people are in the file?", help=help))


def _read(hr: Path) -> tuple[list[UserEntry], frozenset[str]]:
    try:
        content = hr.read_bytes()
    except OSError as error:
        raise Refused(Problem(f"{hr} cannot be read: {(error.strerror or str(error)).lower()}")) from None
    roster = read_roster(str(hr), content)
    shaped = shape(RosterDocument, roster.source)
    rows = shaped.document.rows if shaped.document else []
    people = [Located(row, roster.source, ("rows", index)) for index, row in enumerate(rows)]
    names = twice(((one.value.username.lower(), one) for one in people), "username", "username")
    mails = ((one.value.email.lower(), one) for one in people if one.value.email)
    again = (*names, *twice(mails, "e-mail address", "email"))
    if problems := (*roster.problems, *shaped.problems, *again):
        raise ConfigurationError(*problems)
    return rows, frozenset(name for name in header(str(hr), content) if name)


def _period(catalog: Catalog, row: UserEntry) -> Period:
    return period(row.start, row.until, catalog.platform.zone)


def _has_ended(catalog: Catalog, when: Period) -> bool:
    return when.end is not None and when.end <= catalog.as_of


def _edits(
    catalog: Catalog, tenant: Tenant, staff: list[UserEntry], columns: frozenset[str], writer: _Writer
) -> Iterator[Edit]:
    """An account that has ended is known, so nobody is added twice, and has not to be removed."""
    find = _finder(catalog, tenant, staff)
    seen = set[str]()
    for row in staff:
        found = find(row)
        if found is None:
            yield Edit(row.username, "joiner", None, writer.file, (writer.line(row),))
        elif found.tenant != tenant.name:
            yield _moved(catalog, tenant, row, found, writer)
        else:
            seen.add(found.username)
            if lines := tuple(_differences(catalog, row, found, columns)):
                yield Edit(found.username, "mover", found.origin, _of(found.origin), lines)
    for user in tenant.users:
        if user.username not in seen and not _has_ended(catalog, user.period):
            what = "remove this entry, or give it an end"
            yield Edit(user.username, "leaver", user.origin, _of(user.origin), (what,))


def _finder(catalog: Catalog, tenant: Tenant, staff: list[UserEntry]) -> Callable[[UserEntry], User | None]:
    """By user name in this realm, else by e-mail address among those whose user name is nobody else's in the list."""
    others = (user for user in catalog.users() if user.tenant != tenant.name)
    everybody = [*tenant.users, *others][::-1]  # the first of them counts
    near = [user for user in everybody if catalog.tenants[user.tenant].realm == tenant.realm]
    by_name = {user.username.lower(): user for user in near}
    taken = {id(by_name[name]) for row in staff if (name := row.username.lower()) in by_name}
    by_mail = {user.email.lower(): user for user in everybody if user.email}
    free = {mail: user for mail, user in by_mail.items() if id(user) not in taken}

    def find(row: UserEntry) -> User | None:
        return by_name.get(row.username.lower()) or (free.get(row.email.lower()) if row.email else None)

    return find


def _moved(catalog: Catalog, tenant: Tenant, row: UserEntry, found: User, writer: _Writer) -> Edit:
    """In the same realm the account stays the one it is, with its user name."""
    same = catalog.tenants[found.tenant].realm == tenant.realm
    entry = row.model_copy(update={"username": found.username}) if same else row
    lines = (f"remove this entry of {found.tenant}, and add to {writer.file}:", writer.line(entry))
    return Edit(found.username, "mover", found.origin, _of(found.origin), lines)


def _differences(catalog: Catalog, row: UserEntry, found: User, columns: frozenset[str]) -> Iterator[str]:
    theirs = _period(catalog, row)
    pairs: Mapping[str, tuple[object, object, object]] = {  # ours, the office's, and as it is written
        "family_name": (found.family_name, row.family_name, row.family_name),
        "given_name": (found.given_name, row.given_name, row.given_name),
        "email": (found.email, row.email, row.email),
        "groups": (sorted(found.groups), sorted(row.groups), row.groups),
        "roles": (sorted(found.roles), sorted(row.roles), row.roles),
        "from": (found.period.start, theirs.start, row.start),
        "until": (found.period.end, theirs.end, row.until),
    }
    for name, (ours, wanted, written) in pairs.items():
        if name in columns and ours != wanted:
            yield f"{name}: {_shown(written)}"
    if "until" not in columns and _has_ended(catalog, found.period):
        yield "until: the account has ended, and the person is in the list; give it another end, or take it away"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return "take it away" if value is None else str(value)


def _file(tenant: Tenant) -> str:
    """Where most of the tenant's people stand; of two files with as many, the one that comes first."""
    files = Counter(user.origin.file for user in tenant.users if user.origin)
    return files.most_common(1)[0][0] if files else _of(tenant.origin)


def _of(origin: Origin | None) -> str:
    return origin.file if origin else ""


class _Writer:
    """A person as a line of the file that holds a tenant's people."""

    def __init__(self, directory: Path, file: str) -> None:
        self.file = file
        self.header = header(file, (directory / file).read_bytes()) if file.endswith(".csv") else ()

    def line(self, row: UserEntry) -> str:
        data = row.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if not self.header:
            flow = yaml.safe_dump(data, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
            return f"- {flow.strip()}"
        line = io.StringIO()
        cells = (data.get(name or "", "") for name in self.header)
        csv.writer(line, lineterminator="").writerow(";".join(one) if isinstance(one, list) else one for one in cells)
        return line.getvalue()
