"""Administrators of a tenant, with their own token: what they may do, what they may not, and how it is kept so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.engine.plan import Plan, make_plan
from control_plane.engine.read import have, want
from control_plane.engine.resource import Key, State
from control_plane.keycloak import KINDS, administrators, permissions, policies, target
from tests.building import (
    Part,
    a_platform,
    during,
    with_administrators,
    with_auditors,
    with_group,
    with_role,
    with_tenant,
    with_user,
)
from tests.keycloak.conftest import a_world, told, version_of
from tests.keycloak.desk import CLIENT, Desk
from tests.keycloak.test_kinds import wanted

REALM = "tochigi"
ADMIN, OTHER_ADMIN, AUDITOR = "nikko-01", "nikko-02", "nikko-07"
OWN, TOURIST, PLANNER, EDITOR = "nikko-05", "nikko-03", "nikko-04", "nikko-06"
STRANGER, STRANGERS_ADMIN = "oyama-01", "oyama-02"
OF_NIKKO = {ADMIN, OTHER_ADMIN, AUDITOR, OWN, TOURIST, PLANNER, EDITOR}


def platform(*more: Part, delegated: bool = True) -> Catalog:
    """Two cities in the prefecture's realm, each with administrators."""
    naming = [
        with_administrators(tenant="nikko", role="tenant-administrator", groups=["tourism"]),
        with_auditors(AUDITOR, tenant="nikko"),
        with_administrators(STRANGERS_ADMIN, tenant="oyama"),
    ]
    return a_platform(
        with_role("tenant-administrator", mfa=True),
        with_role("data-provider", includes=["data-user"]),
        with_role("data-user"),
        with_role("dashboard-editor"),
        with_tenant("tochigi", mfa=MfaMode.BY_ROLE, login={"edit_username": True}),
        with_tenant("nikko", in_realm_of="tochigi"),
        with_tenant("oyama", in_realm_of="tochigi"),
        with_group("information", tenant="nikko", roles=["tenant-administrator"]),
        with_group("tourism", tenant="nikko", roles=["data-provider"]),
        with_group("planning", tenant="nikko", roles=["dashboard-editor"]),
        with_user(ADMIN, tenant="nikko", groups=["information"]),
        with_user(OTHER_ADMIN, tenant="nikko", groups=["information", "tourism"]),
        with_user(TOURIST, tenant="nikko", groups=["tourism"]),
        with_user(PLANNER, tenant="nikko", groups=["planning"]),
        with_user(OWN, tenant="nikko"),
        with_user(EDITOR, tenant="nikko", roles=["dashboard-editor"]),
        with_user(AUDITOR, tenant="nikko", groups=["tourism"]),
        with_user(STRANGER, tenant="oyama"),
        with_user(STRANGERS_ADMIN, tenant="oyama"),
        *(naming if delegated else ()),
        *more,
    )


# ---------------------------------------------------------------- what is wanted


def test_only_people_whose_period_holds_administer() -> None:
    late = with_user("nikko-09", tenant="nikko", groups=["information"], period=during("2027-04-01"))
    catalog = platform(late)
    named = wanted(catalog, "policy")["tochigi", "renkei-nikko-administrators"].fields["people"]
    assert named == {ADMIN, OTHER_ADMIN}
    refused = wanted(catalog, "refusal")["tochigi", "renkei-nikko-protected"].fields["objects"]
    assert isinstance(refused, frozenset)
    assert "nikko-09" in refused


def test_one_permission_and_no_other_decides_for_each_object_and_scope() -> None:
    """Keycloak grants what all of them grant: two that grant to different people are a refusal to both."""
    catalog = platform()
    seen: dict[tuple[str, str, str], str] = {}
    for kind in ("permission", "refusal"):
        for (_, name), one in wanted(catalog, kind).items():
            for thing in one.fields["objects"]:  # type: ignore[union-attr]
                for scope in one.fields["scopes"]:  # type: ignore[union-attr]
                    assert seen.setdefault((str(one.fields["on"]), str(thing), str(scope)), name) == name


