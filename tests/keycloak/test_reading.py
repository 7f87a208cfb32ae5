"""What is there is read completely or not at all: an edge that answers with less than there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import responses

from control_plane.catalog.model import KeycloakSettings, SecretRef
from control_plane.engine.read import have
from control_plane.engine.resource import Resource
from control_plane.engine.values import Secret
from control_plane.keycloak import Keycloak, abilities, checks, clients, groups, realms, target, users
from control_plane.keycloak.answers import Json
from control_plane.keycloak.session import READS
from control_plane.problems import NotAllowed, ServerError
from tests.building import a_platform, with_administrators, with_tenant, with_user
from tests.keycloak.conftest import seal, secret_of

URL = "http://id.example.jp"
MARK = {"renkei.platform": "tochigi"}


@pytest.fixture
def edge() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        token = {"access_token": "x.e30.y", "expires_in": 60}
        mock.post(f"{URL}/realms/master/protocol/openid-connect/token", json=token)
        yield mock


@pytest.fixture
def server() -> Keycloak:
    settings = KeycloakSettings(URL, "renkei", SecretRef("keycloak/admin", "client_secret"))
    return Keycloak(
        settings,
        "x",
        platform="tochigi",
        realms=frozenset({"nikko", "oyama"}),
        today=date(2026, 10, 5),
        seal=seal,
        reveal=secret_of,
        parallel=1,
        pause=lambda seconds: None,
    )


def has(edge: responses.RequestsMock, path: str, found: object, status: int = 200) -> None:
    edge.get(f"{URL}/admin/{path}", json=found, status=status)


def realm(name: str, **more: object) -> Json:
    return {"id": f"id-{name}", "realm": name, "enabled": True, "attributes": MARK, **more}


def test_a_realm_that_answers_with_a_stub_is_an_error_and_not_an_empty_realm(
    edge: responses.RequestsMock, server: Keycloak
) -> None:
    has(edge, "realms", {"error": "HTTP 403 Forbidden"}, 403)
    has(edge, "realms/nikko", {"realm": "nikko", "displayName": "x", "bruteForceProtected": True})
    has(edge, "realms/oyama", {"error": "Realm not found."}, 404)
    with pytest.raises(NotAllowed, match="shows only a part of realm 'nikko'") as caught:
        have([target(server)])
    lacks = "view-clients, view-events, view-identity-providers, view-realm, view-users"
    assert f"our account lacks {lacks}" in caught.value.problems[0].message


def test_a_stub_in_the_list_of_realms_is_an_error(edge: responses.RequestsMock, server: Keycloak) -> None:
    has(edge, "realms", [{"realm": "nikko"}, realm("oyama")])
    with pytest.raises(NotAllowed, match="shows only a part of realm 'nikko'"):
        list(realms.read(server))


def test_a_list_of_realms_that_is_refused_is_not_a_server_without_realms(
    edge: responses.RequestsMock, server: Keycloak
) -> None:
    """Keycloak refuses it also when there is no realm yet that we may see: so each one is asked for."""
    has(edge, "realms", {"error": "HTTP 403 Forbidden"}, 403)
    has(edge, "realms/nikko", {"error": "Realm not found."}, 404)
    has(edge, "realms/oyama", realm("oyama"))
    assert [one.key.name for one in realms.read(server)] == ["oyama"]


def test_a_realm_that_we_may_not_see_at_all_is_an_error(edge: responses.RequestsMock, server: Keycloak) -> None:
    has(edge, "realms", {"error": "HTTP 403 Forbidden"}, 403)
    has(edge, "realms/nikko", {"error": "HTTP 403 Forbidden"}, 403)
    with pytest.raises(NotAllowed):
        list(realms.read(server))


def test_realms_of_others_are_reported_and_not_read(edge: responses.RequestsMock, server: Keycloak) -> None:
    has(edge, "realms", [realm("nikko"), realm("oyama"), realm("else", attributes={"renkei.platform": "other"})])
    found = {one.key.name: one.owned for one in realms.read(server)}
    assert found == {"nikko": True, "oyama": True, "else": False}
    assert server.ours() == ["nikko", "oyama"]


def test_a_realm_of_ours_that_nobody_asks_for_is_seen_and_its_contents_are_left_alone(
    edge: responses.RequestsMock, server: Keycloak
) -> None:
    has(edge, "realms", [realm("nikko"), realm("oyama"), realm("left")])
    (left,) = [one for one in realms.read(server) if one.key.name == "left"]
    assert left.owned
    assert realms.leaves(left).fields == {"enabled": False}
    assert "left" not in server.ours()


# ---------------------------------------------------------------- people


def people(edge: responses.RequestsMock, server: Keycloak, listed: list[Json], count: int) -> list[Resource]:
    server.found = {"nikko": realm("nikko")}
    has(edge, "realms/nikko/users", listed)
    has(edge, "realms/nikko/users/count", count)
    return list(users.read(server))


def person(name: str, **more: Any) -> Json:
    return {
        "id": f"id-{name}",
        "username": name,
        "enabled": True,
        "attributes": {"renkei.platform": ["tochigi"]},
        **more,
    }


def test_people_are_as_many_as_the_server_counts(edge: responses.RequestsMock, server: Keycloak) -> None:
    found = people(edge, server, [person("staff-01"), person("staff-02")], 2)
    assert [one.key.name for one in found] == ["staff-01", "staff-02"]


def test_fewer_people_than_the_server_counts_are_an_error(edge: responses.RequestsMock, server: Keycloak) -> None:
    """Who may only query users gets an empty list, and the true count."""
    with pytest.raises(ServerError, match="has 2 users by Keycloak's own count, but lists 0"):
        people(edge, server, [], 2)


def test_people_who_came_meanwhile_are_read_again(edge: responses.RequestsMock, server: Keycloak) -> None:
    has(edge, "realms/nikko/users", [])
    assert len(people(edge, server, [person("staff-01")], 1)) == 1


def test_people_who_come_and_go_all_the_time_are_an_error_that_says_so(
    edge: responses.RequestsMock, server: Keycloak
) -> None:
    server.found = {"nikko": realm("nikko")}
    has(edge, "realms/nikko/users", [person("staff-01")])
    for count in range(2 * READS):
        has(edge, "realms/nikko/users/count", count)
    with pytest.raises(ServerError, match=f"the users of realm nikko changed each of the {READS} times"):
        list(users.read(server))


def test_groups_are_as_many_on_all_levels_as_the_server_counts(edge: responses.RequestsMock, server: Keycloak) -> None:
    server.found = {"nikko": realm("nikko")}
    has(edge, "realms/nikko/groups", [{"id": "1", "name": "nikko", "subGroupCount": 1, "attributes": {}}])
    has(edge, "realms/nikko/groups/1/children", [{"id": "2", "name": "digital", "attributes": {}}])
    has(edge, "realms/nikko/groups/count", {"count": 2})
    assert [one.key.name for one in groups.read(server)] == ["/nikko", "/nikko/digital"]
    edge.replace("GET", f"{URL}/admin/realms/nikko/groups/1/children", json=[])
    with pytest.raises(ServerError, match="has 2 groups by Keycloak's own count, but lists 1"):
        list(groups.read(server))


def test_people_without_our_mark_are_reported_in_short(edge: responses.RequestsMock, server: Keycloak) -> None:
    (found,) = people(edge, server, [person("guest", attributes={"renkei.platform": ["other"]})], 1)
    assert not found.owned
    assert "attributes" not in found.fields


def test_an_attribute_with_several_values_is_not_taken_for_one(edge: responses.RequestsMock, server: Keycloak) -> None:
    attributes = {"renkei.platform": ["tochigi"], "department": ["a", "b"]}
    (found,) = people(edge, server, [person("staff-01", attributes=attributes)], 1)
    assert found.fields["attributes"] == {"renkei.platform": "tochigi", "department": ("a", "b")}


# ---------------------------------------------------------------- clients


def test_a_client_secret_is_sealed_where_it_is_read(edge: responses.RequestsMock, server: Keycloak) -> None:
    server.found = {"nikko": realm("nikko")}
    ours = {"id": "1", "clientId": "nikko.web", "secret": "canary-secret", "attributes": MARK}
    theirs = {"id": "2", "clientId": "by-hand", "secret": "canary-secret"}
    has(edge, "realms/nikko/clients", [ours, theirs, {"id": "3", "clientId": "account"}])
    found = {one.key.name: one for one in clients.read(server)}
    assert set(found) == {"nikko.web", "by-hand"}
    assert found["nikko.web"].fields["secret"] == Secret("", seal("canary-secret").version)
    assert "canary-secret" not in repr(found) + repr(vars(server))


# ---------------------------------------------------------------- checks


def test_doctor_names_the_roles_that_our_account_lacks(edge: responses.RequestsMock, server: Keycloak) -> None:
    has(edge, "serverinfo", {})
    has(edge, "realms/nikko", realm("nikko"))
    has(edge, "realms/oyama", {"error": "Realm not found."}, 404)
    found = {one.name: one for one in checks(server)}
    assert not found["Keycloak realm nikko"].ok
    assert "manage-users" in found["Keycloak realm nikko"].detail
    assert not found["Keycloak realm oyama"].ok
    assert "create-realm" in (found["Keycloak realm oyama"].help or "")


@pytest.mark.parametrize(("version", "ok"), [("26.0.1", True), ("26.7.3", True), ("25.0.6", False), ("27.0.0", False)])
def test_only_a_version_that_we_know_is_taken(
    edge: responses.RequestsMock, server: Keycloak, version: str, ok: bool
) -> None:
    has(edge, "serverinfo", {"systemInfo": {"version": version}})
    has(edge, "realms/nikko", realm("nikko"))
    has(edge, "realms/oyama", realm("oyama"))
    assert next(one for one in checks(server) if one.name == "Keycloak version").ok is ok


def test_a_server_that_does_not_answer_is_one_check_that_fails(server: Keycloak) -> None:
    with responses.RequestsMock():
        (found,) = checks(server)
    assert not found.ok
    assert "does not answer" in found.detail


# ---------------------------------------------------------------- what a server can do


def an_older_keycloak(edge: responses.RequestsMock, *features: str) -> None:
    steps = ("auth-cookie", "auth-username-password-form", "auth-otp-form", "deny-access-authenticator")
    providers = {"authenticator": {"providers": {name: {} for name in steps}}}
    named = [{"name": name, "enabled": True} for name in ("STEP_UP_AUTHENTICATION", *features)]
    has(edge, "serverinfo", {"providers": providers, "features": named})


def test_what_a_server_lacks_for_the_configuration_is_named_for_each_realm(
    edge: responses.RequestsMock, server: Keycloak
) -> None:
    an_older_keycloak(edge)
    catalog = a_platform(
        with_tenant("oyama"),
        with_tenant("nikko", factors=("totp", "passkey")),
        with_user("nikko-01", tenant="nikko"),
        with_administrators("nikko-01", tenant="nikko"),
    )
    found = {one.name: one for one in abilities.missing(server, catalog)}
    lacks = found["Keycloak for realm nikko"]
    assert not lacks.ok
    for name in ("conditional-sub-flow-executed", "webauthn-authenticator", "fine-grained permissions"):
        assert name in lacks.detail
    assert "Keycloak for realm oyama" not in found, "one factor for everyone needs no step that is missing"


@pytest.mark.parametrize("has_it", [True, False])
def test_a_server_on_which_the_mail_alone_would_open_an_account_is_named(
    edge: responses.RequestsMock, server: Keycloak, has_it: bool
) -> None:
    an_older_keycloak(edge)
    settings = [{"name": "force-login"}] if has_it else []
    has(edge, "realms/nikko/authentication/config-description/reset-credential-email", {"properties": settings})
    catalog = a_platform(with_tenant("nikko", login={"reset_password": True}))
    found = [one.detail for one in abilities.missing(server, catalog) if one.name.endswith(" nikko")]
    assert any("a login after a new password by mail (force-login)" in one for one in found) is not has_it


def test_a_server_that_has_all_that_is_asked_for_has_no_check_of_its_own(
    edge: responses.RequestsMock, server: Keycloak
) -> None:
    an_older_keycloak(edge, "ADMIN_FINE_GRAINED_AUTHZ_V2")
    tenant = (with_tenant("nikko"), with_user("nikko-01", tenant="nikko"))
    catalog = a_platform(*tenant, with_administrators("nikko-01", tenant="nikko"))
    assert list(abilities.missing(server, catalog)) == []
