"""A realm's settings on the real Keycloak: all that a template can say holds, what it does not say stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from control_plane.catalog.model import Catalog, MailServer, MfaMode, ProfileAttribute, SecretRef
from control_plane.engine.plan import Update
from control_plane.keycloak import baseline
from control_plane.render.document import About, plan_document
from control_plane.render.drift import drift_lines, has_drifted
from control_plane.render.plan import plan_lines
from tests.building import NOON, a_platform, with_tenant
from tests.conftest import KeycloakServer
from tests.keycloak.conftest import World, a_world, told

pytestmark = pytest.mark.servers

REALM = "nikko"
POLICY = "default-src 'self'; frame-ancestors 'none'"
EVERYTHING: dict[str, Any] = {
    "password_policy": {
        "length": 14,
        "max_length": 100,
        "upper": 1,
        "lower": 1,
        "digits": 1,
        "special": 1,
        "pattern": "^(?!.*(tochigi|[(]x[)])).*$",
        "history": 5,
        "history_days": 90,
        "not_username": True,
        "not_email": True,
        "without_username": True,
        "max_age_days": 365,
        "fresh_login": 300,
        "hash": "pbkdf2-sha512",
        "hash_iterations": 210000,
    },
    "brute_force": {
        "failures": 5,
        "wait": 120,
        "max_wait": 1800,
        "reset_after": 86400,
        "strategy": "linear",
        "quick": 1500,
        "quick_wait": 90,
        "permanent": True,
        "lockouts": 3,
    },
    "tokens": {
        "access": 240,
        "sso_idle": 1200,
        "sso_max": 28800,
        "remember_idle": 7200,
        "remember_max": 86400,
        "client_idle": 1100,
        "client_max": 28000,
        "offline_idle": 86400,
        "offline_max": 864000,
        "login": 900,
        "action": 240,
        "code": 45,
        "link": 240,
        "admin_link": 3600,
        "refresh_once": True,
        "refresh_reuse": 1,
    },
    "login": {
        "remember_me": True,
        "with_email": False,
        "verify_email": True,
        "reset_password": True,
        "edit_username": True,
    },
    "themes": {"login": "keycloak", "account": "keycloak.v3", "admin": "keycloak.v2", "email": "keycloak"},
    "headers": {
        "frame_options": "DENY",
        "content_security_policy": POLICY,
        "report_only": POLICY,
        "strict_transport_security": "max-age=63072000; includeSubDomains; preload",
        "referrer_policy": "same-origin",
        "content_type_options": "nosniff",
        "robots": "noindex, nofollow",
    },
    "events_days": 400,
    "event_types": ("LOGIN", "LOGIN_ERROR", "LOGOUT", "UPDATE_PASSWORD"),
    "event_listeners": ("jboss-logging",),
    "locales": ("ja", "en", "fr"),
    "ssl_required": "all",
}


def platform(**more: Any) -> Catalog:
    """One realm alone: they are slow to make."""
    catalog = a_platform(with_tenant(REALM, mfa=MfaMode.EVERYONE, **more))
    return replace(catalog, realms={REALM: catalog.realms[REALM]}, tenants={REALM: catalog.tenants[REALM]})


@pytest.fixture(scope="module")
def strict(keycloak_server: KeycloakServer) -> Iterator[tuple[World, Catalog]]:
    for world in a_world(keycloak_server):
        catalog = world.here(platform(**EVERYTHING))
        world.apply(catalog)
        yield world, catalog


def realm_of(world: World) -> dict[str, Any]:
    found = world.get(REALM)
    assert isinstance(found, dict)
    return found


def test_all_that_a_template_can_say_holds_and_a_second_plan_is_empty(strict: tuple[World, Catalog]) -> None:
    world, catalog = strict
    assert told(world.plan(catalog)) == []
    (realm,) = catalog.realms.values()
    found = realm_of(world)
    assert found["browserSecurityHeaders"] == {
        "xFrameOptions": "DENY",
        "contentSecurityPolicy": POLICY,
        "contentSecurityPolicyReportOnly": POLICY,
        "strictTransportSecurity": "max-age=63072000; includeSubDomains; preload",
        "referrerPolicy": "same-origin",
        "xContentTypeOptions": "nosniff",
        "xRobotsTag": "noindex, nofollow",
    }
    assert found["bruteForceStrategy"] == "LINEAR"
    assert sorted(found["enabledEventTypes"]) == ["LOGIN", "LOGIN_ERROR", "LOGOUT", "UPDATE_PASSWORD"]
    assert baseline.fields(realm).keys() >= {*baseline.TOKENS.values(), *baseline.LOGIN.values()}


LOOSER: dict[str, Any] = {
    "passwordPolicy": "length(8)",
    "bruteForceProtected": False,
    "failureFactor": 30,
    "accessTokenLifespan": 3600,
    "ssoSessionMaxLifespan": 360000,
    "clientSessionMaxLifespan": 0,
    "revokeRefreshToken": False,
    "offlineSessionMaxLifespanEnabled": False,
    "verifyEmail": False,
    "duplicateEmailsAllowed": True,
    "sslRequired": "external",
    "browserSecurityHeaders": {"xFrameOptions": "ALLOW-FROM https://elsewhere.example.jp"},
    "adminEventsEnabled": False,
    "adminEventsDetailsEnabled": True,
    "enabledEventTypes": ["LOGOUT"],
}
NOT_LOOSER: dict[str, Any] = {
    "accessTokenLifespan": 60,
    "failureFactor": 3,
    "displayName": "another",
    "loginTheme": "keycloak.v2",
    "editUsernameAllowed": False,
    "eventsExpiration": 500 * 86400,
    "defaultSignatureAlgorithm": "bogus",
    "supportedLocales": ["ja"],
}


@pytest.mark.parametrize("edits", [LOOSER, NOT_LOOSER], ids=["looser", "not looser"])
def test_each_setting_changed_by_hand_is_found_judged_and_mended(
    strict: tuple[World, Catalog], edits: dict[str, Any]
) -> None:
    world, catalog = strict
    judged = {}
    for name, value in edits.items():
        world.by_hand("PUT", REALM, json={"realm": world.realm(REALM), name: value})
        client = world.keycloak(catalog)
        plan = world.plan(catalog, client)
        assert {field for one in plan if isinstance(one, Update) for field in one.changed} == {name}
        judged[name] = bool(plan.dangers)
        world.make(plan, client)
    assert judged == dict.fromkeys(edits, edits is LOOSER)
    assert told(world.plan(catalog)) == []


EXTRA: dict[str, Any] = {
    "attributes": ("laboratory",),
    "profile": {
        "laboratory": ProfileAttribute(
            "laboratory", "研究室", frozenset({"admin", "user"}), frozenset({"admin", "user"}), True, 2, 64, "^[^<]*$"
        )
    },
    "default_roles": ("uma_authorization",),
    "sender": {"from": "noreply@example.jp", "reply_to": "desk@example.jp"},
}


def test_mail_attributes_and_what_everybody_has_hold_and_are_mended(keycloak_server: KeycloakServer) -> None:
    server = MailServer("mail.example.jp", 587, "starttls", "renkei", SecretRef("mail/smtp", "password"))
    for world in a_world(keycloak_server):
        there = platform(**EXTRA)
        catalog = world.here(replace(there, environment=replace(there.environment, mail=server)))
        world.apply(catalog)
        assert told(world.plan(catalog)) == []
        smtp = realm_of(world)["smtpServer"]
        assert (smtp["host"], smtp["replyTo"], smtp["starttls"]) == ("mail.example.jp", "desk@example.jp", "true")
        world.by_hand("PUT", REALM, json={"realm": world.realm(REALM), "smtpServer": {**smtp, "host": "x.example.jp"}})
        world.by_hand("POST", REALM, "/groups", {"name": "everybody"})
        (group,) = (one for one in world.by_hand("GET", REALM, "/groups").json() if one["name"] == "everybody")
        world.by_hand("PUT", REALM, f"/default-groups/{group['id']}")
        default = f"/roles-by-id/{realm_of(world)['defaultRole']['id']}/composites"
        role = world.by_hand("GET", REALM, "/roles/offline_access").json()
        world.by_hand("POST", REALM, default, [role])
        profile = world.by_hand("GET", REALM, "/users/profile").json()
        for one in profile["attributes"]:
            if one["name"] == "laboratory":
                one["validations"] = {}
        world.by_hand("PUT", REALM, "/users/profile", profile)
        client = world.keycloak(catalog)
        plan = world.plan(catalog, client)
        changed = {one.key.name: one.changed for one in plan if isinstance(one, Update)}
        assert changed == {"smtp": {"host"}, "everybody": {"roles", "groups"}, "user-profile": {"laboratory"}}
        assert {key.name for key in plan.dangers} == set(changed)
        world.make(plan, client)
        assert told(world.plan(catalog)) == []


def test_a_password_that_keycloak_never_shows_is_neither_as_wanted_nor_changed(keycloak_server: KeycloakServer) -> None:
    """It cannot be compared, and plan and drift say so, whoever has written it last."""
    server = MailServer("mail.example.jp", 587, "starttls", "renkei", SecretRef("mail/smtp", "password"))
    for world in a_world(keycloak_server):
        there = platform(**EXTRA)
        catalog = world.here(replace(there, environment=replace(there.environment, mail=server)))
        world.apply(catalog)
        smtp = realm_of(world)["smtpServer"]
        for password in (None, "by hand"):  # as we have written it; as somebody has put another one into the console
            if password:
                edited = {"realm": world.realm(REALM), "smtpServer": {**smtp, "password": password}}
                world.by_hand("PUT", REALM, json=edited)
            plan = world.plan(catalog)
            assert told(plan) == []
            assert [(one.key.name, name) for one, name in plan.unproven] == [("smtp", "password")]
            document = plan_document(plan, About("tochigi", "production", NOON))
            for lines in (plan_lines(document), drift_lines(document)):
                assert any("mail smtp" in line and "password cannot be compared" in line for line in lines)
            assert not has_drifted(document)

        attributes = {name: text for name, text in realm_of(world)["attributes"].items() if name != "renkei.mail"}
        world.by_hand("PUT", REALM, json={"realm": world.realm(REALM), "attributes": attributes})
        (change,) = world.plan(catalog)  # we have never written it here, so it is written once
        assert isinstance(change, Update)
        document = plan_document(world.plan(catalog), About("tochigi", "production", NOON))
        (field,) = document["changes"][0]["changes"]
        assert field["before"] == {"cannot_be_compared": True, "written_last": None}
        assert any("cannot be compared) → (secret mail/smtp#password" in line for line in plan_lines(document))
        world.apply(catalog)
        assert told(world.plan(catalog)) == []


OURS = {*baseline.fields(platform().realms[REALM])}
NOT_TO_BE_SET = {"id", "realm", "defaultRole", "defaultGroups", "requiredCredentials", "attributes", "clientProfiles"}
NOT_TO_BE_SET |= {"clientPolicies", "notBefore", "adminPermissionsEnabled", "smtpServer"}


FOLLOWS = {"otpSupportedApplications"}  # from the OTP policy
RESET_BY_A_PARTIAL_PUT = {
    "cibaExpiresIn": "150",
    "cibaInterval": "9",
    "cibaBackchannelTokenDeliveryMode": "ping",
    "parRequestUriLifespan": "77",
}


def another(name: str, value: Any) -> Any:
    """A value that is not the one there and that Keycloak takes."""
    if name.endswith("Flow"):
        return {"registrationFlow": "direct grant"}.get(name, value)
    match value:
        case bool():
            return not value
        case int():
            return value + 7
        case "not specified" | "":
            return {"RequireResidentKey": "Yes", "ResidentKey": "preferred", "RpId": "example.jp"}.get(
                next((end for end in ("RequireResidentKey", "ResidentKey", "RpId") if name.endswith(end)), ""), value
            )
        case {"xFrameOptions": _}:
            return {**value, "xRobotsTag": "noindex", "referrerPolicy": "origin"}
    return value


def _disable_the_second_factor(world: World, flow: str) -> None:
    steps = f"/authentication/flows/{flow}/executions"
    otp = next(one for one in world.by_hand("GET", REALM, steps).json() if one.get("providerId") == "auth-otp-form")
    body = {"id": otp["id"], "requirement": "DISABLED", "priority": otp["priority"]}
    world.by_hand("PUT", REALM, steps, body)


def test_what_no_template_says_is_never_reset_by_what_one_says(keycloak_server: KeycloakServer) -> None:
    for world in a_world(keycloak_server):
        catalog = world.here(platform())
        world.apply(catalog)
        before = realm_of(world)
        bound = {"browserFlow", "directGrantFlow"}
        edits = {n: another(n, v) for n, v in before.items() if n not in OURS | NOT_TO_BE_SET | bound}
        edits["smtpServer"] = {"host": "mail.example.jp", "from": "info@example.jp", "user": "x", "password": "y"}
        attributes = {"by-hand": "stays", "frontendUrl": "https://id.example.jp", **RESET_BY_A_PARTIAL_PUT}
        edits["attributes"] = {**before["attributes"], **attributes, "oauth2DevicePollingInterval": "12"}
        edits["eventsListeners"] = ["jboss-logging", "email"]
        world.by_hand("PUT", REALM, json={"realm": world.realm(REALM), **edits})
        edited = realm_of(world)
        assert sum(edited.get(name) != before.get(name) for name in edits) > 40
        _disable_the_second_factor(world, edited["browserFlow"])  # so that the realm is bound anew, too
        says = {**EVERYTHING, "tokens": {"access": 240}, "brute_force": {"failures": 5}, "login": {}, "themes": {}}
        says |= {"headers": {"frame_options": "DENY"}, "otp": {"digits": 8}, "event_listeners": None}
        (realm,) = catalog.realms.values()
        said = platform(**says).realms[REALM].baseline
        changed = replace(catalog, realms={realm.name: replace(realm, baseline=said)})
        world.apply(changed)
        declared = {*baseline.fields(changed.realms[realm.name])}
        after = realm_of(world)
        assert after["notBefore"] > edited["notBefore"]  # whoever came in past the login flow is out
        rest = after.keys() - declared - FOLLOWS - {"notBefore"}
        for name in sorted(rest):
            assert after[name] == edited.get(name), name
        assert after["browserSecurityHeaders"] == {**edited["browserSecurityHeaders"], "xFrameOptions": "DENY"}
        assert told(world.plan(changed)) == []
