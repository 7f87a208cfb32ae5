"""The law of every change: at no moment and on no node does a call get through that is refused before and after it.

Pairs of drawn platforms: the second is applied over the first, and after every single write nodes are asked that lag
behind in any way that real ones may. RENKEI_TEST_SEED repeats a run, RENKEI_TEST_LAW_SECONDS says how long (20).
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from control_plane.access import Credentials, Decision, Request, evaluate
from control_plane.catalog.model import Behind, Catalog, KongSettings
from control_plane.engine.apply import Done, apply
from control_plane.engine.plan import make_plan
from control_plane.engine.read import have, want
from control_plane.kong import KINDS, target
from control_plane.sandbox.kong.server import Running, in_thread
from control_plane.sandbox.kong.settings import Settings
from tests.access.asking import headers
from tests.access.cases import a_case
from tests.access.platforms import drawn
from tests.building import NOON
from tests.conftest import KongServer
from tests.gateway.timed import Clock
from tests.kong.lagging import Lagging, no_upstream, passed
from tests.kong.world import World, told

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("no_upstream")]
__all__ = ["no_upstream"]

SECONDS = float(os.environ.get("RENKEI_TEST_LAW_SECONDS", "20"))
SEED = int(os.environ.get("RENKEI_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
VIEWS = 2  # nodes that are asked after a write
CALLS = 6  # questions to each
UPSTREAM = "http://127.0.0.1:9"


@dataclass
class Change:
    """One platform in force, another one that is applied over it, and everything that broke the law meanwhile."""

    running: Running
    settings: Settings
    before: Catalog
    after: Catalog
    draw: random.Random
    waits: bool = True  # whether nodes have taken up what they were waited for
    wrong: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        self.world = World(KongServer(self.running.admin_url, self.running.proxy_url, UPSTREAM, real=False))
        self.world.empty()
        self.world.apply(self.before)
        self.nodes = Lagging(self.running.store, self.settings)
        catalog = self.world.here(self.after)
        client = self.world.client(1)
        client.http.write = self._watched(client.http.write)  # type: ignore[method-assign]
        client.http.delete = self._watched(client.http.delete)  # type: ignore[method-assign]
        one = replace(
            target(client, 1, catalog),
            settle=self.nodes.settled if self.waits else bool,
            prove=self.nodes.proved if self.waits else bool,
        )
        outcomes = apply(make_plan(KINDS, want([one], catalog, self.world.vault.version), have([one])), [one])
        unlucky = [told(outcome) for outcome in outcomes if not isinstance(outcome, Done)]
        assert not unlucky, unlucky
        assert not self.world.plan(self.after)

    def linger(self, looks: int) -> None:
        """Nodes that nobody waits for may lag long after the last write, as far as can be."""
        for _ in range(looks):
            self._look("the last write", extreme=True)

    def _watched(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def and_look(method: str, *rest: Any) -> None:
            write(method, *rest)
            self.nodes.wrote()
            self._look(f"{method} {rest[0] if rest else ''}".strip())

        return and_look

    def _look(self, last: str, *, extreme: bool = False) -> None:
        for _ in range(VIEWS):
            snapshot = self.nodes.view(self.draw, extreme=extreme)
            for _ in range(CALLS):
                near = self.draw.choice((self.before, self.after))
                request = a_case(self.draw, near, NOON)
                self._judge(request, self._asked(snapshot, request), last)

    def _asked(self, snapshot: Any, request: Request) -> dict[str, str] | None:
        keycloak = self.before.environment.keycloak
        assert keycloak
        sent = headers(request, self.world, f"{(keycloak.public_url or keycloak.url).rstrip('/')}/realms/")
        if request.address:
            sent["X-Real-IP"] = request.address
        return passed(self.nodes.ask(snapshot, request.method, request.path, sent))

    def _judge(self, request: Request, heard: dict[str, str] | None, last: str) -> None:
        self.seen["through" if heard is not None else "refused"] += 1
        if heard is None:
            return
        said = [evaluate(catalog, request) for catalog in (self.before, self.after)]
        self.seen["one of them alone"] += said[0].allowed != said[1].allowed
        either = [evaluate(catalog, one) for catalog in (self.before, self.after) for one in _alone(request)]
        if not any(one.allowed and _same_data(one, heard) for one in (*said, *either)):
            where = heard.get("fiware-service"), heard.get("fiware-servicepath")
            self.wrong.append(f"after {last}: {request}\n    before: {said[0]}\n    after: {said[1]}\n    {where}")


def _alone(request: Request) -> list[Request]:
    """The call with its key alone and with its token alone, where it shows both.

    A wrong token beside a good key is refused while the service may use tokens, and not looked at when it may not. The
    credential that this hangs on is cached for itself, so in between it is the one or the other.
    """
    shown = request.credentials
    if not (shown.key and shown.token):
        return []
    return [
        replace(request, credentials=Credentials(key=shown.key)),
        replace(request, credentials=Credentials(token=shown.token)),
    ]


def _same_data(said: Decision, heard: dict[str, str]) -> bool:
    """Whether the upstream heard the data that this platform gives."""
    return not said.fiware or said.fiware == (heard.get("fiware-service"), heard.get("fiware-servicepath"))


@pytest.fixture(scope="module")
def stand_in() -> Iterator[tuple[Running, Settings]]:
    clock = Clock(NOON.timestamp())
    settings = Settings(sandbox_requires=("cjson.safe",), trusted_ips=("127.0.0.1",), clock=clock)
    with in_thread(settings) as running:
        yield running, settings


def behind(catalog: Catalog) -> Catalog:
    kong = KongSettings("http://kong.test", behind=Behind(("127.0.0.1",), "X-Real-IP"))
    return replace(catalog, environment=replace(catalog.environment, kong=kong), as_of=NOON)


def changes(stand_in: tuple[Running, Settings], seed: str, *, waits: bool = True) -> Iterator[Change]:
    """Pairs without end: one and the same platform with other services, then two that have only names in common."""
    for number in range(1_000_000):
        first, second = random.Random(f"{seed} {number} a"), random.Random(f"{seed} {number} b")
        again = drawn(random.Random(f"{seed} {number} a"), second) if number % 2 == 0 else drawn(second)
        draw = random.Random(f"{seed} {number} calls")
        yield Change(*stand_in, behind(drawn(first)), behind(again), draw, waits)


def test_no_call_gets_through_that_is_refused_before_and_after(stand_in, capsys):
    seen, end, pairs = Counter[str](), time.monotonic() + SECONDS, 0
    for pairs, change in enumerate(changes(stand_in, str(SEED)), 1):
        change.run()
        assert not change.wrong, f"RENKEI_TEST_SEED={SEED}\n" + "\n".join(change.wrong[:5])
        seen += change.seen
        if time.monotonic() > end and pairs >= 2:
            break
    with capsys.disabled():
        print(f"\n{pairs} pairs, seed {SEED}: {dict(seen)}")
    assert seen["through"] > 100 and seen["one of them alone"] > 20


def test_without_the_waits_for_the_nodes_the_law_is_broken(stand_in):
    """The law test can fail: nodes that nobody waits for let calls through that neither platform allows."""
    for number, change in enumerate(changes(stand_in, "without waits", waits=False)):
        change.run()
        change.linger(100)
        if change.wrong:
            return
        assert number < 5, "six pairs, and nothing was seen"