def test_whoever_has_a_role_that_administrators_cannot_give_is_out_of_their_reach() -> None:
    catalog = platform()
    assert permissions.protected(catalog, catalog.tenants["nikko"]) == {ADMIN, OTHER_ADMIN, AUDITOR, EDITOR}


def test_nobody_is_meant_by_the_policy_of_refusals() -> None:
    assert wanted(platform(), "policy")["tochigi", policies.NOBODY].fields["people"] == frozenset()


def test_a_realm_in_which_nobody_administers_is_not_told_of_permissions() -> None:
    realms = wanted(platform(with_tenant("nasushiobara")), "realm")
    assert realms["tochigi", "tochigi"].fields["adminPermissionsEnabled"] is True
    assert "adminPermissionsEnabled" not in realms["nasushiobara", "nasushiobara"].fields


# ---------------------------------------------------------------- on the real Keycloak


@pytest.fixture(scope="module")
def common_desk(keycloak_server: Any) -> Iterator[tuple[Desk, Catalog]]:
    for world in a_world(keycloak_server):
        catalog = world.here(platform())
        world.apply(catalog)
        desk = Desk(world, REALM)
        desk.open()
        desk.lets_in(ADMIN, AUDITOR, STRANGERS_ADMIN)
        yield desk, catalog


@pytest.fixture
def desk(common_desk: tuple[Desk, Catalog]) -> Desk:
    """For tests that change nothing."""
    return common_desk[0]


@pytest.fixture
def mended(desk: Desk) -> Iterator[Desk]:
    """What a test changes is mended afterwards; accounts that administrators made are theirs, and go by hand."""
    yield desk
    for one in desk.world.get(REALM, "/users?search=new-"):  # type: ignore[attr-defined]
        desk.world.by_hand("DELETE", REALM, f"/users/{one['id']}")
    desk.world.apply(desk.world.here(platform()))
    desk.sign_out(ADMIN, AUDITOR)


def plan(desk: Desk) -> Plan:
    return desk.world.plan(desk.world.here(platform()))


def dangers(found: Plan) -> dict[Key, str]:
    """Security drift beside the client by which these tests get tokens."""
    return {key: why for key, why in found.dangers.items() if key.name != CLIENT}


@pytest.mark.servers
def test_what_was_applied_is_there_and_a_second_plan_is_empty(desk: Desk) -> None:
    assert told(plan(desk)) == []


@pytest.mark.servers
@pytest.mark.parametrize("who", [ADMIN, AUDITOR])
def test_administrators_and_auditors_see_the_people_of_their_tenant_and_no_others(desk: Desk, who: str) -> None:
    assert desk.names(who) == OF_NIKKO
    assert desk.asks(who, "GET", "/users/count").json() == len(OF_NIKKO)
    assert desk.names(who, "/groups") == {"nikko"}
    assert desk.names(who, f"/groups/{desk.group('/nikko/planning')}/members") == {PLANNER}
    assert desk.asks(who, "GET", f"/users/{desk.user(STRANGER)}").status_code == 403
    assert desk.asks(who, "GET", f"/groups/{desk.group('/oyama')}/members").status_code == 403


@pytest.mark.servers
def test_an_administrator_makes_an_account_and_puts_it_where_he_may(mended: Desk) -> None:
    desk = mended
    made = {"username": "new-01", "enabled": True, "firstName": "新", "lastName": "人", "groups": ["/nikko/tourism"]}
    assert desk.asks(ADMIN, "POST", "/users", made).status_code == 201
    desk.forget("new-01")
    id = desk.user("new-01")
    has = desk.world.get(REALM, f"/users/{id}/role-mappings/realm/composite")
    assert {"data-provider", "data-user"} <= {one["name"] for one in has}  # type: ignore[attr-defined]
    assert desk.asks(ADMIN, "PUT", f"/users/{id}", {"firstName": "改"}).status_code == 204
    password = {"type": "password", "value": "a long enough password 1", "temporary": True}
    assert desk.asks(ADMIN, "PUT", f"/users/{id}/reset-password", password).status_code == 204
    assert desk.asks(ADMIN, "POST", f"/users/{id}/logout", {}).status_code == 204
    assert told(plan(desk)) == []  # an account that he made is his, and no apply touches it
    assert desk.asks(ADMIN, "DELETE", f"/users/{id}").status_code == 204


