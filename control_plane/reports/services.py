"""The list of connected services: one row per service and grant, so that each period and approval has its own line.

A service without a grant has one row. What is the same for all grants of a service (authentication, addresses,
credentials) is repeated in each row, so that a filter on any column keeps complete rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from control_plane.catalog.model import ALWAYS, Api, Auth, Catalog, Grant, Period, Service
from control_plane.catalog.model import State as Lifecycle
from control_plane.keycloak.scopes import is_client
from control_plane.reports import ceiling, words
from control_plane.reports.live import Live, LiveService
from control_plane.reports.report import Cell, Column, Part, Report, Row, Source, Tone, Word
from control_plane.reports.users import LAST_DAY, in_order

TITLE = Word("services", "接続サービス一覧", "Connected services")
AUDIENCE = Word(
    "internal",
    "県の担当者、データ所有団体および監査担当者向け。資格情報の値は含まない。",
    "For the prefecture's officers, the owners of data, and auditors. Contains no credential.",
)
COLUMNS = (
    Column(Word("organization", "団体", "Organization"), 20),
    Column(Word("service", "サービス", "Service"), 28),
    Column(Word("service_id", "サービス ID", "Service id"), 28),
    Column(Word("state", "状態", "State"), narrow=True),
    Column(Word("api", "API", "API"), 24),
    Column(Word("api_owner", "API 提供団体", "API owner"), 18),
    Column(Word("versions", "版", "Versions"), 22),
    Column(Word("levels", "利用区分", "Levels"), 14),
    Column(Word("scopes", "データの範囲", "Data scopes"), 48),
    Column(Word("limits", "利用上限", "Limits"), 26),
    Column(Word("from", "利用開始日", "From"), narrow=True),
    Column(Word("until", "利用終了日", "Until"), narrow=True),
    Column(Word("authentication", "認証方式", "Authentication"), 18),
    Column(Word("addresses", "許可アドレス", "Allowed addresses"), 24),
    Column(Word("credentials", "発行済みの資格情報", "Credentials present"), 24),
    Column(Word("approval", "承認", "Approval"), 30),
    Column(Word("declared", "定義場所", "Declared at"), 34),
)
LEVELS = {
    "read": Word("read", "参照", "read"),
    "update": Word("update", "更新", "update"),
}
AUTH = {
    Auth.API_KEY: Word("api-key", "API キー", "API key"),
    Auth.TOKEN: Word("token", "トークン", "token"),
}
ANYWHERE = Word("anywhere", "制限なし", "anywhere", Tone.QUIET)
ALL_DATA = Word("all", "（範囲の区分なし）", "(no scopes)", Tone.QUIET)
_ID, _STATE, _API = (
    next(i for i, one in enumerate(COLUMNS) if one.title.code == n) for n in ("service_id", "state", "api")
)


def services(catalog: Catalog, live: Live | None, source: Source) -> Report:
    """Every service with each of its grants, and every client or consumer that the servers have besides; pure."""
    rows = tuple(_rows(catalog, live))
    month = ceiling.counted(catalog)
    summary = (*_summary(rows), *ceiling.summary(catalog, month))
    notes = (LAST_DAY, *ceiling.notes(catalog, month))
    return Report("services", TITLE, AUDIENCE, source, COLUMNS, rows, summary=summary, notes=notes)


def _rows(catalog: Catalog, live: Live | None) -> Iterator[Row]:
    declared = {service.name for service in catalog.services()}
    for tenant in in_order(catalog):
        for service in sorted(tenant.services, key=lambda service: service.id):
            grants: list[Grant | None] = [*sorted(service.grants, key=by_api)]
            for grant in grants or [None]:
                yield _declared(catalog, service, grant, live)
    for name, found in sorted(live.services.items() if live else ()):
        if name not in declared:
            yield _undeclared(catalog, name, found)


def by_api(grant: Grant) -> tuple[str, str, str, tuple[str, ...], tuple[str, ...]]:
    start, end = (instant.isoformat() if instant else "" for instant in (grant.period.start, grant.period.end))
    return grant.api, start, end, grant.levels, grant.scopes


def _declared(catalog: Catalog, service: Service, grant: Grant | None, live: Live | None) -> Row:
    zone = catalog.platform.zone
    api = catalog.apis[grant.api] if grant else None
    period = grant.period.within(service.period) if grant else service.period
    found = live.services.get(service.name, LiveService()) if live else None
    origin = (grant.origin if grant else None) or service.origin
    return (
        catalog.tenants[service.tenant].title,
        service.title,
        service.name,
        _state(catalog, service, grant, found),
        Word(api.name, api.title, api.title) if api else None,
        catalog.tenants[api.owner].title if api else None,
        tuple(_version(api, name) for name in grant.versions) if api and grant else (),
        tuple(level_word(name) for name in grant.levels) if grant else (),
        _scopes(catalog, grant) if grant else (),
        tuple(_limits(catalog, service, api, grant)) if api and grant else (),
        words.starts(period, zone),
        words.ends(period, zone),
        tuple(AUTH[way] for way in sorted(service.auth)),
        _addresses(service, api),
        _credentials(catalog, service, found) if found else None,
        _approval(catalog, grant),
        str(origin) if origin else None,
    )


def _undeclared(catalog: Catalog, name: str, found: LiveService) -> Row:
    tenant = catalog.tenants.get(name.partition(".")[0])
    empty: tuple[Cell, ...] = (None, None, (), (), (), (), None, None, (), ())
    state = words.LEFT if found.owned else words.UNMANAGED
    return (tenant.title if tenant else None, None, name, state, *empty, _present(found), None, None)


def _version(api: Api, name: str) -> Word:
    version = api.version(name)
    if version.state is Lifecycle.PUBLISHED:
        return Word(name, name, name)
    lifecycle = words.LIFECYCLE[version.state]
    until = f" {version.sunset.isoformat()}" if version.sunset else ""
    after = version.successor
    ja = f"{name}（{lifecycle.ja}{until}{f'、後継 {after}' if after else ''}）"
    en = f"{name} ({lifecycle.en}{until}{f', successor {after}' if after else ''})"
    return Word(f"{name}:{version.state}", ja, en)


def level_word(name: str) -> Word:
    return LEVELS.get(name, Word(name, name, name))


def _scopes(catalog: Catalog, grant: Grant) -> tuple[Part, ...]:
    if not grant.scopes:
        return (ALL_DATA,)
    told = []
    for name in grant.scopes:
        scope = catalog.scopes[name]
        disclosure = words.DISCLOSURES[scope.disclosure]
        owner, bounds = catalog.tenants[scope.owner].title, words.span(scope.period, catalog.platform.zone)
        ja = "、".join(part for part in (disclosure.ja, owner, bounds) if part)
        en = ", ".join(part for part in (disclosure.en, owner, bounds) if part)
        told.append(Word(f"{name}:{scope.disclosure}", f"{scope.title}（{ja}）", f"{name} ({en})"))
    return tuple(told)


def _limits(catalog: Catalog, service: Service, api: Api, grant: Grant) -> Iterator[Word]:
    """What holds for this service, span by span: its own limit, else its tenant's, else the API's."""
    for name in grant.levels:
        own = ceiling.own_limit(catalog, service, api, name)
        limits = {**api.level(name).limit, **own}
        level = level_word(name)
        for unit, number in sorted(limits.items(), key=lambda one: list(words.UNITS).index(one[0])):
            per, own_one = words.UNITS[unit], unit in own
            yield Word(
                f"{name}:{number}/{unit}{':own' if own_one else ''}",
                f"{level.ja} {number:,} 回／{per.ja}{'（個別）' if own_one else ''}",
                f"{level.en} {number:,}/{per.en}{' (own)' if own_one else ''}",
            )


def _addresses(service: Service, api: Api | None) -> tuple[Part, ...]:
    own: tuple[Part, ...] = tuple(service.allowed_ips)
    apis = tuple(Word(f"api:{ip}", f"{ip}（API）", f"{ip} (API)") for ip in api.allowed_ips) if api else ()
    return (*own, *apis) or (ANYWHERE,)


def _credentials(catalog: Catalog, service: Service, found: LiveService) -> tuple[Part, ...]:
    """What is there, and what should be and is not. A key ends with its service."""
    missing = []
    ended = service.period.end is not None and service.period.end <= catalog.as_of
    if Auth.API_KEY in service.auth and not found.keys and not ended:
        missing.append(Word("no-key", "API キー未発行", "no API key", Tone.WARN))
    if is_client(service) and not found.client:
        missing.append(Word("no-client", "クライアント未登録", "no client", Tone.WARN))
    return (*_present(found), *missing)


def _present(found: LiveService) -> tuple[Word, ...]:
    told = []
    if found.keys:
        told.append(Word(f"keys:{found.keys}", f"API キー {found.keys} 件", f"API keys: {found.keys}"))
    if found.client and found.client_enabled is False:
        told.append(Word("client:disabled", "クライアント（無効）", "client (disabled)", Tone.WARN))
    elif found.client:
        told.append(Word("client", "クライアント", "client"))
    if found.tokens:
        told.append(Word(f"tokens:{found.tokens}", f"トークン検証鍵 {found.tokens} 件", f"token keys: {found.tokens}"))
    if found.foreign:
        number = found.foreign
        ja, en = f"管理外の資格情報 {number} 件", f"credentials not ours: {number}"
        told.append(Word(f"foreign:{number}", ja, en, Tone.BAD))
    return tuple(told)


def _approval(catalog: Catalog, grant: Grant | None) -> Cell:
    if grant is None or grant.approval is None:
        return None
    one = grant.approval
    by, on = catalog.tenants[one.by].title, one.on.isoformat()
    return Word(
        f"{one.application} {one.by} {on}", f"{one.application}（{by}、{on}）", f"{one.application} ({by}, {on})"
    )


def _state(catalog: Catalog, service: Service, grant: Grant | None, found: LiveService | None) -> Word:
    if grant is None:
        return words.NO_GRANT
    stages = {catalog.apis[grant.api].version(name).state for name in grant.versions}
    if not stages & {Lifecycle.PUBLISHED, Lifecycle.DEPRECATED}:
        return words.API_DRAFT if Lifecycle.DRAFT in stages else words.API_RETIRED
    state = judged(catalog, grant.period.within(service.period), grant.scopes)
    if found is None or state is not words.ACTIVE:
        return state
    if not found.consumer and not found.client:
        return words.NOT_APPLIED
    return words.DISABLED if found.client_enabled is False and not found.keys else state


def judged(catalog: Catalog, period: Period, scopes: tuple[str, ...]) -> Word:
    """Over or not begun when the grant is, or every data scope in it."""
    bounds = [period.within(catalog.scopes[name].period) for name in scopes] or [period.within(ALWAYS)]
    if any(one.holds(catalog.as_of) for one in bounds):
        return words.ACTIVE
    if any(not one.empty and one.start is not None and catalog.as_of < one.start for one in bounds):
        return words.NOT_YET
    return words.ENDED


def _summary(rows: tuple[Row, ...]) -> tuple[tuple[Word, int], ...]:
    states = Counter(row[_STATE] for row in rows)
    declared = {row[_ID] for row in rows if row[_STATE] not in (words.LEFT, words.UNMANAGED)}
    grants = sum(row[_API] is not None for row in rows)
    return (
        (Word("services", "サービス", "services"), len(declared)),
        (Word("grants", "利用許可", "grants"), grants),
        *((state, states[state]) for state in _STATES if states[state]),
    )


_STATES = (
    words.ACTIVE,
    words.NOT_YET,
    words.ENDED,
    words.DISABLED,
    words.NOT_APPLIED,
    words.NO_GRANT,
    words.API_DRAFT,
    words.API_RETIRED,
    words.LEFT,
    words.UNMANAGED,
)
