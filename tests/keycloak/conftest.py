"""A run against the real Keycloak in few words: apply a catalog, plan again, look at the server by hand."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
import requests

from control_plane.catalog.model import Catalog, KeycloakSettings, SecretRef
from control_plane.engine.apply import Done, Outcome, apply
from control_plane.engine.plan import Plan, make_plan
from control_plane.engine.read import have, want
from control_plane.engine.resource import Key
from control_plane.engine.safety import check
from control_plane.engine.values import RealmKey, Secret
from control_plane.keycloak import KINDS, Keycloak, abilities, addresses, lastadmin, leaving, providers, renames, target
from tests.building import SECRET_OF_A_DIRECTORY
from tests.conftest import KeycloakServer
from tests.keycloak import ldap
from tests.keycloak.features import Places
from tests.keycloak.platforms import OLD, a_small_platform
from tests.keycloak.postbox import a_postbox
from tests.secrets.conftest import free_port


def seal(value: str) -> Secret:
    return Secret("", hmac.new(b"test", value.encode(), hashlib.sha256).hexdigest())


def secret_of(reference: Secret | RealmKey) -> str:
    """The store of these tests: every secret follows from its name."""
    assert isinstance(reference, Secret)
    return f"value of {reference.previously or reference.ref}"


def version_of(reference: Secret | RealmKey) -> str | None:
    return seal(secret_of(reference)).version


@dataclass
class World:
    """Realms of one test on the shared server: named `kc-…`, gone when the test ends."""

    server: KeycloakServer
    prefix: str
    realms: set[str] = field(default_factory=set)
    platform: str = "tochigi"

    def realm(self, name: str) -> str:
        return f"{self.prefix}-{name}"

    def here(self, catalog: Catalog) -> Catalog:
        """The catalog with its realms named as this test's."""
        realms = {self.realm(one.name): replace(one, name=self.realm(one.name)) for one in catalog.realms.values()}
        tenants = {one.name: replace(one, realm=self.realm(one.realm)) for one in catalog.tenants.values()}
        self.realms |= realms.keys()
        return replace(catalog, realms=realms, tenants=tenants)

    def keycloak(self, catalog: Catalog, parallel: int = 10) -> Keycloak:
        return Keycloak(
            KeycloakSettings(self.server.url, self.server.client_id, SecretRef("keycloak/admin", "client_secret")),
            self.server.client_secret,
            platform=self.platform,
            realms=frozenset(catalog.realms),
            today=leaving.today(catalog),
            seal=seal,
            reveal=secret_of,
            parallel=parallel,
        )

    def plan(
        self,
        catalog: Catalog,
        keycloak: Keycloak | None = None,
        *,
        adopt: bool = False,
        delete_people: bool = False,
    ) -> Plan:
        """The plan for a catalog from `here`; realms of other tests are left out of it."""
        client = keycloak or self.keycloak(catalog)
        if OLD and (lacks := next(abilities.missing(client, catalog), None)):
            pytest.skip(f"{lacks.name} is of an older Keycloak: {lacks.detail}")
        client.adopting, client.declared = adopt, providers.aliases(catalog)
        targets = [target(client)]
        wanted = want(targets, catalog, version_of)
        found = {key: one for key, one in have(targets).items() if key.within.startswith(f"{self.prefix}-")}
        due = frozenset(leaving.due(catalog, found)) if delete_people else frozenset[Key]()
        plan = make_plan(KINDS, wanted, found, adopt=adopt, discard=due)
        more = [
            *lastadmin.problems(plan, found),
            *renames.problems(plan, wanted, found),
            *addresses.problems(plan, wanted, found),
        ]
        check(plan, empty=not wanted, limit=100, allowed=None, more=more)
        return plan

    def apply(self, catalog: Catalog, parallel: int = 10, *, adopt: bool = False) -> tuple[Outcome, ...]:
        """Plan and apply; every change must have been made."""
        client = self.keycloak(catalog, parallel)
        return self.make(self.plan(catalog, client, adopt=adopt), client, parallel)

    def make(self, plan: Plan, client: Keycloak, parallel: int = 10) -> tuple[Outcome, ...]:
        """Make a plan that was made with the same client."""
        outcomes = apply(plan, [target(client)], parallel=parallel)
        assert [one for one in outcomes if not isinstance(one, Done)] == []
        return outcomes

    def by_hand(self, method: str, realm: str, path: str = "", json: object = None) -> requests.Response:
        """A request of an administrator who goes around renkei; must succeed."""
        answer = self.server.by_hand(method, f"/realms/{self.realm(realm)}{path}", json)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def get(self, realm: str, path: str = "") -> object:
        return self.by_hand("GET", realm, path).json()


def a_world(server: KeycloakServer) -> Iterator[World]:
    world = World(server, f"kc-{uuid.uuid4().hex[:6]}")
    yield world
    for realm in sorted(world.realms):
        server.by_hand("DELETE", f"/realms/{realm}")


@pytest.fixture
def world(keycloak_server: KeycloakServer) -> Iterator[World]:
    yield from a_world(keycloak_server)


@pytest.fixture(scope="module")
def common_world(keycloak_server: KeycloakServer) -> Iterator[tuple[World, Catalog]]:
    """A world in which the small platform is there, for the tests of one file: realms are slow to make."""
    for world in a_world(keycloak_server):
        catalog = world.here(a_small_platform())
        world.apply(catalog)
        yield world, catalog


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """The servers that Keycloak asks in a platform with everything; skips where there is no directory."""
    home, password = tmp_path_factory.mktemp("directory"), f"value of {SECRET_OF_A_DIRECTORY}"
    with a_postbox() as box, ldap.a_directory(home, password=password, port=free_port(), people=("clerk-01",)) as found:
        yield Places(box.port, found.url)


@pytest.fixture
def applied(common_world: tuple[World, Catalog]) -> Iterator[World]:
    """That world; what a test changes in it is mended by an apply afterwards."""
    world, catalog = common_world
    yield world
    world.apply(catalog)


def told(plan: Plan) -> list[str]:
    """A plan as a few words per change."""
    return [f"{type(change).__name__.lower()} {change.key.kind.partition('.')[2]} {change.key.name}" for change in plan]