@pytest.mark.servers
@pytest.mark.parametrize("groups", [[], ["/oyama"], ["/nikko/planning"], ["/nikko/information"], ["/nikko", "/oyama"]])
def test_an_administrator_makes_no_account_anywhere_else(desk: Desk, groups: list[str]) -> None:
    made = {"username": "new-02", "enabled": True, "groups": groups}
    assert desk.asks(ADMIN, "POST", "/users", made).status_code == 403


@pytest.mark.servers
def test_an_administrator_moves_people_between_the_groups_that_he_fills(mended: Desk) -> None:
    desk = mended
    where = f"/users/{desk.user(OWN)}/groups"
    assert desk.asks(ADMIN, "PUT", f"{where}/{desk.group('/nikko/tourism')}").status_code == 204
    assert desk.asks(ADMIN, "DELETE", f"{where}/{desk.group('/nikko/tourism')}").status_code == 204
    for other in ("/nikko/planning", "/nikko/information", "/oyama"):
        assert desk.asks(ADMIN, "PUT", f"{where}/{desk.group(other)}").status_code == 403


@pytest.mark.servers
@pytest.mark.parametrize("whom", [OWN, TOURIST])
def test_an_administrator_resets_the_password_of_people_in_his_groups(desk: Desk, whom: str) -> None:
    password = {"type": "password", "value": "a long enough password 1", "temporary": True}
    assert desk.asks(ADMIN, "PUT", f"/users/{desk.user(whom)}/reset-password", password).status_code == 204


@pytest.mark.servers
@pytest.mark.parametrize("who", [ADMIN, AUDITOR])
@pytest.mark.parametrize("whom", [ADMIN, OTHER_ADMIN, AUDITOR, PLANNER, EDITOR, STRANGER, STRANGERS_ADMIN])
def test_nobody_takes_over_an_account_with_other_rights(desk: Desk, who: str, whom: str) -> None:
    """Administrators, also oneself; who is in a group, or has a role, that they cannot give; people of others."""
    id, tourism = desk.user(whom), desk.group("/nikko/tourism")
    password = {"type": "password", "value": "a long enough password 1", "temporary": False}
    for method, path, body in (
        ("PUT", "/reset-password", password),
        ("PUT", "", {"email": "other@example.jp"}),
        ("PUT", "", {"enabled": False}),
        ("PUT", "", {"attributes": {}}),
        ("DELETE", "", None),
        ("POST", "/logout", {}),
        ("PUT", f"/groups/{tourism}", None),
        ("DELETE", f"/groups/{tourism}", None),
        ("POST", "/impersonation", {}),
        ("PUT", "/disable-credential-types", ["otp"]),
        ("POST", "/role-mappings/realm", [desk.role("data-provider")]),
    ):
        assert desk.asks(who, method, f"/users/{id}{path}", body).status_code == 403, (method, path)


