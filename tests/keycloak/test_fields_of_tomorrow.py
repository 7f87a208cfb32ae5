"""A later Keycloak tells more of every object than this renkei knows: it is read past, and neither lost nor made up."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from control_plane.engine.apply import Done, apply
from control_plane.keycloak import target
from tests.keycloak.conftest import World, told
from tests.keycloak.features import REALM, Places, a_realm_with, features

pytestmark = pytest.mark.servers

FIELD, VALUE = "ofTomorrow", {"since": "27.0", "also": ["x"]}
WHOLE = (  # what Keycloak takes whole: a field that a PUT leaves out is lost
    "/identity-provider/instances/",
    "/authentication/required-actions/",
    "/components/",
    "/users/profile",
)


class Tomorrow(HTTPAdapter):
    """Adds a field to every object that Keycloak shows, and takes it out of what it is sent: this one refuses it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, Any]] = []  # path of each PUT, and the field in it

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body = json.loads(request.body) if request.body and "/admin/realms" in str(request.url) else None
        if isinstance(body, dict):
            found = body.pop(FIELD, None)
            if request.method == "PUT":
                self.sent.append((str(request.url).partition("/admin/realms")[2], found))
            else:
                assert found is None
            request.prepare_body(json.dumps(body), None)
        answer = super().send(request, *args, **kwargs)
        if request.method == "GET" and "/admin/realms" in str(request.url) and answer.ok:
            answer._content = json.dumps(_more(answer.json())).encode()
        return answer


def _more(found: Any) -> Any:
    if isinstance(found, list):
        return [_more(one) for one in found]
    named = isinstance(found, dict) and not {"id", "alias", "attributes"}.isdisjoint(found)
    return {**found, FIELD: VALUE} if named else found


def test_fields_that_renkei_does_not_know_are_no_difference_and_are_not_lost_by_its_writes(
    world: World, places: Places
) -> None:
    known = features(places)
    names = ("an OpenID provider", "a directory", "a second factor of several")
    catalog = world.here(a_realm_with(*(known[name] for name in names)))
    world.apply(catalog)
    client, tomorrow = world.keycloak(catalog, parallel=1), Tomorrow()
    client.session._connection._s.mount("http://", tomorrow)
    assert told(world.plan(catalog, client)) == []

    _by_hand(world)
    plan = world.plan(catalog, client)
    assert {change.key.kind for change in plan} >= {
        f"keycloak.{kind}" for kind in ("provider", "directory", "action", "profile")
    }
    assert all(isinstance(one, Done) for one in apply(plan, [target(client, 1)], parallel=1))
    assert told(world.plan(catalog, client)) == []
    whole = [(path, found) for path, found in tomorrow.sent if any(one in path for one in WHOLE)]
    assert {one for one in WHOLE for path, _ in whole if one in path} == set(WHOLE)
    assert [path for path, found in whole if found is None] == [], "lost"
    assert {json.dumps(found) for _, found in tomorrow.sent if found is not None} == {json.dumps(VALUE)}


def _by_hand(world: World) -> None:
    """Each of them changed, so that the apply writes it."""
    for path, change in (
        ("/identity-provider/instances/city", {"trustEmail": True}),
        ("/authentication/required-actions/CONFIGURE_TOTP", {"enabled": False}),
    ):
        world.by_hand("PUT", REALM, path, {**world.by_hand("GET", REALM, path).json(), **change})
    (one,) = world.by_hand("GET", REALM, "/components?type=org.keycloak.storage.UserStorageProvider").json()
    config = {**one["config"], "trustEmail": ["true"]}
    world.by_hand("PUT", REALM, f"/components/{one['id']}", {**one, "config": config})
    profile = world.by_hand("GET", REALM, "/users/profile").json()
    kept = [one for one in profile["attributes"] if one["name"] != "department"]
    world.by_hand("PUT", REALM, "/users/profile", {**profile, "attributes": kept})
    group = world.by_hand("GET", REALM, f"/group-by-path/{REALM}/digital").json()
    world.by_hand(
        "PUT",
        REALM,
        f"/groups/{group['id']}",
        {"name": "digital", "attributes": group["attributes"] | {"renkei.title": ["x"]}},
    )
    role = world.by_hand("GET", REALM, "/roles/viewer").json()
    world.by_hand("PUT", REALM, "/roles/viewer", {**role, "description": "x"})
    (user,) = world.by_hand("GET", REALM, "/users?username=staff-01&exact=true").json()
    world.by_hand("PUT", REALM, f"/users/{user['id']}", {**user, "lastName": "x"})
    world.by_hand("PUT", REALM, "", {"accessTokenLifespan": 999, "displayName": "x"})
