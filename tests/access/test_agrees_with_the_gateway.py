"""The evaluator and the gateway, asked the same questions: no disagreement, whatever is asked.

The evaluator was written from the language's documentation, the compiled configuration runs on the gateway. That is the
stand-in, whose clock the tests set; or a real Kong where one is named, and then without other instants and addresses.
RENKEI_TEST_SEED repeats a run, RENKEI_TEST_AGREE_SECONDS says how long all platforms together are asked (45).
"""

from __future__ import annotations

import http.client
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from control_plane.access import Decision, Request, evaluate
from control_plane.catalog.load import load
from control_plane.catalog.model import Api, Behind, Catalog, KongSettings, Level, Service
from control_plane.sandbox import run
from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings
from tests.access.asking import headers, heard
from tests.access.cases import a_case, instants
from tests.access.platforms import drawn
from tests.conftest import LIFETIME, KongServer
from tests.gateway.timed import Clock
from tests.kong.world import World, public_pem

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("RENKEI_TEST_AGREE_SECONDS", "45"))
SEED = int(os.environ.get("RENKEI_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
PLATFORMS = ("drawn-1", "drawn-2", "drawn-3", "drawn-4", "tochigi")
SHOWN = 8  # disagreements that a failure shows
LEAST = 600  # cases of a platform
MANY = 2_000_000_000


@dataclass
class Gateway:
    """A gateway that applies one catalog after the other and is asked over one connection."""

    world: World
    clock: Clock | None  # None: its time is the real one
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        where = urlsplit(self.world.server.proxy_url)
        self.connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)

    def apply(self, catalog: Catalog) -> None:
        if self.clock:
            self.clock.set_to = catalog.as_of.timestamp()
            kong = KongSettings("http://kong.test", behind=Behind(("127.0.0.1",), "X-Real-IP"))
            catalog = replace(catalog, environment=replace(catalog.environment, kong=kong))
        self.world.empty()
        self.world.apply(catalog)

    def ask(self, request: Request, issuer: str) -> tuple[int, Mapping[str, Any] | None]:
        """The status, and what the upstream heard, where it was asked and may answer with a body."""
        if self.clock:
            self.clock.set_to = request.at.timestamp()
        self.connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        for name, value in headers(request, self.world, issuer).items():
            self.connection.putheader(name, value.encode())
        if self.clock and request.address:
            self.connection.putheader("X-Real-IP", request.address)
        self.connection.endheaders()
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.will_close:
            self.connection.close()
        return answer.status, heard(body)


@pytest.fixture(scope="module")
def gateway(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    if os.environ.get("RENKEI_TEST_KONG_ADMIN") and os.environ.get("RENKEI_TEST_KONG_PROXY"):
        with closing((one := Gateway(World(request.getfixturevalue("kong_server")), None)).connection):
            yield one
        return
    directory, clock = tmp_path_factory.mktemp("agrees"), Clock()
    sandbox = run.up(
        directory, parts=("echo",), asked=dict.fromkeys(run.USUAL, 0), lifetime=LIFETIME, owner=run.this_process()
    )
    settings = Settings(sandbox_requires=("cjson.safe",), trusted_ips=("127.0.0.1",), clock=clock)
    try:
        with in_thread(settings) as running:
            assert sandbox.upstream_url
            world = World(KongServer(running.admin_url, running.proxy_url, sandbox.upstream_url, real=False))
            with closing((one := Gateway(world, clock)).connection):
                yield one
    finally:
        run.down(directory)


def platform(name: str) -> Catalog:
    if name == "tochigi":
        return unlimited(load(ROOT, "production", as_of=datetime(2026, 11, 20, 3, tzinfo=UTC)))
    return drawn(random.Random(f"{SEED} {name}"))


def unlimited(catalog: Catalog) -> Catalog:
    """The catalog with limits that a test does not reach, which refuse by count, and with keys that the tests have."""

    def level(one: Level) -> Level:
        return replace(one, limit=dict.fromkeys(one.limit, MANY))

    def api(one: Api) -> Api:
        return replace(one, levels=tuple(map(level, one.levels)))

    def service(one: Service) -> Service:
        theirs = one.token_issuer  # the tests sign in the other platform's place
        theirs = replace(theirs, pem=public_pem(theirs.issuer)) if theirs else None
        limits = {place: dict.fromkeys(limit, MANY) for place, limit in one.limits.items()}
        return replace(one, limits=limits, token_issuer=theirs)

    tenants = {
        name: replace(tenant, limits={}, services=tuple(map(service, tenant.services)))
        for name, tenant in catalog.tenants.items()
    }
    return replace(catalog, tenants=tenants, apis={name: api(one) for name, one in catalog.apis.items()})


def from_everywhere(catalog: Catalog) -> Catalog:
    """The catalog without addresses, for a gateway that does not believe us where we come from."""
    tenants = {
        name: replace(tenant, services=tuple(replace(one, allowed_ips=()) for one in tenant.services))
        for name, tenant in catalog.tenants.items()
    }
    apis = {name: replace(api, allowed_ips=()) for name, api in catalog.apis.items()}
    return replace(catalog, tenants=tenants, apis=apis)


def disagreement(catalog: Catalog, said: Decision, status: int, passed: Mapping[str, Any] | None) -> str | None:
    """What is not the same; what the upstream heard is looked at where it heard something."""
    if said.status != status:
        return f"the catalog says {said.status}, the gateway {status}"
    if passed is None:
        return None
    if not said.allowed:
        return "it was refused and reached the upstream all the same"
    expected = {"x-consumer-username": said.service}
    if said.fiware:
        expected |= {"fiware-service": said.fiware[0], "fiware-servicepath": said.fiware[1]}
    for name, value in expected.items():
        if passed.get(name) != value:
            return f"the upstream heard {name} {passed.get(name)!r} and not {value!r}"
    leaked = {"apikey", "x-data-scope", "x-consumer-groups"} & passed.keys()
    return f"the upstream heard {leaked}" if leaked else None


def in_turn(times: Sequence[datetime], seconds: float) -> Iterator[datetime]:
    """Each instant for its share of the time, and on a loaded machine for at least so many questions."""
    for at in times:
        end, asked = time.monotonic() + seconds / len(times), 0
        while time.monotonic() < end or asked < LEAST // len(times):
            yield at
            asked += 1


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_gateway_answers_what_the_catalog_says(
    gateway: Gateway, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = platform(name)
    if gateway.clock is None:
        catalog = from_everywhere(catalog)
    times = instants(catalog) if gateway.clock else [datetime.now(UTC)]
    gateway.apply(replace(catalog, as_of=times[0]))
    keycloak = catalog.environment.keycloak
    assert keycloak
    issuer = f"{(keycloak.public_url or keycloak.url).rstrip('/')}/realms/"
    draw, wrong, statuses = random.Random(f"{SEED} {name} cases"), [], Counter[int]()
    people, theirs = Counter[int](), Counter[int]()
    for turn in in_turn(times, SECONDS / len(PLATFORMS)):
        if len(wrong) == SHOWN:
            break
        at = turn if gateway.clock else datetime.now(UTC)
        request = a_case(draw, catalog, at, real=not gateway.clock)
        said = evaluate(catalog, request)
        status, passed = gateway.ask(request, issuer)
        statuses[status] += 1
        people[status] += bool(request.credentials.token and request.credentials.token.session)
        theirs[status] += bool(request.credentials.token and request.credentials.token.issuer)
        if found := disagreement(catalog, said, status, passed):
            wrong.append(f"{found}\n    {request}\n    {said}")
    with capsys.disabled():
        counted = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
        print(
            f"\n{name}: {statuses.total()} cases, seed {SEED}: {counted}; of people {people[200]} × 200, "
            f"of other issuers {theirs[200]} × 200, {theirs[401]} × 401"
        )
    assert not wrong, f"RENKEI_TEST_SEED={SEED}\n" + "\n".join(wrong)
    assert min(statuses[status] for status in (200, 401, 403, 404)) >= 20, statuses
    for_users = {api for service in catalog.services() for api in catalog.for_users(service)}
    if for_users & {grant.api for _, grant in catalog.role_grants()}:
        assert people[200] + people[403] >= 20, people