def ways_up(desk: Desk) -> Iterator[tuple[str, str, object]]:
    """What `manage-users` would allow, and what anybody might try: each ends in more rights, or in no service."""
    me, mine = desk.user(ADMIN), desk.user(TOURIST)
    nikko, tourism = desk.group("/nikko"), desk.group("/nikko/tourism")
    client, admin = desk.power("realm-admin")
    _, query = desk.power("query-clients")
    _, manage = desk.power("manage-users")
    role, editor = desk.role("data-provider"), desk.role("dashboard-editor")
    powerful = desk.role("hand-power")
    permits = desk.permits()
    for user in (me, mine):
        yield "POST", f"/users/{user}/role-mappings/clients/{client}", [admin]
        yield "POST", f"/users/{user}/role-mappings/clients/{client}", [query]
        yield "POST", f"/users/{user}/role-mappings/realm", [editor]
        yield "POST", f"/users/{user}/role-mappings/realm", [powerful]
        yield "DELETE", f"/users/{user}/role-mappings/realm", [role]
        yield "PUT", f"/users/{user}/groups/{desk.group('/hand-powers')}", None
        yield "POST", f"/users/{user}/impersonation", {}
    yield "POST", "/users", {"username": "new-03", "enabled": True, "groups": ["/hand-powers"]}
    yield "POST", "/users", {"username": "new-03", "enabled": True, "groups": ["/nikko", "/hand-powers"]}
    yield "POST", f"/groups/{tourism}/role-mappings/clients/{client}", [manage]
    yield "POST", f"/groups/{tourism}/role-mappings/realm", [editor]
    yield "POST", f"/groups/{tourism}/role-mappings/realm", [powerful]
    yield "POST", f"/roles-by-id/{role['id']}/composites", [powerful]
    yield "DELETE", f"/groups/{tourism}/role-mappings/realm", [role]
    yield "POST", "/groups", {"name": "new-group"}
    yield "POST", f"/groups/{nikko}/children", {"name": "new-group"}
    yield "POST", f"/groups/{nikko}/children", {"id": desk.group("/oyama"), "name": "oyama"}
    yield "PUT", f"/groups/{tourism}", {"name": "renamed"}
    yield "DELETE", f"/groups/{tourism}", None
    yield "POST", f"/roles-by-id/{role['id']}/composites", [admin]
    yield "POST", "/roles", {"name": "new-role"}
    yield "PUT", "/roles/data-provider", {"name": "data-provider", "description": ""}
    yield "GET", "/clients", None
    yield "GET", "/roles", None
    yield "GET", "/events", None
    yield "GET", "/admin-events", None
    yield "GET", "/authentication/flows", None
    yield "POST", "/clients", {"clientId": "new-client"}
    yield "PUT", "", {"realm": desk.world.realm(REALM), "registrationAllowed": True}
    yield "PUT", "/users/profile", {}
    yield "PUT", f"/default-groups/{tourism}", None
    yield "POST", "/logout-all", {}
    yield "POST", "/push-revocation", {}
    yield "POST", "/partialImport", {"ifResourceExists": "SKIP", "users": [{"username": "new-03"}]}
    yield "POST", "/identity-provider/instances", {"alias": "new", "providerId": "oidc"}
    yield "POST", f"{permits}/policy/user", {"name": "new", "users": [me]}
    everybody = {"name": "new", "resourceType": "Users", "resources": [], "scopes": ["manage"], "policies": []}
    yield "POST", f"{permits}/permission/scope", everybody


@pytest.fixture
def hand_made_powers(desk: Desk) -> Iterator[None]:
    """A group and a role that carry all power: Git forbids it, and somebody has made them all the same."""
    desk.world.by_hand("POST", REALM, "/groups", {"name": "hand-powers"})
    client, admin = desk.power("realm-admin")
    id = desk.group("/hand-powers")
    desk.world.by_hand("POST", REALM, f"/groups/{id}/role-mappings/clients/{client}", [admin])
    desk.world.by_hand("POST", REALM, "/roles", {"name": "hand-power"})
    desk.world.by_hand("POST", REALM, f"/roles-by-id/{desk.role('hand-power')['id']}/composites", [admin])
    yield
    desk.world.by_hand("DELETE", REALM, f"/groups/{id}")
    desk.world.by_hand("DELETE", REALM, "/roles/hand-power")
    desk.forget("hand-power")


@pytest.mark.servers
@pytest.mark.usefixtures("hand_made_powers")
@pytest.mark.parametrize("who", [ADMIN, AUDITOR])
def test_no_way_leads_up(desk: Desk, who: str) -> None:
    ways = list(ways_up(desk))
    assert len(ways) >= 40
    answers = [(method, path, desk.asks(who, method, path, body).status_code) for method, path, body in ways]
    not_found = ("POST", "/users", 500)  # so Keycloak calls a group that the caller may not see
    assert [one for one in answers if one[-1] != 403 and one != not_found] == []
    assert desk.world.get(REALM, "/users?search=new-") == []
    assert told(plan(desk)) == []


