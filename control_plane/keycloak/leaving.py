"""Who has left: disabled with the day of it on the account, kept as long as the realm's template says, then deletable.

A mark that is no date counts as none: the next apply writes it anew, and the time begins again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from control_plane.catalog.model import Catalog
from control_plane.engine.resource import Key, State
from control_plane.keycloak.answers import Json
from control_plane.keycloak.marks import LEFT, attribute

USER = "keycloak.user"


def day(found: Json) -> date | None:
    """The day on an account's mark, as Keycloak shows the account."""
    return _date(attribute(found, LEFT))


def due(catalog: Catalog, have: State) -> tuple[Key, ...]:
    """The accounts that may be deleted: ours, disabled, left, and kept for the time. Nobody where no time is set."""
    return tuple(
        key
        for key, found in have.items()
        if key.kind == USER
        and found.owned
        and found.fields.get("enabled") is False
        and is_over(catalog, key.within, _date(found.fields.get("left_on")))
    )


def is_over(catalog: Catalog, realm: str, left: date | None) -> bool:
    """Whether an account of the realm that was left on that day has been kept for the time."""
    days = _keep_days(catalog).get(realm)
    return left is not None and days is not None and left + timedelta(days=days) <= today(catalog)


def today(catalog: Catalog) -> date:
    """The day in the platform's zone on which periods are judged."""
    return catalog.as_of.astimezone(catalog.platform.zone).date()


def _keep_days(catalog: Catalog) -> Mapping[str, int | None]:
    return {realm.name: realm.baseline.people.keep_days for realm in catalog.realms.values()}


def _date(found: object) -> date | None:
    try:
        return date.fromisoformat(found) if isinstance(found, str) and len(found) == len("2026-04-01") else None
    except ValueError:
        return None
