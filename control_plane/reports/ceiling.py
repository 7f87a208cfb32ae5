"""The month of the whole platform: what it is built for, and what the limits of the connected services add up to.

A service may use the limit of a level on each version that it was granted, for Kong counts each route for itself. A
level without a limit per month has no end that could be added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from control_plane.catalog.model import Api, Catalog, Service
from control_plane.catalog.model import State as Lifecycle
from control_plane.reports.report import Tone, Word

SHOWN = 10  # levels without a limit that the note names


@dataclass(frozen=True)
class Month:
    promised: int  # calls, by all limits per month together
    endless: tuple[str, ...]  # `nasushiobara.portal ngsi-v2 read`: granted now, without a limit per month


def own_limit(catalog: Catalog, service: Service, api: Api, level: str) -> Mapping[str, int]:
    """The spans that the service's tenant, or the service itself, has a limit of its own for."""
    tenant = catalog.tenants[service.tenant].limits.get((api.name, level), {})
    return {**tenant, **service.limits.get((api.name, level), {})}


def counted(catalog: Catalog) -> Month:
    """By the grants that hold at the catalog's moment."""
    limits = dict(_limits(catalog))
    endless = sorted({" ".join(place[:2] + place[3:]) for place, limit in limits.items() if limit is None})
    return Month(sum(limit for limit in limits.values() if limit is not None), tuple(endless))


def _limits(catalog: Catalog) -> Iterator[tuple[tuple[str, str, str, str], int | None]]:
    """Service, API, version and level, with the calls per month; each once, however many grants give it."""
    for service in catalog.services():
        for grant in service.grants:
            api = catalog.apis[grant.api]
            if not grant.period.within(service.period).holds(catalog.as_of):
                continue
            for name in grant.versions:
                if api.version(name).state in (Lifecycle.PUBLISHED, Lifecycle.DEPRECATED):
                    for level in grant.levels:
                        limit = {**api.level(level).limit, **own_limit(catalog, service, api, level)}
                        yield (service.name, api.name, name, level), limit.get("month")


def summary(catalog: Catalog, month: Month) -> Iterator[tuple[Word, int]]:
    ceiling = catalog.platform.limits.calls_per_month
    if ceiling is None:
        return
    tone = Tone.WARN if month.promised > ceiling else Tone.PLAIN
    yield Word("month-ceiling", "基盤全体の月間上限（回）", "the platform's calls per month"), ceiling
    yield (
        Word("month-promised", "サービスの月間上限の合計（回）", "services' limits per month, together", tone),
        month.promised,
    )
    yield (
        Word("month-endless", "月間上限のない利用区分", "levels granted without a limit per month"),
        len(month.endless),
    )


def notes(catalog: Catalog, month: Month) -> Iterator[Word]:
    """What an officer must know of it: more is promised than there is, or something has no end."""
    ceiling = catalog.platform.limits.calls_per_month
    if ceiling is None:
        return
    if month.promised > ceiling:
        yield Word(
            "month-exceeded",
            f"サービスの月間上限の合計 {month.promised:,} 回は、基盤全体の上限 {ceiling:,} 回を超えている。",
            f"The services' limits per month come to {month.promised:,} calls, more than the platform's {ceiling:,}.",
            Tone.WARN,
        )
    if month.endless:
        named = ", ".join(month.endless[:SHOWN])
        more = len(month.endless) - SHOWN
        yield Word(
            "month-endless",
            f"月間上限のないもの: {named}{f' ほか {more} 件' if more > 0 else ''}。",
            f"Without a limit per month: {named}{f' and {more} more' if more > 0 else ''}.",
        )