@pytest.mark.servers
@pytest.mark.parametrize("whom", [OWN, TOURIST])
def test_an_auditor_changes_nothing(desk: Desk, whom: str) -> None:
    id = desk.user(whom)
    assert desk.asks(AUDITOR, "GET", f"/users/{id}").status_code == 200
    for method, path, body in (
        ("PUT", f"/users/{id}", {"firstName": "改"}),
        ("PUT", f"/users/{id}/reset-password", {"type": "password", "value": "a long enough password 1"}),
        ("PUT", f"/users/{id}/groups/{desk.group('/nikko/tourism')}", None),
        ("DELETE", f"/users/{id}", None),
        ("POST", f"/users/{id}/logout", {}),
        ("POST", "/users", {"username": "new-04", "enabled": True, "groups": ["/nikko"]}),
    ):
        assert desk.asks(AUDITOR, method, path, body).status_code == 403


# ---------------------------------------------------------------- kept so


def _found(desk: Desk, kind: str, name: str) -> dict[str, Any]:
    query = "permission=false&max=-1" if kind == "policy" else "fields=*"
    listed = desk.world.get(REALM, f"{desk.permits()}/{kind}?{query}")
    return next(one for one in listed if one["name"] == name)  # type: ignore[attr-defined]


def _policy(desk: Desk, name: str, **changed: object) -> None:
    found = _found(desk, "policy", name)
    body = {"name": name, "description": found["description"], "logic": "POSITIVE", "users": [], **changed}
    desk.world.by_hand("PUT", REALM, f"{desk.permits()}/policy/user/{found['id']}", body)


def _permission(desk: Desk, name: str, **changed: object) -> None:
    found = _found(desk, "permission", name)
    body = {key: found[key] for key in ("name", "description", "resourceType", "resources", "scopes")}
    where = f"{desk.permits()}/permission/scope/{found['id']}"
    desk.world.by_hand("PUT", REALM, where, {**body, **changed})


def _gone(desk: Desk, kind: str, name: str) -> None:
    id = _found(desk, kind, name)["id"]
    where = f"{desk.permits()}/{'policy' if kind == 'policy' else 'permission/scope'}/{id}"
    desk.world.by_hand("DELETE", REALM, where)


def more_administrators(desk: Desk) -> None:
    _policy(desk, "renkei-nikko-administrators", users=[desk.user(n) for n in (ADMIN, OTHER_ADMIN, TOURIST)])


def other_administrators(desk: Desk) -> None:
    people = [desk.user(ADMIN), desk.user(OTHER_ADMIN)]
    _policy(desk, "renkei-nikko-administrators", users=people, logic="NEGATIVE")


def somebody_whom_nobody_refuses(desk: Desk) -> None:
    _policy(desk, "renkei-nobody", users=[desk.user(ADMIN)])


def more_groups(desk: Desk) -> None:
    groups = ["/nikko", "/nikko/tourism", "/nikko/planning"]
    _permission(desk, "renkei-nikko-manage", resources=[desk.group(one) for one in groups])


def all_groups(desk: Desk) -> None:
    _permission(desk, "renkei-nikko-view", resources=[])


def more_scopes(desk: Desk) -> None:
    _permission(desk, "renkei-nikko-manage", scopes=["manage", *sorted(permissions.FILLS)])


def another_policy(desk: Desk) -> None:
    policy = _found(desk, "policy", "renkei-nikko-readers")["id"]
    _permission(desk, "renkei-nikko-manage", policies=[policy])


def fewer_protected(desk: Desk) -> None:
    _permission(desk, "renkei-nikko-protected", resources=[desk.user(ADMIN)])


def a_refusal_gone(desk: Desk) -> None:
    _gone(desk, "permission", "renkei-nikko-closed")


def nobody_gone(desk: Desk) -> None:
    """With it go all refusals, for they have no other policy."""
    _gone(desk, "policy", "renkei-nobody")


def power_in_our_role(desk: Desk) -> None:
    _, manage = desk.power("manage-users")
    desk.world.by_hand("POST", REALM, f"/roles-by-id/{desk.role('renkei-delegate')['id']}/composites", [manage])


def power_on_our_group(desk: Desk) -> None:
    client, manage = desk.power("manage-users")
    where = f"/groups/{desk.group('/nikko/tourism')}/role-mappings/clients/{client}"
    desk.world.by_hand("POST", REALM, where, [manage])


