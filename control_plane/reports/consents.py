"""The list of consents: how many people have consented, for each service that asks and each data scope.

It tells numbers and never who, unless that was asked for: then there is a row for each consent. The numbers come from
the servers alone; a consent that nobody asks for any more, but which Keycloak still has, is in the list too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from control_plane.catalog.model import Catalog, Service
from control_plane.reports.live import Consent, Live
from control_plane.reports.report import Column, Count, Report, Row, Source, Tone, Word

TITLE = Word("consents", "同意状況一覧", "Consents")
OF_PEOPLE = Word("consents", "同意者一覧", "Consents of people")
NUMBERS = Word(
    "internal",
    "県の担当者、データ所有団体および監査担当者向け。人数のみで、個人は特定しない。",
    "For the prefecture's officers, the owners of data, and auditors. Numbers alone, no people.",
)
PERSONAL = Word(
    "personal-data",
    "業務上必要な担当者のみ。個人情報を含むため、取扱いに注意すること。",
    "For those alone who need it for their work. Contains personal data: handle with care.",
)
WHAT = (
    Column(Word("organization", "団体", "Organization"), 20),
    Column(Word("service", "サービス", "Service"), 28),
    Column(Word("service_id", "サービス ID", "Service id"), 28),
    Column(Word("scope", "データの範囲", "Data scope"), 28),
    Column(Word("scope_owner", "データ所有団体", "Data owner"), 18),
    Column(Word("state", "状態", "State"), narrow=True),
)
COLUMNS = (
    *WHAT,
    Column(Word("text", "同意画面の文言", "Text that is shown"), 48),
    Column(Word("consented", "同意した人数", "People who consented"), narrow=True),
    Column(Word("accounts", "アカウント数", "Accounts"), narrow=True),
    Column(Word("declared", "定義場所", "Declared at"), 34),
)
PEOPLE = (
    *WHAT,
    Column(Word("realm", "レルム", "Realm"), 20),
    Column(Word("account", "アカウント", "Account"), 24),
    Column(Word("since", "同意日時", "Consented at"), narrow=True),
)
ASKED = Word("asked", "同意を確認", "asked", Tone.GOOD)
NOT_ASKED = Word("no-longer-asked", "確認終了（記録のみ）", "no longer asked, still recorded", Tone.WARN)
KEPT = Word(
    "no-consent-is-no-access",
    "人数は、同意を取り消していない人の数。同意画面を見ていない人と、同意しなかった人は区別できない。",
    "Counted are those who have not taken it back. Who was not asked yet and who said no cannot be told apart.",
)


def consents(catalog: Catalog, live: Live | None, source: Source) -> Report:
    """How many, for each service and scope; pure. Without `live` the numbers are empty."""
    given = Counter((one.service, one.scope) for _, one in _given(live))
    services, what = _services(catalog), _telling(catalog)
    rows: list[Row] = []
    for name, scope in sorted({*_asking(catalog), *given}):
        service, data = services.get(name), catalog.scopes.get(scope)
        accounts = live.user_counts.get(catalog.tenants[service.tenant].realm) if live and service else None
        number = given[name, scope] if live else None
        place = str(data.origin) if data and data.origin else None
        rows.append((*what(name, scope), data.consent if data else None, number, accounts, place))
    summary = ((Word("consents", "同意", "consents"), given.total()),) if live else ()
    return Report(
        "consents", TITLE, NUMBERS, source, COLUMNS, tuple(rows), summary=summary, counts=_counts(live), notes=(KEPT,)
    )


def of_people(catalog: Catalog, live: Live | None, source: Source) -> Report:
    """Who, and when; for the one who may see it."""
    zone, what = catalog.platform.zone, _telling(catalog)
    found = sorted(_given(live), key=lambda given: (given[1].service, given[1].scope, given[0]))
    rows: list[Row] = []
    for (realm, account), one in found:
        since = one.since.astimezone(zone).replace(microsecond=0) if one.since else None
        rows.append((*what(one.service, one.scope), realm, account, since))
    people = len({account for account, _ in found})
    summary = ((Word("people", "同意した人", "people"), people),) if live else ()
    return Report(
        "consents-of-people",
        OF_PEOPLE,
        PERSONAL,
        source,
        PEOPLE,
        tuple(rows),
        summary=summary,
        counts=_counts(live),
        notes=(KEPT,),
    )


def realms(catalog: Catalog) -> frozenset[str]:
    """Where anybody is asked: only there people are looked for who have consented."""
    services = _services(catalog)
    return frozenset(catalog.tenants[services[name].tenant].realm for name, _ in _asking(catalog))


def _asking(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Which service asks for which data, now or later."""
    for service in catalog.services():
        if service.redirect_uris:
            names = {name for grant in service.grants for name in grant.scopes}
            yield from ((service.name, name) for name in names if catalog.scopes[name].consent is not None)


def _given(live: Live | None) -> Iterator[tuple[tuple[str, str], Consent]]:
    for account, found in live.consents.items() if live else ():
        yield from ((account, one) for one in found)


def _telling(catalog: Catalog) -> Callable[[str, str], Row]:
    """What the columns say that both lists have, of a service and a scope that may be gone from the YAML."""
    services, asking = _services(catalog), set(_asking(catalog))

    def what(name: str, scope: str) -> Row:
        service, data = services.get(name), catalog.scopes.get(scope)
        return (
            catalog.tenants[service.tenant].title if service else None,
            service.title if service else None,
            name,
            Word(scope, data.title, data.title) if data else scope,
            catalog.tenants[data.owner].title if data else None,
            ASKED if (name, scope) in asking else NOT_ASKED,
        )

    return what


def _services(catalog: Catalog) -> Mapping[str, Service]:
    return {service.name: service for service in catalog.services()}


def _counts(live: Live | None) -> tuple[Count, ...]:
    """The accounts that were looked up, against each realm's own count."""
    if live is None:
        return ()
    looked_up = Counter(realm for realm, _ in live.consents)
    return tuple(Count(realm, number, live.user_counts.get(realm, 0)) for realm, number in sorted(looked_up.items()))
