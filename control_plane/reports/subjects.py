"""The list of who is who: each account with the id by which a service with ids of its own knows it.

For the one who may join what the services cannot: to answer a person's question, or to undo a wrong link.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Catalog
from control_plane.reports.consents import PERSONAL
from control_plane.reports.live import Live
from control_plane.reports.report import Column, Report, Row, Source, Tone, Word
from control_plane.reports.users import in_order

TITLE = Word("subjects", "サービス別利用者 ID 一覧", "Ids of people by service")
COLUMNS = (
    Column(Word("organization", "団体", "Organization"), 20),
    Column(Word("service", "サービス", "Service"), 28),
    Column(Word("service_id", "サービス ID", "Service id"), 28),
    Column(Word("realm", "レルム", "Realm"), 20),
    Column(Word("account", "アカウント", "Account"), 24),
    Column(Word("subject", "サービスでの利用者 ID", "Id at the service"), 40),
)
JOINS = Word(
    "joins-what-services-cannot",
    "この一覧があれば、サービスどうしの利用者を突合できる。用が済んだら消去すること。",
    "Whoever has this list can join the people of services. Delete it when it is no longer needed.",
)
NOT_MADE = Word("not-made", "未反映（ソルト未作成）", "not applied yet: no salt", Tone.WARN)


def subjects(catalog: Catalog, live: Live | None, source: Source) -> Report:
    """Every account of the realm, at each service with ids of its own; pure. Without `live` there is none."""
    rows = tuple(_rows(catalog, live)) if live else ()
    services = {row[2] for row in rows}
    summary = ((Word("services", "サービス", "services"), len(services)), (Word("ids", "利用者 ID", "ids"), len(rows)))
    return Report("subjects", TITLE, PERSONAL, source, COLUMNS, rows, summary=summary, notes=(JOINS,))


def _rows(catalog: Catalog, live: Live) -> Iterator[Row]:
    accounts = sorted(live.users)
    for tenant in in_order(catalog):
        for service in sorted((one for one in tenant.services if one.pairwise), key=lambda one: one.id):
            known = live.subjects.get(service.name, {})
            for realm, account in accounts:
                if realm == tenant.realm:
                    yield (tenant.title, service.title, service.name, realm, account, known.get(account, NOT_MADE))
