"""Versions that answer at the gateway now and would not any more, while somebody may still call them.

Judged by what stands at the gateway, not by the YAML alone: which versions live there, the last day that their callers
are told there, and the guard's grants that hold now or later. A change that takes grant and version away in one stroke
is seen too, and so is a version that is no longer declared at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import Plan
from control_plane.engine.resource import Key, Resource, State
from control_plane.kong import naming
from control_plane.kong.policies import chunk, headers
from control_plane.kong.policies.guard import ANYBODY
from control_plane.kong.view import standing
from control_plane.problems import Origin, Problem

SHOWN = 20  # holders that a message names; the list of APIs has all


@dataclass(frozen=True)
class Ending:
    """A version that lives at the gateway and is not to live there any more."""

    name: str  # ngsi-v2.v1
    end: datetime | None  # what `Sunset` tells its callers: from then on it need not answer
    holders: frozenset[str]  # services with a grant that holds at `as_of` or later; `*` is everybody


def problems(catalog: Catalog, plan: Plan, have: State, allowed: Iterable[str] = ()) -> Iterator[Problem]:
    """What stands against the plan; `have` is all of the gateway, also where the plan is one of a part.

    `allowed` are the versions that the operator named.
    """
    named = frozenset(allowed)
    found = {ending.name: ending for ending in endings(catalog, plan, have)}
    for ending in found.values():
        over = ending.end is not None and ending.end <= catalog.as_of
        if ending.holders and not over and ending.name not in named:
            yield _in_use(catalog, ending)
    live = {one.name for one in standing(catalog) if one.live}
    known = {f"{api.name}.{version.name}" for api in catalog.apis.values() for version in api.versions} | _live(have)
    for name in sorted(named):  # one that has ended already, in a run that was killed, is no mistake
        if name in live or name not in known:
            yield Problem(
                f"--allow-retire {name} was given, and the plan does not end that version",
                note="The configuration keeps it at the gateway." if name in live else "There is no such version.",
                help=f"versions that this plan ends: {', '.join(found) or 'none'}",
            )


def endings(catalog: Catalog, plan: Plan, have: State) -> list[Ending]:
    """The versions that the plan ends, by name."""
    wanted = {one.name for one in standing(catalog) if one.live}
    touched = {name for change in plan for name in _versions(change.key)}
    gone = sorted(_live(have) - wanted)
    return [_ending(have, name, catalog.as_of) for name in gone if name in touched]


def _versions(key: Key) -> tuple[str, ...]:
    """What of the gateway's versions an object belongs to: its own, or the one that an acl group opens."""
    return (key.name.partition(":")[0],) if key.kind == "kong.acl" else (key.within,)


def _live(have: State) -> set[str]:
    """Versions with a route of ours that leads to the upstream; a retired one has a single route for everything."""
    return {
        key.within
        for key, found in have.items()
        if key.kind == "kong.route" and found.owned and not _is_of_a_retired_one(found)
    }


def _is_of_a_retired_one(route: Resource) -> bool:
    return route.key.name == f"{route.key.within}.{naming.RETIRED}" and route.fields.get("methods") is None


def _ending(have: State, name: str, at: datetime) -> Ending:
    guard = _plugin(have, name, "post-function").get("guard")
    if isinstance(guard, Mapping):
        holders = chunk.holders(guard, at)
    else:  # changed by hand so that it cannot be read: whoever is let in by the acl
        holders = frozenset(
            key.within for key in have if key.kind == "kong.acl" and key.name.partition(":")[0] == name
        ) or frozenset({ANYBODY})
    return Ending(name, _sunset(_plugin(have, name, headers.NAME)), holders)


def _plugin(have: State, name: str, plugin: str) -> Mapping[str, object]:
    """The configuration of the plugin on the version's service, empty where there is none of ours."""
    found = have.get(Key("kong.plugin", name, f"{name}.{plugin}"))
    config = found.fields.get("config") if found and found.owned else None
    return config if isinstance(config, Mapping) else {}


def _sunset(config: Mapping[str, object]) -> datetime | None:
    for line in headers.lines(config):
        name, _, value = line.partition(":")
        if name.lower() == "sunset":
            try:
                found = parsedate_to_datetime(value.strip())
            except ValueError:
                return None
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _in_use(catalog: Catalog, ending: Ending) -> Problem:
    api_name, _, version_name = ending.name.partition(".")
    api = catalog.apis.get(api_name)
    version = next((one for one in api.versions if one.name == version_name), None) if api else None
    after = f"be {version.state}" if version else "not be there any more"
    day = (ending.end - timedelta(seconds=1)).astimezone(catalog.platform.zone).date() if ending.end else None
    told = f"Its callers are told that it answers until {day}." if day else "Its callers are told no last day."
    wait = (
        f"keep it `state: deprecated` until {day} has passed"
        if day
        else "tell them first: `state: deprecated` with `deprecated: DATE` and `sunset: DATE`, and apply that"
    )
    return Problem(
        f"version '{ending.name}' is in use and would {after}",
        (version.origin if version else None) or (api.origin if api else None),
        note="\n".join([told, *_who(catalog, api_name, ending.holders)]),
        help=f"{wait};\nor, when it may be cut off at once:\n    --allow-retire {ending.name}",
    )


def _who(catalog: Catalog, api: str, holders: frozenset[str]) -> Iterator[str]:
    if ANYBODY in holders:
        yield "It is open: everybody may call it."
        return
    yield f"Services with a grant on it that holds now or later: {len(holders)}."
    lines = _lines(catalog, api)
    for name in sorted(holders)[:SHOWN]:
        places = ", ".join(map(str, lines.get(name, ()))) or "its grant is no longer declared"
        yield f"    {name}  {places}"
    if len(holders) > SHOWN:
        yield f"    and {len(holders) - SHOWN} more: renkei report apis"


def _lines(catalog: Catalog, api: str) -> Mapping[str, list[Origin]]:
    """Where the services' grants on the API are written."""
    found: dict[str, list[Origin]] = defaultdict(list)
    for grant in catalog.grants():
        if grant.api == api and grant.service and grant.origin:
            found[grant.service].append(grant.origin)
    return found
