"""An apply that dies at any write: the next one converges, and nothing was reachable in between."""

from __future__ import annotations

import pytest

from control_plane.engine.apply import apply
from control_plane.engine.plan import make_plan
from control_plane.engine.read import have, want
from control_plane.kong import KINDS, target
from tests.building import KEY, TOKEN, a_platform, a_version, with_api, with_service
from tests.kong.world import World

pytestmark = pytest.mark.servers

BEFORE = a_platform(
    with_api("files", a_version("v1", "/files/v1"), scoping="none"),
    with_api("ngsi-v2", a_version("v1", "/ngsi/v1"), a_version("v2", "/ngsi/v2")),
    with_service("portal", reading="ngsi-v2", updating="files"),
    with_service("gone", reading="ngsi-v2"),
)
AFTER = a_platform(
    with_api(
        "ngsi-v2",
        a_version("v1", "/ngsi/v1", "retired"),
        a_version("v2", "/ngsi/v2"),
        auth=(KEY, TOKEN),
        limits={"read": {"minute": 900}},
    ),
    with_service("portal", reading="ngsi-v2", updating="ngsi-v2", auth=(KEY, TOKEN), allowed_ips=("127.0.0.1",)),
)


class Killed(BaseException):
    """What no handler of ours catches, as SIGKILL."""


def run_until(world: World, catalog, write: int, answered: bool) -> bool:
    """Apply and die at the given write, before it is sent or after it was answered; False when there were fewer."""
    catalog = world.here(catalog)
    client = world.client(parallel=1)
    one = target(client, 1, catalog)
    plan = make_plan(KINDS, want([one], catalog, world.vault.version), have([one]))
    send, count = client.http._session.request, 0

    def counted(method, *args, **more):
        nonlocal count
        if method == "GET":
            return send(method, *args, **more)
        count += 1
        if count == write and not answered:
            raise Killed
        answer = send(method, *args, **more)
        if count == write:
            raise Killed
        return answer

    client.http._session.request = counted
    try:
        apply(plan, [one], parallel=1)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
def test_killed_at_any_write_the_next_apply_converges(world: World, answered, monkeypatch):
    monkeypatch.setattr("control_plane.kong.taken_up.LEFT_OVER", -5)  # markers of the killed run are nobody's at once
    write = 1
    while True:
        world.empty()
        world.apply(BEFORE)
        killed = run_until(world, AFTER, write, answered)
        world.wait()
        for path in ("/ngsi/v2/x", "/ngsi/v1/x", "/files/v1/x"):
            assert world.call(path).status_code in (401, 404, 410), (write, path)
        if not killed:
            break
        world.apply(AFTER)
        assert world.by_hand("GET", "/routes?tags=renkei-probe")["data"] == []
        write += 3  # every third one, to be quick; the three phases of an apply are all met
    assert write > 20
