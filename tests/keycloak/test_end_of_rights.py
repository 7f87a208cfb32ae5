"""The full stop of a person on the real Keycloak: who leaves or loses a right is signed out everywhere, for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, MfaMode
from tests.building import Part, a_platform, during, with_group, with_role, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.dying import applies

pytestmark = pytest.mark.servers
PASSWORD, SECRET = "correct horse battery staple", "secret of an application"
REALM, NAME = "tochigi", "staff-01"
THE_PERSON = with_user(NAME, tenant=REALM, groups=["road"], roles=["viewer"])


def platform(*people: Part, road: tuple[str, ...] = ("editor",), included: tuple[str, ...] = ("reader",)) -> Catalog:
    return a_platform(
        with_role("reader"),
        with_role("viewer"),
        with_role("chief", mfa=True),
        with_role("editor", includes=["proofreader"]),
        with_role("proofreader", includes=included),
        with_tenant(REALM, mfa=MfaMode.BY_ROLE),
        with_group("road", tenant=REALM, roles=road),
        *people,
    )


@dataclass
class SignedIn:
    """What somebody holds who signed in before: a browser session, a token to refresh, and one that outlives both."""

    person: Person
    online: dict[str, Any]
    offline: dict[str, Any]

    @property
    def alive(self) -> set[str]:
        held = {
            "the browser's session": self.person.opens().code is not None,
            "the access token": self.person.userinfo(self.online["access_token"]).ok,
            "the refresh token": self.person.refreshed(self.online["refresh_token"]).ok,
            "the offline token": self.person.refreshed(self.offline["refresh_token"]).ok,
        }
        return {what for what, lives in held.items() if lives}


@dataclass
class Desk:
    world: World

    def apply(self, catalog: Catalog) -> None:
        here = self.world.here(catalog)
        self.world.apply(here)
        assert told(self.world.plan(here)) == []

    def user(self, name: str = NAME) -> str:
        found = self.world.get(REALM, f"/users?username={name}&exact=true")
        assert isinstance(found, list)
        return str(found[0]["id"])

    def signs_in(self, name: str = NAME) -> SignedIn:
        """At an application that renkei does not know and that may have offline tokens."""
        body = {"type": "password", "value": PASSWORD, "temporary": False}
        self.world.by_hand("PUT", REALM, f"/users/{self.user(name)}/reset-password", body)
        url = f"{self.world.server.url}/realms/{self.world.realm(REALM)}"
        person = Person(url, "app", SECRET)
        page = person.sends(person.opens(), username=name, password=PASSWORD)
        online = person.token(page).json()
        later = replace(person, scope="openid offline_access")
        offline = later.token(later.opens()).json()
        found = SignedIn(person, online, offline)
        assert len(found.alive) == 4
        return found


@pytest.fixture(scope="module")
def desk(keycloak_server: KeycloakServer) -> Iterator[Desk]:
    for world in a_world(keycloak_server):
        world.apply(world.here(platform(THE_PERSON)))
        app = {"clientId": "app", "secret": SECRET, "redirectUris": [CALLBACK], "publicClient": False}
        world.by_hand("POST", REALM, "/clients", app)
        yield Desk(world)


@pytest.fixture(autouse=True)
def there(desk: Desk) -> None:
    desk.apply(platform(THE_PERSON))


@pytest.mark.parametrize(
    "people",
    [(), (with_user(NAME, tenant=REALM, groups=["road"], roles=["viewer"], period=during(None, "2026-10-01")),)],
    ids=["leaves the YAML", "reaches the end of the period"],
)
def test_who_leaves_is_signed_out_everywhere_and_stays_so_when_enabled_again(
    desk: Desk, people: tuple[Part, ...]
) -> None:
    before = desk.signs_in()
    desk.apply(platform(*people))
    assert before.alive == set()
    desk.world.by_hand("PUT", REALM, f"/users/{desk.user()}", {"enabled": True})
    assert before.alive == set()
    assert len(desk.signs_in().alive) == 4


LESS = {
    "a role": platform(with_user(NAME, tenant=REALM, groups=["road"])),
    "a group": platform(with_user(NAME, tenant=REALM, roles=["viewer"])),
    "a role of the group": platform(THE_PERSON, road=()),
    "a role in a role of the group": platform(THE_PERSON, included=()),
}


@pytest.mark.parametrize("less", LESS.values(), ids=LESS)
def test_who_loses_a_right_signs_in_anew_also_when_the_apply_dies_right_after_it(desk: Desk, less: Catalog) -> None:
    before = desk.signs_in()
    here = desk.world.here(less)
    assert max(applies(desk.world, here)) > 1
    assert told(desk.world.plan(here)) == []
    assert before.alive == set()
    assert len(desk.signs_in().alive) == 4


def another_flow_bound(desk: Desk) -> None:
    desk.world.by_hand("PUT", REALM, "", {"browserFlow": "browser"})


def a_flow_edited(desk: Desk) -> None:
    flow = desk.world.by_hand("GET", REALM, "").json()["browserFlow"]
    steps = desk.world.by_hand("GET", REALM, f"/authentication/flows/{flow}/executions").json()
    otp = next(one for one in steps if one.get("providerId") == "auth-otp-form")
    desk.world.by_hand("DELETE", REALM, f"/authentication/executions/{otp['id']}")


def the_demand_taken_out_of_a_role(desk: Desk) -> None:
    role, mfa = (desk.world.by_hand("GET", REALM, f"/roles/{name}").json() for name in ("chief", "renkei-mfa"))
    desk.world.by_hand("DELETE", REALM, f"/roles-by-id/{role['id']}/composites", [mfa])


HOLES: tuple[Callable[[Desk], None], ...] = (another_flow_bound, a_flow_edited, the_demand_taken_out_of_a_role)


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.__name__.replace("_", " "))
def test_who_came_in_by_a_hole_is_signed_out_although_the_apply_dies_while_it_closes_it(
    desk: Desk, hole: Callable[[Desk], None]
) -> None:
    chief = with_user(NAME, tenant=REALM, groups=["road"], roles=["viewer", "chief"])
    catalog = platform(chief if hole is the_demand_taken_out_of_a_role else THE_PERSON)
    desk.apply(catalog)
    hole(desk)
    before = desk.signs_in()
    here = desk.world.here(catalog)
    assert max(applies(desk.world, here)) > 1
    assert told(desk.world.plan(here)) == []
    assert before.alive == set()


def test_who_gets_a_right_stays_signed_in(desk: Desk) -> None:
    before = desk.signs_in()
    desk.apply(platform(with_user(NAME, tenant=REALM, groups=["road"], roles=["viewer", "editor"])))
    assert len(before.alive) == 4


def test_sessions_that_a_killed_run_has_left_do_not_live_again(desk: Desk) -> None:
    before = desk.signs_in()
    desk.world.by_hand("PUT", REALM, f"/users/{desk.user()}", {"enabled": False})  # and killed before the logout
    desk.apply(platform(THE_PERSON))
    assert before.alive == set()


def test_who_was_put_into_a_group_by_hand_signs_in_anew_when_the_group_goes(desk: Desk) -> None:
    desk.apply(platform(THE_PERSON, with_group("river", tenant=REALM, roles=["editor"])))
    groups = desk.world.get(REALM, "/groups?search=river&exact=true")
    assert isinstance(groups, list)
    body = {"username": "by-hand", "enabled": True, "email": "by-hand@example.jp", "firstName": "a", "lastName": "b"}
    desk.world.by_hand("POST", REALM, "/users", body)
    desk.world.by_hand("PUT", REALM, f"/users/{desk.user('by-hand')}/groups/{groups[0]['subGroups'][0]['id']}")
    member, other = desk.signs_in("by-hand"), desk.signs_in()
    desk.apply(platform(THE_PERSON))
    assert member.alive == set()
    assert len(other.alive) == 4
