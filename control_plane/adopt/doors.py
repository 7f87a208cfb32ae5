"""Logins elsewhere and the mail server of a realm as entries of ours.

A secret that Keycloak does not show becomes a reference; its value is put into the store by hand. Which account
somebody gets at the first login, and the second factor after it, are renkei's in every realm: the plan tells what
changes.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from functools import partial
from typing import Any

from control_plane.adopt.realms import LEAVE, Draft, Drafts, holds, of, short, title_of
from control_plane.adopt.translation import Note
from control_plane.catalog.certificates import certificate
from control_plane.catalog.documents.platform import MailEntry
from control_plane.catalog.documents.providers import IdentityProviderEntry
from control_plane.catalog.model import SecretRef
from control_plane.engine.resource import Resource, State
from control_plane.engine.values import Fields
from control_plane.keycloak import providermappers, providers
from control_plane.keycloak.answers import Json
from control_plane.keycloak.protocols import ENTITY, ISSUER, NAMES

MAKES_ACCOUNTS = "first broker login"  # Keycloak's own flow, also where none is said: who has no account gets one
WORDS = {field: word for word, field in providermappers.FIELDS.items()}


def add_providers(drafts: Drafts, found: State, draft: Draft) -> None:
    for one in of(found, providers.NAME, draft.name):
        what = f"provider {one.key.name} of realm {draft.name}"
        if one.fields.get("enabled") is not True:
            drafts.notes.append(Note(what, "it is switched off, and the YAML has no word for that", LEAVE))
            continue
        file = f"keys/{draft.name}.{one.key.name}.pem"
        entry = _provider(drafts, one, draft, file)
        if holds(drafts, IdentityProviderEntry, entry, what, partial(_no_certificate, one)):
            draft.providers[one.key.name] = short(entry)
            if "saml" in entry:
                drafts.certificates[file] = "".join(_certificates(one))


def _no_certificate(one: Resource, entry: Mapping[str, Any]) -> str | None:
    if "saml" in entry and not all(map(certificate, _certificates(one))):
        return "it names no certificate that its answers are signed with, or one that cannot be read"
    return None


def _certificates(one: Resource) -> list[str]:
    """As PEM; Keycloak keeps them as base64 on one line, a comma between two."""
    return [_pem(each) for each in str(one.fields.get("signingCertificate") or "").split(",")]


def _provider(drafts: Drafts, one: Resource, draft: Draft, file: str) -> dict[str, Any]:
    fields, name = one.fields, one.key.name
    protocol = "saml" if fields.get("providerId") == "saml" else "oidc"
    said = _saml(fields, file) if protocol == "saml" else _oidc(fields, SecretRef(f"providers/{name}", "client_secret"))
    lines = fields.get(providers.MAPPERS)
    found = (
        (_mapper(drafts, json.loads(str(line)), draft) for line in sorted(map(str, lines)))
        if isinstance(lines, frozenset)
        else ()
    )
    return {
        "provider": name,
        "title": title_of(fields.get("displayName"), name),
        protocol: {word: value for word, value in said.items() if value},
        "first_login": "create" if fields.get(providers.FIRST) in (None, MAKES_ACCOUNTS) else "existing-only",
        "sync": "force" if fields.get(providers.SYNC) == providermappers.FORCE else "import",
        "mappers": [one for one in found if one],
        "hide_on_login": True if fields.get("hideOnLogin") is True else None,
    }


def _oidc(fields: Fields, secret: SecretRef) -> dict[str, Any]:
    by_key = fields.get("clientAuthMethod") == "private_key_jwt"
    return {
        "issuer": fields.get(ISSUER),
        "authorization_url": fields.get("authorizationUrl"),
        "token_url": fields.get("tokenUrl"),
        "keys_url": fields.get("jwksUrl"),
        "userinfo_url": fields.get("userInfoUrl"),
        "logout_url": fields.get("logoutUrl"),
        "client_id": fields.get("clientId"),
        "client_secret": None if by_key else secret,
        "scopes": str(fields.get("defaultScope") or "openid").split(),
    }


def _saml(fields: Fields, file: str) -> dict[str, Any]:
    return {
        "entity_id": fields.get(ENTITY),
        "sign_on_url": fields.get("singleSignOnServiceUrl"),
        "logout_url": fields.get("singleLogoutServiceUrl"),
        "certificate": file,
        "name_id": next(
            (word for word, name in NAMES.items() if name == fields.get("nameIDPolicyFormat")), "persistent"
        ),
    }


def _pem(base64: str) -> str:
    lines = "\n".join(textwrap.wrap("".join(base64.split()), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def _mapper(drafts: Drafts, one: Mapping[str, str], draft: Draft) -> dict[str, Any] | None:
    """In our words, where there are some; whether they say the same is the plan's to judge."""
    claim, value = one.get("claim") or one.get("attribute.name"), one.get("claim.value") or one.get("attribute.value")
    known = [one if isinstance(one, str) else one["name"] for one in draft.template.get("attributes", ())]
    if field := one.get("user.attribute"):
        return {"claim": claim, "attribute": WORDS.get(field, field)} if field in (*WORDS, *known) else None
    if role := one.get("role"):
        return {"claim": claim, "value": value, "role": role} if role in drafts.roles else None
    if path := one.get("group"):
        group = draft.groups.get(path, {}).get("group")
        pairs = json.loads(one.get("claims") or one.get("attributes") or "[{}]")
        by = {"claim": pairs[0].get("key"), "value": pairs[0].get("value")}
        return {"group": group, **{word: text for word, text in by.items() if text}} if group else None
    if template := one.get("template"):
        return {"claim": template.partition(".")[2].removesuffix("}"), "attribute": "username"}
    return None


# ---------------------------------------------------------------- mail


def add_mail(drafts: Drafts, realms: Mapping[str, Json]) -> None:
    """The server of all realms that send mails: an environment has one."""
    found = {name: smtp for name, realm in sorted(realms.items()) if (smtp := realm.get("smtpServer"))}
    entries = {name: short(_mail(smtp)) for name, smtp in found.items()}
    first = next(iter(entries.values()), None)
    for name, entry in entries.items():
        if entry != first:
            why = "an environment has one mail server, and another realm has another one"
            drafts.notes.append(Note(f"mail server of realm {name}", why, "it stays; leave `mail` out of its template"))
            drafts.realms[name].template.pop("mail", None)
        elif "mail" not in drafts.realms[name].template:
            why = "it says no address that mails come from"
            drafts.notes.append(Note(f"mail server of realm {name}", why, "it stays; say `mail: {from: …}` by hand"))
        elif holds(drafts, MailEntry, entry, f"mail server of realm {name}"):
            drafts.mail = entry


def _mail(smtp: Json) -> dict[str, Any]:
    on = {name: str(smtp.get(name)).lower() == "true" for name in ("ssl", "starttls", "auth")}
    port = str(smtp.get("port") or 25)
    return {
        "host": smtp.get("host"),
        "port": int(port) if port.isdecimal() else port,
        "encryption": "tls" if on["ssl"] else "starttls" if on["starttls"] else "none",
        **({"user": smtp.get("user"), "password": SecretRef("mail/smtp", "password")} if on["auth"] else {}),
    }
