"""Identity providers: each once in a realm, and none that would write over what Git says of people."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.references import twice
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.providers import IdentityProviderEntry
from control_plane.catalog.located import Located
from control_plane.problems import Problem

Provider = Located[IdentityProviderEntry]


def check(declared: Declared) -> Iterator[Problem]:
    realms: dict[str, list[Provider]] = {}
    for tenant in sorted(declared.tenants, key=lambda one: one.tenant.source.file):
        realms.setdefault(tenant.tenant.value.realm.shared or tenant.name, []).extend(tenant.identity_providers())
    for realm, providers in realms.items():
        rule = f"It must be unique in realm '{realm}'."
        entries = ((one.value.provider, one) for one in providers)
        yield from twice(entries, "identity provider", "provider", rule=rule)
        for one in providers:
            yield from _values(one)


def _values(one: Provider) -> Iterator[Problem]:
    provider = one.value
    if provider.sync == "force" and provider.first_login == "existing-only":
        message = "the provider would write over what Git says of these people"
        note = "With 'existing-only' everybody who comes has an account already, with a name and an address from here."
        yield one.problem(message, "sync", note=note, help="sync: import")
    if "openid" not in provider.oidc.scopes:
        message = "without 'openid' the provider says of nobody who he is"
        help = f"scopes: [{', '.join(['openid', *provider.oidc.scopes])}]"
        yield one.problem(message, "oidc", "scopes", help=help)
