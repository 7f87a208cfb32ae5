"""How an identity provider is reached and believed: the settings that Keycloak takes, whole, for each protocol.

Signatures are always checked. What Keycloak would otherwise take from its own defaults is said, so that a change of it
is seen; a setting that stands in neither list is one that we do not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from control_plane.catalog.model import Catalog, Certificate, Oidc, Saml
from control_plane.engine.target import Check
from control_plane.engine.values import Fields, Secret, Value

SOON = timedelta(days=30)
SECRET = "clientSecret"  # noqa: S105  a setting of the provider
ON, OFF = "true", "false"
ISSUER, ENTITY = "issuer", "idpEntityId"  # who the provider is
NAMES = {"persistent": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"}
NAMES["email"] = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


def sort(one: Oidc | Saml) -> str:
    """Keycloak's name for the protocol."""
    return "oidc" if isinstance(one, Oidc) else "saml"


def wanted(one: Oidc | Saml) -> Fields:
    return _oidc(one) if isinstance(one, Oidc) else _saml(one)


def _oidc(one: Oidc) -> Fields:
    secret = one.client_secret
    return {
        ISSUER: one.issuer,
        "authorizationUrl": one.authorization_url,
        "tokenUrl": one.token_url,
        "jwksUrl": one.keys_url,
        "useJwksUrl": ON,
        "validateSignature": ON,
        "userInfoUrl": one.userinfo_url,
        "disableUserInfo": None if one.userinfo_url else ON,
        "logoutUrl": one.logout_url,
        "clientId": one.client_id,
        "clientAuthMethod": "client_secret_post" if secret else "private_key_jwt",
        "clientAssertionSigningAlg": None if secret else "RS256",
        "defaultScope": " ".join(one.scopes),
        "pkceEnabled": ON,
        "pkceMethod": "S256",
        SECRET: Secret(str(secret)) if secret else None,
    }


def _saml(one: Saml) -> Fields:
    """Requests are signed with the realm's key, answers and what they say of a person with one of the certificates."""
    return {
        ENTITY: one.entity_id,
        "entityId": None,  # of the realm: its own address
        "singleSignOnServiceUrl": one.sign_on_url,
        "singleLogoutServiceUrl": one.logout_url,
        "postBindingResponse": ON,
        "postBindingAuthnRequest": ON,
        "postBindingLogout": ON if one.logout_url else None,
        "nameIDPolicyFormat": NAMES[one.name_id],
        "principalType": "SUBJECT",
        "allowCreate": ON,
        "wantAuthnRequestsSigned": ON,
        "signatureAlgorithm": "RSA_SHA256",
        "wantAssertionsSigned": ON,
        "validateSignature": ON,
        "signingCertificate": ",".join(base64_of(each) for each in one.certificates),
    }


def base64_of(one: Certificate) -> str:
    """As SAML's metadata hold it: base64 on one line, without the lines around it."""
    return "".join(line for line in one.pem.splitlines() if not line.startswith("-----"))


KNOWN: Mapping[str, frozenset[str]] = {
    "oidc": frozenset(_oidc(Oidc("", "", "", "", ""))) - {SECRET},
    "saml": frozenset(_saml(Saml("", "", ()))),
}


def found(sort: str, settings: Mapping[str, str]) -> dict[str, Value]:
    """The settings of a provider that we know of its protocol; one that is off is as good as one that is not there."""
    said = {name: settings.get(name) or None for name in KNOWN.get(sort, ())}
    return {name: None if value == OFF else value for name, value in said.items()}


def more(sort: str, settings: Mapping[str, str]) -> frozenset[str]:
    """The names of those that we do not know, unless they are off. Their values may be somebody's secrets."""
    known = KNOWN.get(sort, frozenset())
    return frozenset(name for name, value in settings.items() if name not in known and value not in ("", OFF))


def lasting(catalog: Catalog) -> Iterator[Check]:
    """How long the certificates last with which SAML providers sign: Keycloak refuses logins under one that is over."""
    for provider, saml in catalog.saml():
        for one in saml.certificates:
            left = one.until - catalog.as_of
            yield Check(
                f"certificate of identity provider {provider.name}",
                left > SOON,
                f"{one.subject} until {one.until:%Y-%m-%d}" + (", which is over" if left <= timedelta() else ""),
                "ask its operator for the next one, and put it into the file beside the old one until he has changed",
            )
