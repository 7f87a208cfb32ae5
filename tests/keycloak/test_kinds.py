"""What every kind of Keycloak must hold to, whichever it is; and what is wanted from a catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from control_plane.catalog import certificates
from control_plane.catalog.model import Auth, Catalog, FirstLogin, MfaMode, Saml
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Plan, make_plan, waves
from control_plane.engine.read import references
from control_plane.engine.resource import Key, Resource, state
from control_plane.engine.values import Secret, plain
from control_plane.keycloak import KINDS, Keycloak, doorways, logins, protocols
from control_plane.keycloak.flowtree import Flow, parse
from tests.authorities import Authority
from tests.building import (
    SERVICE,
    TOKEN,
    USER,
    a_grant,
    a_platform,
    a_version,
    during,
    with_api,
    with_directory,
    with_group,
    with_provider,
    with_role,
    with_scope,
    with_service,
    with_tenant,
    with_user,
)
from tests.keycloak import platforms


def a_small_platform() -> Catalog:
    """With a directory besides, which would have to answer, and with policies for clients that people make by hand."""
    rules = with_tenant("nasushiobara", step_up=300, clients={"pkce": True, "full_scope": False})
    return platforms.a_small_platform(with_directory("staff"), rules)


def wanted(catalog: Catalog, kind: str) -> dict[tuple[str, str], Resource]:
    (found,) = [one for one in KINDS if one.name == f"keycloak.{kind}"]
    return {(one.key.within, one.key.name): one for one in found.desired(catalog)}


TOLD = {
    "keycloak.administrator",
    "keycloak.realm-key",
}  # kinds of which nothing is ever wanted: what is there is told and left


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
class TestEveryKind:
    def test_says_whose_it_is_and_names_only_earlier_kinds(self, kind: Kind[Keycloak]) -> None:
        names = [one.name for one in KINDS]
        assert kind.name.startswith("keycloak.")
        assert set(kind.after) <= set(names[: names.index(kind.name)])

    def test_wants_objects_of_its_own_kind_each_once_in_a_realm_of_the_catalog(self, kind: Kind[Keycloak]) -> None:
        catalog = a_small_platform()
        found = list(kind.desired(catalog))
        assert bool(found) is (kind.name not in TOLD)
        assert {one.key.kind for one in found} <= {kind.name}
        assert {one.key.within for one in found} <= catalog.realms.keys()
        assert len(state(found)) == len(found)

    def test_says_which_yaml_asks_for_an_object(self, kind: Kind[Keycloak]) -> None:
        assert all(one.origin for one in kind.desired(a_small_platform()))

    def test_wants_fields_that_can_be_printed_and_no_secret_but_by_reference(self, kind: Kind[Keycloak]) -> None:
        for one in kind.desired(a_small_platform()):
            plain(one.fields)
            assert all(isinstance(found, Secret) and found.version is None for found in references(one.fields))

    def test_wants_the_same_twice(self, kind: Kind[Keycloak]) -> None:
        catalog = a_small_platform()
        assert list(kind.desired(catalog)) == list(kind.desired(catalog))

    def test_can_be_updated_and_is_deleted_or_left_or_a_part_of_something(self, kind: Kind[Keycloak]) -> None:
        assert bool(kind.update) is (kind.name not in TOLD)
        parts = {"profile", "composite", "binding", "mail", "default", "brokering"}
        assert kind.delete or kind.leaves or kind.name in TOLD or kind.name.removeprefix("keycloak.") in parts


def test_a_plan_of_what_is_wanted_and_there_is_empty() -> None:
    want = state(one for kind in KINDS for one in kind.desired(a_small_platform()))
    secrets = [key for key in want if key.kind in ("keycloak.client", "keycloak.provider")]
    assert secrets  # a secret that is not there yet is never the same
    assert {one.key for one in make_plan(KINDS, want, want)} <= set(secrets)


def test_nobody_is_given_anything_before_the_login_flow_is_bound() -> None:
    order = waves(KINDS)
    place = {name: number for number, names in enumerate(order) for name in names}
    assert place["keycloak.flow"] < place["keycloak.binding"]
    assert place["keycloak.composite"] < place["keycloak.binding"]
    assert place["keycloak.binding"] < min(place["keycloak.user"], place["keycloak.client"])
    assert place["keycloak.profile"] < place["keycloak.user"]


# ---------------------------------------------------------------- roles and MFA


def test_every_role_that_demands_mfa_holds_our_role_where_roles_decide() -> None:
    catalog = a_platform(
        with_role("viewer"),
        with_role("editor", mfa=True),
        with_role("operator", includes=["editor"]),
        with_tenant("tochigi", mfa=MfaMode.BY_ROLE),
        with_tenant("nikko"),
    )
    included = {name: one.fields["roles"] for name, one in wanted(catalog, "composite").items()}
    assert included["tochigi", "editor"] == frozenset({"renkei-mfa"})
    assert included["tochigi", "operator"] == frozenset({"editor", "renkei-mfa"})
    assert included["tochigi", "viewer"] == frozenset()
    assert included["nikko", "editor"] == frozenset()
    assert ("tochigi", "renkei-mfa") in wanted(catalog, "role")
    assert ("nikko", "renkei-mfa") not in wanted(catalog, "role")


HELD = (MfaMode.EVERYONE, MfaMode.BY_ROLE)  # the login flow is ours
ALL_REALMS = [
    (mode, factors, more)
    for mode in HELD
    for factors in (("totp",), ("passkey",), ("totp", "passkey"), ("passkey", "totp"))
    for more in ({}, {"recovery_codes": True}, {"exemptions": True}, {"step_up": 300}, {"step_up": 60})
]


def flow_of(mode: MfaMode, factors: tuple[str, ...], more: Mapping[str, Any] | None = None) -> Flow:
    catalog = a_platform(with_tenant("tochigi", mfa=mode, factors=factors, **(more or {})))
    return logins.browser(catalog.realms["tochigi"])


def test_a_flow_is_named_by_what_it_holds() -> None:
    names = Counter(flow_of(*realm).alias for realm in ALL_REALMS)
    assert set(names.values()) == {1}
    assert all(name.startswith("renkei-browser-v1-") for name in names)


@pytest.mark.parametrize(("mode", "factors", "more"), ALL_REALMS)
def test_a_flow_can_be_made_again_from_its_text(
    mode: MfaMode, factors: tuple[str, ...], more: Mapping[str, Any]
) -> None:
    flow = flow_of(mode, factors, more)
    assert parse(flow.lines) == flow.steps


@pytest.mark.parametrize(("mode", "factors", "more"), ALL_REALMS)
def test_who_comes_through_a_provider_proves_the_account_before_the_link_and_shows_a_factor_at_every_login(
    mode: MfaMode, factors: tuple[str, ...], more: Mapping[str, Any]
) -> None:
    realm = a_platform(with_tenant("tochigi", mfa=mode, factors=factors, **more)).realms["tochigi"]
    flows = [*(doorways.first_login(realm, way) for way in FirstLogin), doorways.after_provider(realm)]
    for flow in flows:
        assert parse(flow.lines) == flow.steps
        assert all(any(factor in line for line in flow.lines) for factor in logins.authenticators(realm.baseline))
        assert not [line for line in flow.lines if "idp-auto-link" in line or "idp-review-profile" in line]
    existing, create, after = (flow.lines for flow in flows)
    assert existing[:2] == ("REQUIRED idp-detect-existing-broker-user", "REQUIRED idp-username-password-form")
    assert create[0] == "ALTERNATIVE idp-create-user-if-unique"
    assert [line.strip() for line in create[2:]] == [line.strip() for line in existing[1:]]
    assert after[-1] == "REQUIRED allow-access-authenticator"
    assert ("CONDITIONAL flow: second level" in after) is ("step_up" in more)


@pytest.mark.parametrize("factors", [("totp",), ("totp", "passkey")])
@pytest.mark.parametrize("mode", HELD)
def test_nobody_is_left_out_of_the_second_level(mode: MfaMode, factors: tuple[str, ...]) -> None:
    lines = flow_of(mode, factors, {"exemptions": True, "step_up": 300}).lines
    second = lines[lines.index("  CONDITIONAL flow: second level") :]
    assert not [line for line in second if "conditional-user-role" in line or "conditional-user-attribute" in line]
    assert any("auth-otp-form" in line for line in second)


def test_where_everyone_must_show_a_second_factor_no_condition_can_fail_open() -> None:
    assert flow_of(MfaMode.EVERYONE, ("totp",)).lines == (
        "ALTERNATIVE auth-cookie",
        "ALTERNATIVE flow: forms",
        "  REQUIRED auth-username-password-form",
        "  REQUIRED auth-otp-form",
    )


def test_where_roles_decide_the_condition_names_our_role_alone() -> None:
    assert flow_of(MfaMode.BY_ROLE, ("totp",)).lines == (
        "ALTERNATIVE auth-cookie",
        "ALTERNATIVE flow: forms",
        "  REQUIRED auth-username-password-form",
        "  CONDITIONAL flow: second factor",
        '    REQUIRED conditional-user-role {"condUserRole":"renkei-mfa","negate":"false"}',
        "    REQUIRED auth-otp-form",
    )


def test_where_the_login_flow_is_unmanaged_nothing_is_said_of_logins() -> None:
    catalog = a_platform(with_role("editor", mfa=True), with_tenant("tochigi", mfa=MfaMode.UNMANAGED))
    assert not any(wanted(catalog, kind) for kind in ("flow", "binding", "action"))
    assert set(wanted(catalog, "role")) == {("tochigi", "editor")}


def test_a_new_password_by_mail_is_off_unless_the_template_says_so_or_leaves_the_login_as_it_is() -> None:
    says = {"nikko": {}, "oyama": {"login": {"reset_password": True}}, "sano": {"mfa": MfaMode.UNMANAGED}}
    catalog = a_platform(*(with_tenant(realm, **more) for realm, more in says.items()))  # type: ignore[arg-type]
    allowed = {realm: one.fields.get("resetPasswordAllowed") for (realm, _), one in wanted(catalog, "realm").items()}
    assert {realm: allowed[realm] for realm in says} == {"nikko": False, "oyama": True, "sano": None}
    flows = {realm: one.fields["flow"] for (realm, what), one in wanted(catalog, "binding").items() if what == "reset"}
    assert {realm: flows.get(realm) for realm in says} == {
        "nikko": "reset credentials",
        "oyama": logins.RESET.alias,
        "sano": None,
    }


def test_a_group_stands_where_it_stood_before_us_and_its_people_with_it() -> None:
    catalog = a_platform(with_group("digital", path="/offices/digital"), with_user("staff-01", groups=["digital"]))
    paths = {name for realm, name in wanted(catalog, "group") if realm == "nasushiobara"}
    assert paths == {"/nasushiobara", "/offices/digital"}
    assert wanted(catalog, "user")["nasushiobara", "staff-01"].fields["groups"] == frozenset({"/offices/digital"})


def test_the_direct_grant_is_closed_in_every_realm() -> None:
    bound = wanted(a_small_platform(), "binding")
    assert {realm for realm, purpose in bound if purpose == "direct-grant"} == frozenset({"tochigi", "nasushiobara"})
    assert logins.DIRECT_GRANT.lines == ("REQUIRED deny-access-authenticator",)


# ---------------------------------------------------------------- services and people


def test_a_service_that_uses_no_token_has_no_client() -> None:
    catalog = a_platform(with_service("batch", reading="ngsi-v2"), with_service("web", auth=[Auth.TOKEN]))
    assert set(wanted(catalog, "client")) == {("nasushiobara", "nasushiobara.web")}


def test_a_client_can_do_no_more_than_it_must() -> None:
    catalog = a_platform(with_service("portal", reading="ngsi-v2", auth=[Auth.TOKEN]))
    fields = wanted(catalog, "client")["nasushiobara", "nasushiobara.portal"].fields
    assert fields["defaultClientScopes"] == frozenset({"basic", "renkei-gateway", "data.road"})
    closed = ("publicClient", "standardFlowEnabled", "implicitFlowEnabled", "directAccessGrantsEnabled")
    assert {fields[name] for name in (*closed, "fullScopeAllowed")} == {False}
    assert fields["secret"] == Secret("services/nasushiobara.portal#client_secret")


def test_people_sign_in_only_through_a_client_with_redirect_addresses() -> None:
    address = "https://portal.example.jp/callback"
    catalog = a_platform(with_service("portal", auth=[Auth.TOKEN], redirect_uris=(address,)))
    fields = wanted(catalog, "client")["nasushiobara", "nasushiobara.portal"].fields
    assert fields["standardFlowEnabled"] is True
    assert fields["redirectUris"] == frozenset({address})


def test_a_client_may_tell_those_roles_that_have_grants_on_what_people_may_call_through_it() -> None:
    address = ("https://portal.example.jp/callback",)
    catalog = a_platform(
        with_api("ngsi-v2", auth=(TOKEN,), callers=(SERVICE, USER)),
        with_api("other", a_version("v1", "/other/v1"), auth=(TOKEN,), callers=(SERVICE, USER)),
        with_api("never", a_version("v1", "/never/v1"), auth=(TOKEN,)),
        with_service("portal", a_grant("ngsi-v2"), a_grant("never"), auth=(TOKEN,), redirect_uris=address),
        with_service("batch", a_grant("ngsi-v2"), auth=(TOKEN,)),
        with_service("desk", auth=(TOKEN,), redirect_uris=address),
        with_role("data-user", a_grant("ngsi-v2")),
        with_role("editor", includes=["data-user"]),
        with_role("of-another-api", a_grant("other")),
    )
    told = {name: fields.fields["roles"] for (_, name), fields in wanted(catalog, "client").items()}
    assert told == {
        "nasushiobara.portal": frozenset({"data-user"}),
        "nasushiobara.batch": frozenset(),
        "nasushiobara.desk": frozenset(),
    }


def test_a_data_scope_is_in_a_token_only_while_grant_and_scope_hold() -> None:
    catalog = a_platform(
        with_scope("road"),
        with_scope("river", period=during(None, "2026-10-01")),
        with_service(
            "portal",
            a_grant(scopes=["road"], period=during("2026-11-01")),
            a_grant(scopes=["river"]),
            a_grant(scopes=["rain"], period=during("2026-04-01", "2027-04-01")),
            auth=[Auth.TOKEN],
        ),
    )
    fields = wanted(catalog, "client")["nasushiobara", "nasushiobara.portal"].fields
    assert fields["defaultClientScopes"] == frozenset({"basic", "renkei-gateway", "data.rain"})
    names = {name for _, name in wanted(catalog, "scope")}
    assert names == {"renkei-gateway", "data.road", "data.river", "data.rain"}


def test_a_person_without_a_group_stands_in_the_tenants_own() -> None:
    users = wanted(a_small_platform(), "user")
    assert users["nasushiobara", "staff-02"].fields["groups"] == frozenset({"/nasushiobara"})
    assert users["tochigi", "nikko-01"].fields["groups"] == frozenset({"/nikko/viewers"})


def test_every_attribute_that_a_person_has_is_declared_in_the_profile() -> None:
    catalog = a_platform(with_user("staff-01", attributes={"laboratory": "x"}))
    assert "laboratory" in wanted(catalog, "profile")["nasushiobara", "user-profile"].fields


def test_the_otp_policy_is_wanted_whole() -> None:
    catalog = a_platform(with_tenant("nikko", otp={"digits": 8}))
    fields = wanted(catalog, "realm")["nikko", "nikko"].fields
    found = {name: value for name, value in fields.items() if name.startswith("otpPolicy")}
    assert found["otpPolicyDigits"] == 8
    assert found["otpPolicyPeriod"] == 30
    assert len(found) == 7


def test_another_domain_for_passkeys_says_what_is_lost_by_it_and_a_first_one_loses_nothing() -> None:
    def plan(before: Mapping[str, Any], after: Mapping[str, Any]) -> Plan:
        want, have = (
            state(one for kind in KINDS for one in kind.desired(a_platform(with_tenant("nikko", **more))))
            for more in (after, before)
        )
        return make_plan(KINDS, want, have)

    def taking(domain: str) -> dict[str, Any]:
        return {"factors": ("totp", "passkey"), "passkey": {"domain": domain}}

    realm = Key("keycloak.realm", "nikko", "nikko")
    moved = plan(taking("id.example.jp"), taking("example.jp"))
    assert moved.costs[realm] == (
        "every passkey of 'id.example.jp' is useless from then on: who has no other factor is led to make a new one"
    )
    assert "of the host of the login page" in plan(taking(""), taking("example.jp")).costs[realm]
    first = plan({"factors": ("totp",)}, taking("example.jp"))
    assert any(change.key == realm for change in first)
    assert first.costs == {}


def test_doctor_and_the_next_change_by_date_tell_when_a_saml_provider_can_sign_nobody_in_any_more() -> None:
    certificate = certificates.certificate(Authority().pair("login.example.jp", days=10).certificate)
    assert certificate
    saml = Saml("https://login.example.jp", "https://login.example.jp/saml", (certificate,))
    for before, fine in ((timedelta(days=31), True), (timedelta(days=29), False), (timedelta(), False)):
        catalog = a_platform(with_provider("city", protocol=saml), at=certificate.until - before)
        [told] = protocols.lasting(catalog)
        assert (told.ok, "which is over" in told.detail) == (fine, not before)
        assert catalog.next_change() == (certificate.until if before else None)
