"""An apply that dies at any write, before or after the server has taken it: the next ones converge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from control_plane.catalog.model import Auth, Catalog, MfaMode
from control_plane.engine.apply import Failed, apply
from control_plane.keycloak import target
from tests.building import a_platform, with_group, with_role, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.dying import applies, apply_until
from tests.keycloak.features import GIVES, REALM, Places, a_realm_with, features

pytestmark = pytest.mark.servers


class Interfering(HTTPAdapter):
    """A connection beside which somebody takes a step out of a login flow, as soon as it stands there."""

    def __init__(self, world: World, provider: str) -> None:
        super().__init__()
        self.world, self.provider, self.taken = world, provider, 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().send(request, *args, **kwargs)
        found = re.search(
            r"/realms/[^/]+-tochigi/authentication/flows/(renkei-browser[^/]*)/executions$", str(request.url)
        )
        if found and request.method == "GET" and any(self._is_it(one) for one in answer.json()):
            (step,) = (one for one in answer.json() if self._is_it(one))
            self.world.by_hand("DELETE", "tochigi", f"/authentication/executions/{step['id']}")
            self.taken += 1
            return super().send(request, *args, **kwargs)  # what is read back is what is there
        return answer

    def _is_it(self, step: Mapping[str, Any]) -> bool:
        return step.get("providerId") == self.provider


def in_one_realm() -> Catalog:
    return a_platform(
        with_role("viewer"),
        with_role("editor", mfa=True, includes=["viewer"]),
        with_tenant("tochigi", mfa=MfaMode.BY_ROLE, attributes=("department",)),
        with_group("digital", tenant="tochigi", roles=["editor"]),
        with_user("staff-01", tenant="tochigi", groups=["digital"], roles=["viewer"], attributes={"department": "x"}),
        with_service("portal", tenant="tochigi", reading="ngsi-v2", auth=[Auth.TOKEN]),
    )


@pytest.mark.parametrize("answered", [False, True], ids=["before the server has it", "after it has answered"])
def test_an_apply_that_dies_again_and_again_converges(world: World, answered: bool) -> None:
    catalog = world.here(in_one_realm())
    for at in range(1, 200, 2):
        if apply_until(world, catalog, at, answered=answered):
            break
    else:
        pytest.fail("no apply came to its end")
    assert at > 10  # so many ways to die were tried
    assert told(world.plan(catalog)) == []
    assert _doubles(world) == {}


@pytest.mark.parametrize("answered", [False, True], ids=["before the server has it", "after it has answered"])
def test_a_bound_flow_is_replaced_although_the_apply_dies_again_and_again(world: World, answered: bool) -> None:
    catalog = world.here(in_one_realm())
    world.apply(catalog)
    right = _bound(world)
    executions = world.get("tochigi", f"/authentication/flows/{right}/executions")
    assert isinstance(executions, list)
    otp = next(one for one in executions if one.get("providerId") == "auth-otp-form")
    world.by_hand("DELETE", "tochigi", f"/authentication/executions/{otp['id']}")
    for at in range(1, 60, 3):
        ended = apply_until(world, catalog, at, answered=answered)
        assert _bound(world).startswith("renkei-browser-")  # never a stock flow in between
        if ended:
            break
    assert at > 5
    assert told(world.plan(catalog)) == []
    assert _bound(world) == right
    assert _doubles(world) == {}


def _bound(world: World) -> str:
    found = world.get("tochigi")
    assert isinstance(found, dict)
    return str(found["browserFlow"])


@pytest.fixture(scope="module")
def small(keycloak_server: KeycloakServer) -> Iterator[World]:
    for world in a_world(keycloak_server):
        world.apply(world.here(a_realm_with()))
        yield world


@pytest.mark.parametrize("feature", features(Places(0, "")))
def test_what_an_apply_that_died_has_left_of_a_feature_is_completed_and_taken_away_again(
    small: World, places: Places, feature: str
) -> None:
    """One by one; and until it is complete nobody comes in by it."""
    for catalog in (a_realm_with(features(places)[feature]), a_realm_with()):
        here = small.here(catalog)
        after_each = [_half_open(small) for _ in applies(small, here)]
        assert len(after_each) > 1, "some of them died"
        assert not any(after_each)
        assert told(small.plan(here)) == []
        assert _names_twice(small) == {}


DELEGATED = "administrators and auditors"


@pytest.mark.skipif(DELEGATED not in features(Places(0, "")), reason="Keycloak 26.0 has no such permissions")
def test_permissions_that_a_run_has_switched_off_when_it_died_are_switched_on_by_the_next(
    small: World, places: Places
) -> None:
    """They are off for one write: the run dies before it, right after it, and before they are on again."""
    catalog = small.here(a_realm_with(features(places)[DELEGATED]))
    small.apply(catalog)
    role = small.by_hand("GET", REALM, "/roles/renkei-delegate").json()
    composites = f"/roles-by-id/{role['id']}/composites"
    of_client = [one for one in small.by_hand("GET", REALM, composites).json() if one["clientRole"]]
    before = _permissions(small)
    for at, answered in ((1, True), (2, True), (3, False)):
        small.by_hand("DELETE", REALM, composites, of_client)
        assert not apply_until(small, catalog, at, answered=answered)
        assert small.by_hand("GET", REALM, "").json()["adminPermissionsEnabled"] is False
        small.apply(catalog)
        assert told(small.plan(catalog)) == []
        assert _permissions(small) == before != []


def _permissions(world: World) -> list[str]:
    (client,) = world.by_hand("GET", REALM, "/clients?clientId=admin-permissions").json()
    found = world.by_hand("GET", REALM, f"/clients/{client['id']}/authz/resource-server/permission?max=-1").json()
    return sorted(f"{one['id']} {one['name']}" for one in found)


def _half_open(world: World) -> list[str]:
    """Doors that stand open before they are as Git says: without their flows, their mappers, or their group."""
    found = world.get(REALM, "/identity-provider/instances")
    assert isinstance(found, list)
    providers = [one for one in found if one["enabled"]]
    steps = ("firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias")
    wrong = [one["alias"] for one in providers if not all(str(one.get(step)).startswith("renkei-") for step in steps)]
    for one in providers:
        mappers = world.get(REALM, f"/identity-provider/instances/{one['alias']}/mappers")
        assert isinstance(mappers, list)
        wrong += [one["alias"]] if one["providerId"] == "oidc" and len(mappers) < len(GIVES) else []
    directories = world.get(REALM, "/components?type=org.keycloak.storage.UserStorageProvider")
    assert isinstance(directories, list)
    for one in directories:
        mappers = world.get(REALM, f"/components?parent={one['id']}")
        assert isinstance(mappers, list)
        closed = one["config"]["enabled"] == ["false"]
        wrong += [] if closed or any(each["name"] == "group" for each in mappers) else [one["name"]]
    return wrong


@pytest.mark.parametrize("there", [False, True], ids=["in a new realm", "while another one is bound"])
def test_a_login_flow_that_lacks_a_step_is_never_bound_and_the_error_names_what_is_there(
    world: World, there: bool
) -> None:
    before = world.here(in_one_realm())
    catalog = before
    if there:
        world.apply(before)
        (realm,) = before.realms.values()
        other = replace(realm, baseline=replace(realm.baseline, exemptions=True))
        catalog = replace(before, realms={realm.name: other})
    bound = _bound(world) if there else "browser"
    client = world.keycloak(catalog)
    plan = world.plan(catalog, client)
    line = Interfering(world, "auth-otp-form")
    client.session._connection._s.mount("http://", line)
    outcomes = apply(plan, [target(client)], parallel=1)
    assert line.taken == 1
    (failed,) = (one for one in outcomes if isinstance(one, Failed))
    problem = failed.problems[0]
    assert failed.change.key.kind == "keycloak.flow"
    assert "is not complete after it was written; nothing was bound to it" in problem.message
    assert "conditional-user-role" in str(problem.note)
    assert "auth-otp-form" not in str(problem.note)
    assert _bound(world) == bound
    world.apply(catalog)
    assert told(world.plan(catalog)) == []
    assert _bound(world).startswith("renkei-browser-")


def _doubles(world: World) -> Mapping[str, list[str]]:
    """Objects of which two were made, or flows that were left behind."""
    flows = world.get("tochigi", "/authentication/flows")
    assert isinstance(flows, list)
    ours = [one["alias"] for one in flows if not one["builtIn"]]
    found = _names_twice(world)
    return found if len(ours) == 2 else {**found, "flows": ours}


def _names_twice(world: World) -> dict[str, list[str]]:
    found = {}
    for path, field in (("/clients", "clientId"), ("/groups", "name"), ("/roles", "name"), ("/users", "username")):
        objects = world.get("tochigi", path)
        assert isinstance(objects, list)
        names = sorted(one[field] for one in objects)
        if len(set(names)) != len(names):
            found[path] = names
    return found
