"""What the language has for Keycloak, feature by feature: one by one beside a small realm, or all in one platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from control_plane.catalog import certificates
from control_plane.catalog.clientkeys import client_key
from control_plane.catalog.model import (
    Catalog,
    ClientAuth,
    Dormant,
    Exemption,
    FirstPassword,
    MailServer,
    MfaMode,
    People,
    ProviderMapper,
    Saml,
    TokenIssuer,
)
from tests.authorities import Authority
from tests.building import (
    KEY,
    TOKEN,
    USER,
    Part,
    a_grant,
    a_platform,
    during,
    in_environment,
    with_administrators,
    with_api,
    with_auditors,
    with_directory,
    with_group,
    with_guest,
    with_provider,
    with_role,
    with_scope,
    with_service,
    with_tenant,
    with_user,
)
from tests.keycloak.browser import CALLBACK
from tests.keycloak.platforms import OLD
from tests.kong.world import public_pem

REALM, CITY, OTHER = "tochigi", "nikko", "nasushiobara"  # a realm, a tenant in it, and a realm of another kind
KEYS = ClientAuth("RS256", (client_key(rsa.generate_private_key(65537, 2048).public_key(), "RS256"),))
SIGNS_IN: Mapping[str, Any] = {"tenant": REALM, "auth": (TOKEN,), "redirect_uris": (CALLBACK,)}
SENDER = {"from": "noreply@example.jp", "name": "栃木県"}
INVITED = People(keep_days=365, first_password=FirstPassword.MAIL, dormant_days=90, dormant=Dormant.DISABLE)
HANDED_OVER = People(keep_days=365, first_password=FirstPassword.STORE, dormant_days=90)


@dataclass(frozen=True)
class Feature:
    """Parts of a platform, and what they need of the realm's template."""

    parts: tuple[Part, ...]
    realm: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """Servers that Keycloak asks: a mail server on this machine, and a directory."""

    mail: int
    directory: str


BASE = (
    with_role("viewer"),
    with_role("editor", mfa=True, includes=["viewer"]),
    with_role("reader", a_grant("opendata")),
    with_api("ngsi-v2", auth=(KEY, TOKEN)),
    with_api("opendata", auth=(TOKEN,), callers=(USER,), scoping="none"),
    with_group("digital", tenant=REALM, roles=["editor"]),
    with_user("staff-01", tenant=REALM, groups=["digital"], roles=["viewer"], attributes={"department": "総務課"}),
    with_service("portal", tenant=REALM, reading="ngsi-v2", auth=[TOKEN]),
)
CITY_AND_ITS_PEOPLE = (
    with_tenant(CITY, in_realm_of=REALM),
    with_group("tourism", tenant=CITY, roles=["viewer"]),
    with_group("planning", tenant=CITY, roles=["editor"]),
    with_user("nikko-01", tenant=CITY, groups=["planning"]),
    with_user("nikko-02", tenant=CITY, groups=["tourism"]),
)


def features(places: Places) -> Mapping[str, Feature]:
    mail = in_environment(mail=MailServer("127.0.0.1", places.mail, "none"))
    exempt = Exemption("読み上げ端末のため", during(None, "2027-01-01"))
    found = {
        "a second factor of several": Feature(
            (with_user("staff-02", tenant=REALM, roles=["editor"], exempt=exempt),),
            {
                "mfa": MfaMode.EVERYONE,
                "factors": ("totp", "passkey"),
                "passkey": {"domain": "localhost"},
                "recovery_codes": True,
                "exemptions": True,
            },
        ),
        "mails and invitations": Feature(
            (mail, with_user("staff-03", tenant=REALM)), {"sender": SENDER, "people": INVITED}
        ),
        "a first password in the store": Feature((with_user("staff-04", tenant=REALM),), {"people": HANDED_OVER}),
        "an OpenID provider": Feature((with_provider("city", tenant=REALM, first_login="create", mappers=GIVES),)),
        "a SAML provider": Feature((with_provider("school", tenant=REALM, protocol=saml(), hidden=True),)),
        "a directory": Feature((with_directory("staff", tenant=REALM, url=places.directory, group="digital"),)),
        "a guest": Feature(
            (*CITY_AND_ITS_PEOPLE, with_guest("staff-01", of=REALM, tenant=CITY, groups=["tourism"])),
        ),
        "consent, and ids that one service alone knows": Feature(
            (
                with_scope("resident", owner=REALM, consent="お住まいの地区"),
                with_service("citizens", a_grant("ngsi-v2", scopes=["resident", "road"]), **SIGNS_IN, pairwise=True),
            )
        ),
        "a client with keys": Feature(
            (with_service("gis", reading="ngsi-v2", tenant=REALM, auth=(TOKEN,), client_auth=KEYS),)
        ),
        "a public client": Feature((with_service("page", reading="opendata", scopes=(), **SIGNS_IN, public=True),)),
        "rules for clients that people make": Feature(
            (), {"clients": {"pkce": True, "secure_redirects": True, "full_scope": False, "password_login": False}}
        ),
        "what comes later": Feature(
            (
                with_user("staff-05", tenant=REALM, period=during("2027-04-01")),
                with_service("later", reading="ngsi-v2", tenant=REALM, auth=(TOKEN,), period=during("2027-04-01")),
            )
        ),
    }
    newer = {
        "a second level of logins": Feature((with_service("safe", **SIGNS_IN, assurance=2),), {"step_up": 300}),
        "administrators and auditors": Feature(
            (
                *CITY_AND_ITS_PEOPLE,
                with_administrators("nikko-01", tenant=CITY, groups=["tourism"]),
                with_auditors("nikko-02", tenant=CITY),
            )
        ),
    }
    return found if OLD else found | newer


GIVES = (
    ProviderMapper(claim="department", attribute="department"),
    ProviderMapper(claim="clerk", value="yes", role="viewer"),
    ProviderMapper(group="digital"),
)


def saml() -> Saml:
    certificate = certificates.certificate(Authority().pair("login.example.jp").certificate)
    assert certificate is not None
    return Saml("https://login.example.jp", "https://login.example.jp/saml", (certificate,), name_id="email")


def a_realm_with(*some: Feature) -> Catalog:
    """One realm with these features beside what every one has."""
    asked: dict[str, Any] = {"mfa": MfaMode.BY_ROLE, "attributes": ("department",)}
    for one in some:
        asked |= one.realm
    parts = dict.fromkeys(part for one in some for part in one.parts)  # some have the city in common
    return a_platform(*BASE, with_tenant(REALM, **asked), *parts)


def everything(places: Places) -> Catalog:
    """Every feature in the one realm; what shuts another one out stands in a second."""
    known = dict(features(places))
    handed_over = known.pop("a first password in the store")
    theirs = TokenIssuer("https://id.example.jp/realms/x", "portal", "tochigi", public_pem("x"))
    elsewhere = Feature(
        (
            with_tenant(OTHER, mfa=MfaMode.BY_ROLE, default_roles=(), **handed_over.realm),
            with_user("nasu-01", roles=["editor"]),
            with_user("nasu-gone", period=during(None, "2026-09-30")),
            with_service("old", reading="ngsi-v2", auth=(KEY,)),
            with_service("platform", reading="ngsi-v2", auth=(TOKEN,), token_issuer=theirs),
        )
    )
    settings = {
        "password_policy": {"length": 12, "not_username": True},
        "brute_force": {"failures": 5, "wait": 60},
        "tokens": {"access": 300, "sso_idle": 1800},
        "login": {"edit_username": True},
    }
    return a_realm_with(Feature((), settings), *known.values(), elsewhere)
