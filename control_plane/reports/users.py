"""The list of accounts: one row for each, declared or only found on the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from control_plane.catalog.model import Catalog, Tenant, TenantType, User
from control_plane.keycloak import leaving
from control_plane.reports import factors, words
from control_plane.reports.live import Live, LiveUser
from control_plane.reports.paths import told, ways
from control_plane.reports.report import Cell, Column, Count, Report, Row, Source, Tone, Word

TITLE = Word("users", "利用者一覧", "Users")
AUDIENCE = Word(
    "personal-data",
    "県の担当者および監査担当者向け。個人情報を含むため、取扱いに注意すること。",
    "For the prefecture's officers and auditors. Contains personal data: handle with care.",
)
COLUMNS = (
    Column(Word("organization", "団体", "Organization"), 20),
    Column(Word("account", "アカウント", "Account"), 24),
    Column(Word("family_name", "姓", "Family name"), 14),
    Column(Word("given_name", "名", "Given name"), 14),
    Column(Word("state", "状態", "State"), narrow=True),
    Column(Word("email", "メールアドレス", "E-mail"), 32),
    Column(Word("groups", "所属グループ", "Groups"), 28),
    Column(Word("roles", "役割と付与経路", "Roles and how they came"), 60),
    Column(Word("mfa_demanded", "多要素認証の要否", "MFA required"), 36),
    Column(Word("mfa_registered", "多要素認証の登録", "MFA registered"), 32),
    Column(Word("enabled", "有効／無効", "Enabled"), narrow=True),
    Column(Word("from", "利用開始日", "From"), narrow=True),
    Column(Word("until", "利用終了日", "Until"), narrow=True),
    Column(Word("created", "登録日時", "Created"), narrow=True),
    Column(Word("last_login", "最終ログイン", "Last login"), narrow=True),
    Column(Word("left", "設定削除日", "Left"), narrow=True),
    Column(Word("declared", "定義場所", "Declared at"), 34),
)
LAST_DAY = Word("until-is-included", "利用終了日は、その日を含む。", "The day under “Until” is included.")
_STATE = next(i for i, column in enumerate(COLUMNS) if column.title.code == "state")
_REGISTERED = next(i for i, column in enumerate(COLUMNS) if column.title.code == "mfa_registered")

DIRECTORY = "directory"
PERHAPS = ("passkey",)  # what somebody whom nobody asked may have: the list of users does not tell
TYPES = list(TenantType)  # the prefecture first, then cities, universities, companies


def users(catalog: Catalog, live: Live | None, source: Source) -> Report:
    """Every account that is declared, and every one that the servers have besides; pure.

    Without `live` it is the configuration alone, and the columns that only a server knows are empty.
    """
    rows = tuple(_rows(catalog, live))
    return Report(
        "users",
        TITLE,
        AUDIENCE,
        source,
        COLUMNS,
        rows,
        summary=_summary(rows),
        counts=_counts(catalog, live),
        notes=(LAST_DAY,),
    )


def in_order(catalog: Catalog) -> list[Tenant]:
    return sorted(catalog.tenants.values(), key=lambda tenant: (TYPES.index(tenant.type), tenant.name))


def _rows(catalog: Catalog, live: Live | None) -> Iterator[Row]:
    declared = {_address(catalog, user) for user in catalog.users()}
    rest: dict[str, list[tuple[str, LiveUser]]] = {}
    for (realm, username), found in sorted(live.users.items() if live else ()):
        if (realm, username) not in declared:
            rest.setdefault(realm, []).append((username, found))
    for tenant in in_order(catalog):
        for user in sorted(tenant.users, key=lambda user: user.username):
            yield _declared(catalog, user, live)
        if not tenant.shared:
            for username, found in rest.pop(tenant.realm, []):
                yield _undeclared(catalog, tenant.title, tenant.realm, username, found)
    for realm, others in sorted(rest.items()):  # a realm that no tenant is named by any more
        for username, found in others:
            yield _undeclared(catalog, realm, realm, username, found)


def _address(catalog: Catalog, user: User) -> tuple[str, str]:
    return catalog.tenants[user.tenant].realm, user.username.lower()  # Keycloak keeps names in small letters


def _declared(catalog: Catalog, user: User, live: Live | None) -> Row:
    tenant, zone = catalog.tenants[user.tenant], catalog.platform.zone
    found = live.users.get(_address(catalog, user)) if live else None
    roles = ways(catalog, user)
    demanded = factors.demanded(catalog, user, roles)
    titles = {group.name: group.title for group in tenant.groups}
    return (
        tenant.title,
        user.username,
        user.family_name,
        user.given_name,
        _state(catalog, user, live, found),
        user.email,
        (*(Word(name, titles[name], titles[name]) for name in user.groups), *_as_guest(catalog, user)),
        (*(told(way, catalog, user.tenant) for way in roles), *_delegation(catalog, user)),
        demanded,
        factors.registered(
            catalog,
            found,
            demanded.code.startswith(("everyone:", "role:")),
            catalog.realms[tenant.realm].baseline.factors,
        ),
        _enabled(found),
        words.starts(user.period, zone),
        words.ends(user.period, zone),
        _local(found.created if found else None, zone),
        _local(found.last_login if found else None, zone),
        found.left if found else None,
        str(user.origin) if user.origin else None,
    )


def _delegation(catalog: Catalog, user: User) -> Iterator[Word]:
    """Rights that no role gives, and that belong with the roles all the same."""
    if catalog.administers(user):
        yield words.ADMINISTERS
    if catalog.audits(user):
        yield words.AUDITS


def _as_guest(catalog: Catalog, user: User) -> Iterator[Word]:
    """Groups of other tenants, with whose they are."""
    for group in catalog.groups_of(user):
        if group.tenant != user.tenant:
            title = f"{catalog.tenants[group.tenant].title} {group.title}"
            yield Word(f"{group.tenant}/{group.name}", title, title)


def _undeclared(catalog: Catalog, organization: str, realm: str, username: str, found: LiveUser) -> Row:
    zone = catalog.platform.zone
    long_ago = leaving.is_over(catalog, realm, found.left)
    left = words.LEFT_OPEN if found.enabled else words.LEFT_LONG_AGO if long_ago else words.LEFT
    return (
        organization,
        username,
        found.family_name,
        found.given_name,
        left if found.owned else _directorys(found) if found.directory else words.UNMANAGED,
        found.email,
        (),
        (),
        words.UNKNOWN,
        factors.registered(catalog, found, False, PERHAPS),
        _enabled(found),
        None,
        None,
        _local(found.created, zone),
        _local(found.last_login, zone),
        found.left,
        None,
    )


def _local(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    return instant.astimezone(zone).replace(microsecond=0) if instant else None


def _directorys(found: LiveUser) -> Word:
    """The account of somebody whom a directory knows; Git names the directory, and not the person."""
    name = found.directory
    return Word(DIRECTORY, f"ディレクトリ「{name}」", f"of the directory “{name}”", Tone.QUIET)


def _enabled(found: LiveUser | None) -> Cell:
    if found is None:
        return None
    return words.ENABLED if found.enabled else words.NOT_ENABLED


def _state(catalog: Catalog, user: User, live: Live | None, found: LiveUser | None) -> Word:
    period = user.period
    if period.end is not None and period.end <= catalog.as_of:
        state = words.ENDED
    elif period.start is not None and catalog.as_of < period.start:
        state = words.NOT_YET
    else:
        state = words.ACTIVE
    if live is None:
        return state
    if found is None:
        return words.NOT_APPLIED
    if not found.owned:
        return words.UNMANAGED
    if state is words.ACTIVE and found.dormant:
        return words.DORMANT
    if state is words.ACTIVE:
        return words.ACTIVE if found.enabled else words.DISABLED
    return words.NOT_APPLIED if found.enabled else state  # the period is over, and the account still opens


def _counts(catalog: Catalog, live: Live | None) -> tuple[Count, ...]:
    if live is None:
        return ()
    listed = Counter(realm for realm, _ in live.users)
    return tuple(Count(realm, listed[realm], number) for realm, number in sorted(live.user_counts.items()))


def _summary(rows: tuple[Row, ...]) -> tuple[tuple[Word, int], ...]:
    states = Counter(row[_STATE] for row in rows)
    missing = sum(row[_REGISTERED] == words.MFA_MISSING for row in rows)
    codes = sum(isinstance(cell := row[_REGISTERED], tuple) and factors.CODES_ONLY in cell for row in rows)
    told = [(Word("accounts", "アカウント", "accounts"), len(rows))]
    told += [(state, states[state]) for state in _STATES if states[state]]
    told += [(state, number) for state, number in states.items() if isinstance(state, Word) and state.code == DIRECTORY]
    if missing:
        told.append((Word("mfa-missing", "多要素認証 未登録", "MFA not registered", Tone.BAD), missing))
    if codes:
        told.append((factors.CODES_ONLY, codes))
    return tuple(told)


_STATES = (
    words.ACTIVE,
    words.NOT_YET,
    words.ENDED,
    words.DISABLED,
    words.DORMANT,
    words.NOT_APPLIED,
    words.LEFT,
    words.LEFT_LONG_AGO,
    words.LEFT_OPEN,
    words.UNMANAGED,
)
