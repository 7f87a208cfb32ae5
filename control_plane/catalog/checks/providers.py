"""Identity providers: each once in a realm, and none that writes over what Git says of people, or is written over."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.people import template_of
from control_plane.catalog.checks.references import index, twice, unknown
from control_plane.catalog.declared import Declared, DeclaredTenant, items
from control_plane.catalog.documents.providers import IdentityProviderEntry, MapperEntry
from control_plane.catalog.located import Located
from control_plane.catalog.templates import baseline, line_of
from control_plane.problems import Problem

Provider = Located[IdentityProviderEntry]
Mapper = Located[MapperEntry]
FINDS = ("email", "username")  # by these an account is found
NAMES = (*FINDS, "family_name", "given_name")  # what every account has


def check(declared: Declared) -> Iterator[Problem]:
    realms: dict[str, list[DeclaredTenant]] = {}
    for tenant in sorted(declared.tenants, key=lambda one: one.tenant.source.file):
        realms.setdefault(tenant.tenant.value.realm.shared or tenant.name, []).append(tenant)
    for realm, tenants in realms.items():
        rule = f"It must be unique in realm '{realm}'."
        entries = ((one.value.provider, one) for tenant in tenants for one in tenant.identity_providers())
        yield from twice(entries, "identity provider", "provider", rule=rule)
        for tenant in tenants:
            for provider in tenant.identity_providers():
                yield from _values(provider)
                yield from _mappers(declared, tenant, tenants, provider)


def _values(one: Provider) -> Iterator[Problem]:
    provider = one.value
    if provider.sync == "force" and provider.first_login == "existing-only":
        message = "the provider would write over what Git says of these people"
        note = "With 'existing-only' everybody who comes has an account already, with a name and an address from here."
        yield one.problem(message, "sync", note=note, help="sync: import")
    if provider.oidc and "openid" not in provider.oidc.scopes:
        message = "without 'openid' the provider says of nobody who he is"
        help = f"scopes: [{', '.join(['openid', *provider.oidc.scopes])}]"
        yield one.problem(message, "oidc", "scopes", help=help)


def _mappers(
    declared: Declared, tenant: DeclaredTenant, tenants: list[DeclaredTenant], provider: Provider
) -> Iterator[Problem]:
    mappers = list(items(provider, "mappers", provider.value.mappers))
    for position, mapper in enumerate(mappers):
        if mapper.value in (earlier.value for earlier in mappers[:position]):
            yield mapper.problem("this mapper stands there already")
    creates = provider.value.first_login == "create"
    roles = {one.value.role for one in declared.roles}
    groups = {one.value.group for one in tenant.groups()}
    for mapper in mappers:
        one = mapper.value
        if one.attribute is not None:
            yield from _attribute(declared, tenant, mapper, creates)
        if one.role is not None:
            yield from unknown(declared, "role", one.role, roles, mapper, "role", folder="roles")
            yield from _given_by_git(mapper, "role", one.role, tenants)
        if one.group is not None:
            what = f"group of {tenant.name}"
            yield from unknown(declared, what, one.group, groups, mapper, "group", folder="tenants")
            if one.claim is None and not creates:
                message = "'group' without a claim has no effect: with 'existing-only' no account is made"
                yield mapper.problem(message, "group", help="say it in the groups of the people")
            if one.claim is not None:
                yield from _given_by_git(mapper, "group", one.group, [tenant])


def _attribute(declared: Declared, tenant: DeclaredTenant, mapper: Mapper, creates: bool) -> Iterator[Problem]:
    name = mapper.value.attribute
    template = template_of(declared, tenant)
    templates = index((entry.value.template, entry) for entry in declared.templates)
    if name not in NAMES:
        if template not in templates or line_of(template, templates)[-1].value.extends not in (None, *templates):
            return
        known = baseline(template, templates).attributes
        if name not in known:
            declares = f"Realm template '{template}' declares: {', '.join(known) or 'none'}."
            note = f"{declares} Every account has {', '.join(NAMES)}."
            yield mapper.problem(f"the realm does not know the attribute '{name}'", "attribute", note=note)
            return
    if name not in FINDS and not creates:
        message = f"'{name}' is never taken: with 'existing-only' Git says it of everybody who comes"
        yield mapper.problem(message, "attribute", help="leave it out, or first_login: create")


def _given_by_git(mapper: Mapper, what: str, name: str, tenants: list[DeclaredTenant]) -> Iterator[Problem]:
    """The login would take it away, and the next apply give it back."""
    for tenant in tenants:
        for user in tenant.users:
            if name in (user.value.roles if what == "role" else user.value.groups):
                message = f"{what} '{name}' is given by Git, and this login would take it away"
                note = f"'{user.value.username}' has it in {user.origin(what + 's')}."
                yield mapper.problem(message, what, note=note, help="let one of the two say who has it")
                return