@pytest.mark.servers
@pytest.mark.parametrize(
    "change",
    [
        more_administrators,
        other_administrators,
        somebody_whom_nobody_refuses,
        more_groups,
        all_groups,
        more_scopes,
        another_policy,
        fewer_protected,
        a_refusal_gone,
        nobody_gone,
        power_in_our_role,
        power_on_our_group,
    ],
    ids=lambda change: change.__name__,
)
def test_more_than_git_says_is_security_drift_and_mended(mended: Desk, change: Any) -> None:
    desk = mended
    change(desk)
    found = plan(desk)
    assert dangers(found)
    assert {key.kind for key in dangers(found)} <= {one.key.kind for one in found}
    desk.world.apply(desk.world.here(platform()))
    again = plan(desk)
    assert told(again) == []
    assert not dangers(again)


@pytest.mark.servers
@pytest.mark.parametrize(("whom", "reached"), [(OWN, True), (TOURIST, True), (PLANNER, False), (EDITOR, False)])
def test_a_member_who_gets_power_by_hand_is_told_and_that_the_administrators_of_the_tenant_can_take_it_over(
    mended: Desk, whom: str, reached: bool
) -> None:
    desk = mended
    client, admin = desk.power("realm-admin")
    desk.world.by_hand("POST", REALM, f"/users/{desk.user(whom)}/role-mappings/clients/{client}", [admin])
    password = {"type": "password", "value": "a long enough password 1", "temporary": True}
    answer = desk.asks(ADMIN, "PUT", f"/users/{desk.user(whom)}/reset-password", password)
    assert answer.status_code == (204 if reached else 403)
    found = plan(desk)
    ((key, why),) = dangers(found).items()
    assert key.name == f"{whom} realm-admin"
    assert why == f"{whom} may do everything in the realm{administrators.TAKEN_OVER if reached else ''}"
    (one,) = [one for one in found.unmanaged if one.key == key]
    method, path, body = str(one.remove).split(" ", 2)
    desk.world.by_hand(method, REALM, path.removeprefix(f"/admin/realms/{desk.world.realm(REALM)}"), json.loads(body))
    assert not dangers(plan(desk))


@pytest.mark.servers
def test_fewer_is_a_change_and_mended(mended: Desk) -> None:
    desk = mended
    _policy(desk, "renkei-nikko-administrators", users=[desk.user(ADMIN)])
    _, query = desk.power("query-users")
    lists = desk.role("renkei-delegate")
    desk.world.by_hand("DELETE", REALM, f"/roles-by-id/{lists['id']}/composites", [query])
    desk.world.by_hand("DELETE", REALM, f"/users/{desk.user(AUDITOR)}/role-mappings/realm", [lists])
    found = plan(desk)
    assert told(found) == [
        "update composite renkei-delegate",
        f"update user {AUDITOR}",
        "update policy renkei-nikko-administrators",
    ]
    assert not dangers(found)
    desk.world.apply(desk.world.here(platform()))
    assert told(plan(desk)) == []


@pytest.mark.servers
def test_an_account_whose_mark_an_administrator_takes_off_is_told_and_taken_back_where_that_is_asked(
    mended: Desk,
) -> None:
    desk = mended
    taken = {
        "username": TOURIST,
        "attributes": {},
        "email": f"{TOURIST}@example.jp",
        "firstName": "職員一",
        "lastName": "那須",
    }
    assert desk.asks(ADMIN, "PUT", f"/users/{desk.user(TOURIST)}", taken).status_code == 204
    catalog, client = desk.world.here(platform()), desk.world.keycloak(desk.world.here(platform()))
    targets = [target(client)]
    found = make_plan(KINDS, want(targets, catalog, version_of), _within(desk, have(targets)))
    ((wanted_one, _),) = found.conflicts
    assert wanted_one.key.name == TOURIST
    assert wanted_one.key in found.dangers
    desk.world.apply(catalog, adopt=True)
    assert told(plan(desk)) == []


