"""Which differences in Keycloak give somebody more than Git says."""

from __future__ import annotations

import pytest

from control_plane.engine.plan import Delete, Update, difference
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Secret
from control_plane.keycloak import KINDS
from tests.building import a_platform, with_role, with_service, with_tenant, with_user

JUDGES = {kind.name: kind.danger for kind in KINDS}
PLATFORM = a_platform(
    with_tenant("nasushiobara", brute_force={"failures": 5}),
    with_role("operator", mfa=True),
    with_user("nasu-0001", roles=("operator",)),
    with_service("portal", reading="ngsi-v2", redirect_uris=("https://portal.example.jp/cb",), assurance=2),
)
WANTED = {
    resource.key.kind: resource
    for kind in KINDS
    for resource in kind.desired(PLATFORM)
    if resource.key.within == "nasushiobara"
}


def judged(kind: str, **found: object) -> str | None:
    """What is said of the wanted object of that kind when these fields are found in it."""
    want = WANTED[kind]
    change = difference(want, Resource(want.key, {**want.fields, **found}))
    assert isinstance(change, Update)
    judge = JUDGES[kind]
    assert judge is not None
    return judge(change, {})


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("keycloak.client", {"redirectUris": frozenset({"https://portal.example.jp/cb", "https://x.test/*"})}),
        ("keycloak.client", {"secret": Secret("", "another")}),
        ("keycloak.client", {"publicClient": True}),
        ("keycloak.client", {"fullScopeAllowed": True}),
        ("keycloak.client", {"directAccessGrantsEnabled": True}),
        ("keycloak.client", {"protocolMappers": frozenset({"forged"})}),
        ("keycloak.client", {"authenticationFlowBindingOverrides": frozenset({"browser=other"})}),
        ("keycloak.client", {"optionalClientScopes": frozenset({"data.river"})}),
        ("keycloak.user", {"roles": frozenset({"operator", "admin"})}),
        ("keycloak.group", {"client_roles": frozenset({"realm-management realm-admin"})}),
        ("keycloak.composite", {"client_roles": frozenset({"x realm-admin"})}),
        ("keycloak.client", {"minimum.acr.value": None}),
        ("keycloak.binding", {"flow": "browser"}),
        ("keycloak.flow", {"steps": ()}),
        ("keycloak.realm", {"registrationAllowed": True}),
        ("keycloak.realm", {"bruteForceProtected": False}),
        ("keycloak.realm", {"sslRequired": "none"}),
        ("keycloak.realm", {"otpPolicyPeriod": 0}),
        ("keycloak.action", {"enabled": False}),
    ],
)
def test_more_than_git_gives_is_a_danger(kind, found):
    assert judged(kind, **found)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("keycloak.client", {"redirectUris": frozenset()}),
        ("keycloak.client", {"name": "another title"}),
        ("keycloak.client", {"enabled": False}),
        ("keycloak.user", {"roles": frozenset()}),
        ("keycloak.action", {"priority": 1}),
        ("keycloak.user", {"enabled": False}),
        ("keycloak.user", {"email": "other@example.jp"}),
        ("keycloak.group", {"title": "another"}),
        ("keycloak.realm", {"displayName": "another"}),
        ("keycloak.realm", {"sslRequired": "all"}),
    ],
)
def test_less_than_git_gives_and_words_are_none(kind, found):
    assert judged(kind, **found) is None


def test_a_client_that_git_no_longer_knows_is_a_danger():
    judge = JUDGES["keycloak.client"]
    assert judge is not None
    assert judge(Delete(Resource(Key("keycloak.client", "nasushiobara", "nasushiobara.old"))), {})
