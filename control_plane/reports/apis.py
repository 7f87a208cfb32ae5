"""The list of APIs by version: who may still call each one, until when it answers, and what comes after it.

One row per version and grant that holds now or later; a version that nobody has a grant on has one row. What the list
tells is who may call, as the configuration says; who does call is in the gateway's log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from control_plane.catalog.model import Api, Catalog, Grant, Service, Version
from control_plane.catalog.model import State as Lifecycle
from control_plane.reports import words
from control_plane.reports.live import Live
from control_plane.reports.report import Cell, Column, Report, Row, Source, Tone, Word
from control_plane.reports.services import by_api, judged, level_word
from control_plane.reports.users import LAST_DAY, in_order

TITLE = Word("apis", "API 版別利用一覧", "APIs by version")
AUDIENCE = Word(
    "internal", "県の担当者および API 提供団体向け。", "For the prefecture's officers and the owners of APIs."
)
COLUMNS = (
    Column(Word("api", "API", "API"), 24),
    Column(Word("api_owner", "API 提供団体", "API owner"), 18),
    Column(Word("version", "版", "Version"), narrow=True),
    Column(Word("path", "公開パス", "Public path"), 24),
    Column(Word("lifecycle", "版の状態", "Life cycle"), 18),
    Column(Word("deprecated", "廃止予定の公表日", "Deprecated since"), narrow=True),
    Column(Word("sunset", "提供終了日", "Last day"), narrow=True),
    Column(Word("successor", "後継の版", "Successor"), narrow=True),
    Column(Word("organization", "利用団体", "Used by organization"), 20),
    Column(Word("service", "サービス", "Service"), 28),
    Column(Word("service_id", "サービス ID", "Service id"), 28),
    Column(Word("contact", "連絡先", "Contact"), 28),
    Column(Word("levels", "利用区分", "Levels"), 14),
    Column(Word("from", "利用開始日", "From"), narrow=True),
    Column(Word("until", "利用終了日", "Until"), narrow=True),
    Column(Word("state", "利用の状態", "State of use"), narrow=True),
    Column(Word("declared", "定義場所", "Declared at"), 34),
)
OVERDUE = Word("overdue", "廃止予定（終了日経過）", "deprecated, last day over", Tone.WARN)
UNUSED = Word("unused", "利用許可なし", "nobody", Tone.QUIET)
OPEN = Word("open", "公開（すべての利用者）", "open to everybody")
LIVE = (Lifecycle.PUBLISHED, Lifecycle.DEPRECATED)
_PLACE = {column.title.code: place for place, column in enumerate(COLUMNS)}


def apis(catalog: Catalog, live: Live | None, source: Source) -> Report:
    """Every version of every API with each grant that opens it; pure. What the servers have makes no difference."""
    rows = tuple(_rows(catalog))
    return Report("apis", TITLE, AUDIENCE, source, COLUMNS, rows, summary=_summary(rows), notes=(LAST_DAY,))


def _rows(catalog: Catalog) -> Iterator[Row]:
    for api in catalog.apis.values():
        for version in api.versions:
            what = _version(catalog, api, version)
            users = [_use(catalog, service, grant) for service, grant in _uses(catalog, api, version)]
            nobody: tuple[Cell, ...] = (None, None, None, None, (), None, None, _unused(api, version))
            for used in users or [(*nobody, str(version.origin) if version.origin else None)]:
                yield (*what, *used)


def _version(catalog: Catalog, api: Api, version: Version) -> tuple[Cell, ...]:
    return (
        Word(api.name, api.title, api.title),
        catalog.tenants[api.owner].title,
        version.name,
        version.path,
        OVERDUE if _overdue(catalog, version) else words.LIFECYCLE[version.state],
        version.deprecated,
        version.sunset,
        version.successor,
    )


def _overdue(catalog: Catalog, version: Version) -> bool:
    """Whether a version answers still although the day has passed that callers were told."""
    today = catalog.as_of.astimezone(catalog.platform.zone).date()
    return version.state is Lifecycle.DEPRECATED and version.sunset is not None and version.sunset < today


def _unused(api: Api, version: Version) -> Word | None:
    if version.state not in LIVE:
        return None
    return UNUSED if api.auth else OPEN


def _uses(catalog: Catalog, api: Api, version: Version) -> Iterator[tuple[Service, Grant]]:
    """Who may call the version now or later, by organization and service."""
    if version.state not in LIVE:
        return
    for tenant in in_order(catalog):
        for service in sorted(tenant.services, key=lambda service: service.id):
            for grant in sorted(service.grants, key=by_api):
                opens = grant.api == api.name and version.name in grant.versions
                if opens and _state(catalog, service, grant) is not words.ENDED:
                    yield service, grant


def _state(catalog: Catalog, service: Service, grant: Grant) -> Word:
    return judged(catalog, grant.period.within(service.period), grant.scopes)


def _use(catalog: Catalog, service: Service, grant: Grant) -> tuple[Cell, ...]:
    period, zone = grant.period.within(service.period), catalog.platform.zone
    origin = grant.origin or service.origin
    return (
        catalog.tenants[service.tenant].title,
        service.title,
        service.name,
        service.contact,
        tuple(level_word(name) for name in grant.levels),
        words.starts(period, zone),
        words.ends(period, zone),
        _state(catalog, service, grant),
        str(origin) if origin else None,
    )


def _summary(rows: tuple[Row, ...]) -> tuple[tuple[Word, int], ...]:
    """How many versions there are, and for those that end how many services have not moved."""
    api, version, lifecycle = _PLACE["api"], _PLACE["version"], _PLACE["lifecycle"]
    versions = {(row[api], row[version]): row[lifecycle] for row in rows}
    states = Counter(versions.values())
    ending = {row[_PLACE["service_id"]] for row in rows if row[lifecycle] in (words.DEPRECATED, OVERDUE)} - {None}
    return (
        (Word("versions", "版", "versions"), len(versions)),
        *((state, states[state]) for state in (*words.LIFECYCLE.values(), OVERDUE) if states[state]),
        (Word("services-to-move", "移行が必要なサービス", "services that have to move"), len(ending)),
    )