@pytest.mark.servers
def test_an_administrator_who_gets_another_name_stays_one(mended: Desk) -> None:
    desk = mended
    for old, new in ((OTHER_ADMIN, "nikko-12"), ("nikko-12", OTHER_ADMIN)):
        catalog = desk.world.here(called(platform(), OTHER_ADMIN, new, old))
        desk.world.apply(catalog)
        assert told(desk.world.plan(catalog)) == []
        people = wanted(catalog, "policy")[desk.world.realm(REALM), "renkei-nikko-administrators"].fields["people"]
        assert people == {ADMIN, new}


def called(catalog: Catalog, who: str, new: str, old: str) -> Catalog:
    """The catalog with a person of nikko under another name."""
    nikko = catalog.tenants["nikko"]
    people = tuple(replace(one, username=new, previously=old) if one.username == who else one for one in nikko.users)
    return replace(catalog, tenants={**catalog.tenants, "nikko": replace(nikko, users=people)})


def _within(desk: Desk, found: State) -> State:
    return {key: one for key, one in found.items() if key.within == desk.world.realm(REALM)}


@pytest.mark.servers
def test_permissions_that_somebody_switched_off_hold_again(mended: Desk) -> None:
    desk = mended
    desk.world.by_hand("PUT", REALM, "", {"realm": desk.world.realm(REALM), "adminPermissionsEnabled": False})
    assert desk.asks(ADMIN, "GET", f"/users/{desk.user(OWN)}").status_code == 403
    desk.world.apply(desk.world.here(platform()))
    assert told(plan(desk)) == []
    assert desk.names(ADMIN) == OF_NIKKO


@pytest.mark.servers
def test_a_permission_made_by_hand_is_security_drift_with_the_request_that_ends_it(mended: Desk) -> None:
    desk = mended
    permits = desk.permits()
    policy = {"name": "hand-policy", "users": [desk.user(TOURIST)]}
    desk.world.by_hand("POST", REALM, f"{permits}/policy/user", policy)
    body = {
        "name": "hand-permission",
        "resourceType": "Groups",
        "resources": [desk.group("/oyama")],
        "scopes": ["view-members", "manage-members"],
        "policies": ["hand-policy"],
    }
    desk.world.by_hand("POST", REALM, f"{permits}/permission/scope", body)
    found = plan(desk)
    assert told(found) == []
    (one,) = [one for one in found.unmanaged if one.key.kind == permissions.PERMISSION]
    assert found.dangers[one.key] == (
        "it decides who may do this with groups, and Git does not know it: manage-members, view-members of /oyama"
    )
    assert one.remove
    method, _, path = one.remove.partition(" ")
    prefix = f"/admin/realms/{desk.world.realm(REALM)}"
    desk.world.by_hand(method, REALM, path.removeprefix(prefix))
    assert not dangers(plan(desk))
    _gone(desk, "policy", "hand-policy")


@pytest.mark.servers
def test_who_is_no_longer_named_administers_nothing_and_nothing_is_left(mended: Desk) -> None:
    desk = mended
    desk.lets_in(OTHER_ADMIN)
    assert desk.names(OTHER_ADMIN) == OF_NIKKO
    fewer = platform(with_administrators(ADMIN, tenant="nikko", groups=["tourism"]))
    desk.world.apply(desk.world.here(fewer))
    assert told(desk.world.plan(desk.world.here(fewer))) == []
    assert desk.asks(OTHER_ADMIN, "GET", "/users").status_code == 401  # signed out
    desk.sign_out(OTHER_ADMIN)
    assert desk.asks(OTHER_ADMIN, "GET", "/users").status_code == 403
    assert desk.asks(OTHER_ADMIN, "GET", f"/users/{desk.user(OWN)}").status_code == 403

    nobody = platform(delegated=False)
    desk.world.apply(desk.world.here(nobody))
    desk.sign_out(ADMIN)
    assert told(desk.world.plan(desk.world.here(nobody))) == []
    assert desk.asks(ADMIN, "GET", f"/users/{desk.user(OWN)}").status_code == 403
    assert desk.world.get(REALM, f"{desk.permits()}/permission") == []
    assert desk.world.get(REALM, f"{desk.permits()}/policy?permission=false") == []
