"""An apply that dies at any write, before or after the server has taken it: the next ones converge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from control_plane.catalog.model import Auth, Catalog, MfaMode
from control_plane.engine.apply import Done, Failed, apply
from control_plane.keycloak import target
from tests.building import a_platform, with_group, with_role, with_service, with_tenant, with_user
from tests.keycloak.conftest import World, told

pytestmark = pytest.mark.servers


class DyingLine(HTTPAdapter):
    """A connection that breaks at its n-th write, and stays broken: what a killed process leaves is the same."""

    def __init__(self, at: int, *, answered: bool) -> None:
        super().__init__()
        self.writes = 0
        self.at = at
        self.answered = answered

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self.writes >= self.at:
            raise requests.ConnectionError("dead")
        if request.method != "GET":
            self.writes += 1
            if self.writes == self.at:
                if self.answered:
                    super().send(request, *args, **kwargs)
                raise requests.ConnectionError("dies here")
        return super().send(request, *args, **kwargs)


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
        if _apply_until(world, catalog, at, answered=answered):
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
    for at in range(1, 40):
        ended = _apply_until(world, catalog, at, answered=answered)
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


def _apply_until(world: World, catalog: Catalog, at: int, *, answered: bool) -> bool:
    client = world.keycloak(catalog, parallel=1)
    plan = world.plan(catalog, client)
    client.session._pause = lambda seconds: None
    client.session._connection._s.mount("http://", DyingLine(at, answered=answered))
    outcomes = apply(plan, [target(client, 1)], parallel=1)
    return all(isinstance(one, Done) for one in outcomes)


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
    found = {}
    for path, field in (("/clients", "clientId"), ("/groups", "name"), ("/roles", "name"), ("/users", "username")):
        objects = world.get("tochigi", path)
        assert isinstance(objects, list)
        names = sorted(one[field] for one in objects)
        if len(set(names)) != len(names):
            found[path] = names
    flows = world.get("tochigi", "/authentication/flows")
    assert isinstance(flows, list)
    ours = [one["alias"] for one in flows if not one["builtIn"]]
    return found if len(ours) == 2 else {**found, "flows": ours}
