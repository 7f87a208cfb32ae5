"""docs/reference/language.md names every key of the language, in the section of its model, with its true default."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from control_plane.catalog.documents import (
    KINDS,
    ApiDocument,
    PlatformDocument,
    RolesDocument,
    TemplatesDocument,
    TenantDocument,
)
from control_plane.catalog.documents.platform import KeycloakEntry
from control_plane.catalog.origins import read_yaml

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "reference/language.md"
SECTIONS = {
    "PlatformDocument": "renkei.yaml",
    "LimitsEntry": "limits",
    "EnvironmentEntry": "An environment",
    "KeycloakEntry": "keycloak",
    "KongEntry": "kong",
    "RedisEntry": "redis",
    "BehindEntry": "behind",
    "SecretsEntry": "secrets",
    "VaultEntry": "vault",
    "UpstreamEntry": "upstreams",
    "TargetEntry": "targets",
    "HealthEntry": "health",
    "ClientCertificateEntry": "client_certificate",
    "TimeoutsEntry": "timeouts",
    "AccessLogEntry": "access_log",
    "RoleEntry": "Roles",
    "ScopeEntry": "Data scopes",
    "FiwareEntry": "fiware",
    "ApiDocument": "APIs",
    "VersionEntry": "A version",
    "DefaultEntry": "A default version",
    "LevelEntry": "A level",
    "CallLimit": "A limit",
    "TenantDocument": "Tenants",
    "RealmEntry": "Realm",
    "GroupEntry": "Groups",
    "UserEntry": "Users",
    "ExemptionEntry": "mfa_exempt",
    "AdministratorsEntry": "administrators",
    "AuditorsEntry": "auditors",
    "GuestEntry": "guests",
    "RosterEntry": "A roster",
    "ServiceEntry": "Services",
    "ClientAuthEntry": "client_auth",
    "TokenIssuerEntry": "token_issuer",
    "IdentityProviderEntry": "Identity providers",
    "DirectoryEntry": "Directories",
    "OidcEntry": "oidc",
    "SamlEntry": "saml",
    "MapperEntry": "mappers",
    "GrantEntry": "Grants",
    "ApprovalEntry": "approval",
    "RealmTemplateEntry": "Realm templates",
    "MfaEntry": "mfa",
    "PasswordEntry": "password",
    "BruteForceEntry": "brute_force",
    "TokensEntry": "tokens",
    "LoginEntry": "login",
    "ThemesEntry": "themes",
    "HeadersEntry": "headers",
    "OtpEntry": "otp",
    "PasskeyEntry": "passkey",
    "SenderEntry": "sender",
    "ClientsEntry": "Clients made by hand",
    "AttributeEntry": "attributes",
    "MailEntry": "mail",
    "EventsEntry": "events",
    "PeopleEntry": "people",
    "PlanEntry": "API plans",
    "CorsEntry": "cors",
}
TENANT = "tenant: city\ntitle: 見本市\ntype: municipality\nrealm: {template: staff}\n"
API = "api: ngsi-v2\ntitle: NGSIv2\nowner: city\nupstream: orion\nauth: [api-key]\nlevels: {read: {methods: [GET]}}\n"
SERVICE = TENANT + "services:\n  - service: portal\n    title: 地域ポータル\n    auth: [api-key]\n    grants:\n"
PROVIDER = (
    TENANT
    + "identity_providers:\n  - provider: login\n    title: ログイン\n    first_login: create\n    sync: import\n"
    "    saml: {entity_id: login, sign_on_url: https://login.example.jp, certificate: login.pem}\n"
)
FRAGMENTS: dict[
    str, tuple[type[BaseModel], str]
] = {  # by its first key: the model, and what stands before it in a file
    "platform": (PlatformDocument, ""),
    "client_secret": (KeycloakEntry, "url: https://keycloak.example.jp\nclient_id: renkei\n"),
    "roles": (RolesDocument, ""),
    "data_scopes": (RolesDocument, ""),
    "api": (ApiDocument, ""),
    "tenant": (TenantDocument, ""),
    "guests": (TenantDocument, TENANT),
    "groups": (TenantDocument, TENANT),
    "users": (TenantDocument, TENANT),
    "services": (TenantDocument, TENANT),
    "identity_providers": (TenantDocument, TENANT),
    "directories": (TenantDocument, TENANT),
    "mappers": (TenantDocument, PROVIDER),
    "- api": (TenantDocument, SERVICE),
    "versions": (ApiDocument, API),
    "realm_templates": (TemplatesDocument, ""),
    "api_plans": (TemplatesDocument, ""),
    "environments": (PlatformDocument, "platform: tochigi\n"),
}
LISTS = {"RolesDocument", "TemplatesDocument"}  # two lists each, described in a sentence


def models() -> dict[str, type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    todo = [kind.model for kind in KINDS]
    while todo:
        model = todo.pop()
        if model.__name__ not in found:
            found[model.__name__] = model
            todo.extend(inner for field in model.model_fields.values() for inner in models_in(field.annotation))
    return found


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from models_in(argument)


def rows(section: str) -> dict[str, list[str]]:
    """The tables under a heading: key to its other cells."""
    text = re.search(rf"^#+ {re.escape(section)}\n(.*?)(?=^#+ |\Z)", PAGE.read_text(), re.M | re.S)
    assert text, f"no section {section!r}"
    table = [line.strip("|").split(" | ") for line in text[1].splitlines() if line.startswith("| `")]
    return {key: [cell.strip() for cell in cells] for first, *cells in table for key in re.findall(r"`(\w+)`", first)}


def default_as_written(field: FieldInfo) -> str | None:
    """The default as the page writes it; None where a template's default holds in the end."""
    if field.is_required():
        return "required"
    match field.get_default(call_default_factory=True):
        case None:
            return None
        case "":
            return '`""`'
        case bool(value):
            return f"`{str(value).lower()}`"
        case list(values):
            return f"`[{', '.join(map(str, values))}]`"
        case str() | int() as value:
            return f"`{value}`"
        case dict():
            return "`{}`"
        case _:
            return None


@pytest.mark.parametrize("name", sorted(models()))
def test_every_key_is_on_the_page_with_its_default(name):
    if name in LISTS:
        assert all(f"`{key}`" in PAGE.read_text() for key in models()[name].model_fields)
        return
    written = rows(SECTIONS[name])
    fields = {field.alias or key: field for key, field in models()[name].model_fields.items()}
    assert set(written) == set(fields)
    for key, field in fields.items():
        expected = default_as_written(field)
        assert expected is None or written[key][1] == expected, key


def test_every_section_of_the_page_belongs_to_a_model():
    assert set(SECTIONS) | LISTS == set(models())


def yaml_blocks() -> list[tuple[str, str]]:
    pages = [*DOCS.glob("reference/language.md"), *DOCS.glob("how-to/*.md")]
    return [
        (page.name, re.sub(f"^{indent}", "", text, flags=re.M))
        for page in sorted(pages)
        for indent, text in re.findall(r"^( *)```yaml\n(.*?)^\1```", page.read_text(), re.M | re.S)
    ]


@pytest.mark.parametrize(("page", "text"), yaml_blocks())
def test_every_example_on_the_pages_is_read_by_the_models(page, text):
    first = re.search(r"^ *(- api|[a-z_]+):", text, re.M)
    assert first
    if text.startswith("# yaml-language-server") and len(text.splitlines()) < 4:
        return  # shows the first line of a file, not a file
    model, before = FRAGMENTS[first[1]]
    read = read_yaml(page, before + text)
    assert not read.problems
    model.model_validate(read.source.data)
