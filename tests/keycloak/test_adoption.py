"""Adoption: what stands in Keycloak in the place of what we declare becomes ours, and nothing but its mark changes."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.catalog.model import Auth, Catalog
from control_plane.engine.plan import Plan, Update
from control_plane.keycloak import marks
from control_plane.problems import Refused
from tests.building import with_service, with_user
from tests.keycloak.browser import CALLBACK
from tests.keycloak.conftest import World, told
from tests.keycloak.platforms import a_small_platform
from tests.keycloak.stage import PASSWORD, Stage

pytestmark = pytest.mark.servers

WRITTEN = (marks.PLATFORM, marks.TENANT, marks.TITLE)
MARKS = {("managed",), ("title",), ("tenant",), ("owner",)}  # what adoption shows: the mark, and the texts in it
LISTS = {"roles": "?briefRepresentation=false", "clients": "", "client-scopes": "", "users": "?max=1000"}


def strip(world: World, realm: str) -> None:
    """Every mark of ours off, as if somebody else had made all of it."""
    found: Any = world.get(realm)
    kept = {name: value for name, value in found["attributes"].items() if name not in WRITTEN}
    world.by_hand("PUT", realm, "", {"realm": world.realm(realm), "attributes": kept})
    for collection, query in LISTS.items():
        for one in rows(world, realm, f"/{collection}{query}"):
            marked = [name for name in one.get("attributes") or {} if name in WRITTEN]
            if marked:
                where = f"/roles-by-id/{one['id']}" if collection == "roles" else f"/{collection}/{one['id']}"
                gone = dict.fromkeys(marked, "") if collection.startswith("client") else None
                there = gone or {name: value for name, value in one["attributes"].items() if name not in marked}
                same = {"clientId": one["clientId"]} if collection == "clients" else one
                world.by_hand("PUT", realm, where, {**same, "attributes": there})
    for group in tree(world, realm):
        world.by_hand("PUT", realm, f"/groups/{group['id']}", {"name": group["name"], "attributes": {}})


def rows(world: World, realm: str, path: str) -> list[dict[str, Any]]:
    found = world.get(realm, path)
    assert isinstance(found, list)
    return found


def tree(world: World, realm: str, below: str = "/groups") -> list[dict[str, Any]]:
    level = rows(world, realm, f"{below}?briefRepresentation=false")
    return level + [one for group in level for one in tree(world, realm, f"/groups/{group['id']}/children")]


def ids(world: World, realm: str) -> dict[tuple[str, str], str]:
    """Every object with its id, by which Keycloak knows whether it is the same one."""
    names = {"roles": "name", "clients": "clientId", "client-scopes": "name", "users": "username"}
    found = {
        (collection, one[names[collection]]): one["id"]
        for collection, query in LISTS.items()
        for one in rows(world, realm, f"/{collection}{query}")
    }
    return {**found, **{("groups", one["path"]): one["id"] for one in tree(world, realm)}}


def fields_that_change(plan: Plan) -> set[tuple[str, ...]]:
    return {change.path for one in plan for change in (one.changes if isinstance(one, Update) else ())}


def a_platform_in_use(world: World) -> Catalog:
    """The small platform, with somebody who signs in with a password alone."""
    people = with_user("tochigi-07", tenant="tochigi", groups=[])
    web = with_service("web", tenant="tochigi", auth=[Auth.TOKEN], redirect_uris=(CALLBACK,))
    return world.here(a_small_platform(people, web))


def signs_in(stage: Stage) -> bool:
    person = stage.person("tochigi")
    return person.sends(person.opens(), username="tochigi-07", password=PASSWORD).code is not None


def test_of_a_platform_without_its_marks_the_plan_shows_only_ownership_marks(world: World) -> None:
    catalog = a_platform_in_use(world)
    world.apply(catalog)
    stage = Stage(world, catalog)
    stage.with_password("tochigi", "07")
    assert signs_in(stage)
    before = {realm: ids(world, realm) for realm in ("tochigi", "nasushiobara")}
    for realm in before:
        strip(world, realm)
    with pytest.raises(Refused, match="is there already and is not managed"):
        world.plan(catalog)
    plan = world.plan(catalog, adopt=True)
    assert {line.split(" ")[0] for line in told(plan)} == {"update"}
    assert fields_that_change(plan) <= MARKS
    assert all(("managed",) in {change.path for change in one.changes} for one in plan if isinstance(one, Update))
    world.apply(catalog, adopt=True)
    assert told(world.plan(catalog)) == [], "afterwards it is ours"
    assert {realm: ids(world, realm) for realm in before} == before, "nothing was made anew"
    assert signs_in(stage)


def test_what_another_platform_has_marked_is_not_adopted(world: World) -> None:
    """Two platforms on one Keycloak: neither takes the other's realm, asked to adopt or not."""
    catalog = a_platform_in_use(world)
    world.apply(catalog)
    world.platform = "another"
    with pytest.raises(Refused, match="is there already and is not managed"):
        world.plan(catalog, adopt=True)


def test_a_client_is_not_adopted_when_it_would_get_a_new_secret(world: World) -> None:
    """Its callers have the secret that Keycloak has, and not the one in the store."""
    catalog = a_platform_in_use(world)
    world.apply(catalog)
    strip(world, "tochigi")
    (client,) = rows(world, "tochigi", "/clients?clientId=tochigi.web")
    world.by_hand("PUT", "tochigi", f"/clients/{client['id']}", {**client, "secret": "what its callers know"})
    with pytest.raises(Refused, match=r"tochigi\.web would get a new secret"):
        world.plan(catalog, adopt=True)
