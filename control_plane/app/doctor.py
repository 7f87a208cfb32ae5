"""Is everything there that a run needs? Addresses, versions, rights, clocks, settings of the nodes, secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from control_plane.app import people
from control_plane.app.run import Ask, catalog_of
from control_plane.app.systems import Systems, connect
from control_plane.catalog.model import Catalog
from control_plane.engine import read
from control_plane.engine.read import references, want
from control_plane.engine.resource import State
from control_plane.engine.target import Check, Target
from control_plane.engine.values import Secret
from control_plane.keycloak.protocols import lasting
from control_plane.problems import RenkeiError

SKEW = 30  # seconds that two clocks may differ: a token lives 60
TIMEOUT = 10


def doctor(ask: Ask, *, secrets: bool = False) -> Iterator[Check]:
    """Every check, in the order in which one needs the other.

    `secrets` reads each secret too, compares it with the index and records what was changed in the store by hand.
    """
    try:
        catalog = catalog_of(ask)
        yield Check("configuration", True, f"{catalog.platform.name}, environment {catalog.environment.name}")
        systems = connect(catalog, ask.directory, ask.parallel)
        yield Check("secret store", True, systems.store.where)
    except RenkeiError as error:
        yield _failed("configuration and secret store", error)
        return
    environment = catalog.environment
    if environment.keycloak:
        yield from _clock("Keycloak", f"{environment.keycloak.url}/realms/master", environment.keycloak.verify)
    if environment.kong:
        yield from _clock("Kong Admin API", environment.kong.admin_url, environment.kong.verify)
        if environment.kong.proxy_url:
            yield from _clock("Kong proxy", environment.kong.proxy_url, environment.kong.verify)
    for target in systems.targets:
        yield from _target(target)
    yield from _try("people", lambda: list(people.checks(systems.keycloak, catalog, _of_keycloak(systems))))
    yield from _try("identity providers", lambda: list(lasting(catalog)))
    if secrets:
        yield from _secrets(systems, catalog)


def _of_keycloak(systems: Systems) -> State:
    return read.have([target for target in systems.targets if target.client is systems.keycloak])


def _clock(name: str, url: str, verify: bool | str) -> Iterator[Check]:
    """Reachable at all, and its clock near ours: periods and tokens are judged by both."""
    try:
        answer = requests.get(url, timeout=TIMEOUT, verify=verify, allow_redirects=False)
    except requests.RequestException as error:
        yield Check(
            f"{name} reachable", False, f"{url}: {type(error).__name__}", "is the address right, and the server up?"
        )
        return
    yield Check(f"{name} reachable", True, f"{url} answers {answer.status_code}")
    try:
        skew = (parsedate_to_datetime(answer.headers["Date"]) - datetime.now(UTC)).total_seconds()
    except (KeyError, ValueError):
        return
    detail = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours"
    yield Check(f"{name} clock", abs(skew) <= SKEW, detail, "set both clocks by NTP")


def _target(target: Target) -> Iterator[Check]:
    """What it says of itself, what its nodes lack, and whether everything can be read with our rights."""
    yield from _try(target.name, target.checks)
    yield from _try(f"{target.name} settings", lambda: _nothing_missing(target))
    yield from _try(f"{target.name} readable", lambda: [_read(target)])


def _nothing_missing(target: Target) -> Sequence[Check]:
    problems = target.preflight()
    if not problems:
        return [Check(f"{target.name} settings", True, "nothing is missing")]
    return [Check(f"{target.name} settings", False, one.message, one.help) for one in problems]


def _read(target: Target) -> Check:
    found = [resource for kind in target.kinds for resource in kind.read(target.client)]
    ours = sum(resource.owned for resource in found)
    return Check(f"{target.name} readable", True, f"{ours} objects of ours, {len(found) - ours} others")


def _secrets(systems: Systems, catalog: Catalog) -> Iterator[Check]:
    def verify() -> Sequence[Check]:
        wanted = want(systems.targets, catalog, systems.versions).values()
        refs = {one.ref for resource in wanted for one in references(resource.fields) if isinstance(one, Secret)}
        known = {ref for ref in refs if systems.book.versions(ref)}
        wrong = systems.book.verify(known)
        systems.book.accept(wrong)
        if not wrong:
            return [Check("secrets", True, f"{len(known)} are what the index says")]
        return [Check("secrets", False, f"{one.ref}: {one.how}", "recorded; plan shows what follows") for one in wrong]

    yield from _try("secrets", verify)


def _try(name: str, look: Callable[[], Sequence[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except RenkeiError as error:
        yield _failed(name, error)


def _failed(name: str, error: RenkeiError) -> Check:
    first = error.problems[0]
    more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
    return Check(name, False, f"{first}{more}", first.help)
