"""Ids that stand twice, and ids that nobody may take."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.references import twice
from control_plane.catalog.declared import Declared, DeclaredTenant, full_name
from control_plane.catalog.documents.realms import attribute_name
from control_plane.catalog.documents.tenants import ServiceEntry
from control_plane.catalog.located import Located
from control_plane.problems import Problem

REALMS = frozenset({"master"})  # Keycloak's own
ROLES = ("renkei-", "default-roles-")  # ours (renkei-mfa demands the second factor), and Keycloak's
USERNAMES = ("service-account-",)  # the account that Keycloak makes for a client: service-account-city.portal
ATTRIBUTES = ("renkei",)  # our marks
OWN_ATTRIBUTES = frozenset({"username", "email", "firstName", "lastName", "locale"})  # Keycloak's user profile


def check(declared: Declared) -> Iterator[Problem]:
    yield from twice(((one.name, one.tenant) for one in declared.tenants), "tenant", "tenant")
    yield from twice(((one.value.api, one) for one in declared.apis), "API", "api")
    yield from twice(((one.value.role, one) for one in declared.roles), "role", "role")
    yield from twice(((one.value.scope, one) for one in declared.scopes), "data scope", "scope")
    yield from twice(((one.value.template, one) for one in declared.templates), "realm template", "template")
    yield from twice(((one.value.plan, one) for one in declared.plans), "API plan", "plan")
    for tenant in declared.tenants:
        yield from twice(((group.value.group, group) for group in tenant.groups()), "group", "group")
        yield from twice(((service.value.service, service) for service in tenant.services()), "service", "service")
        yield from _reserved_in(tenant)
    yield from _renamed_services(declared)
    for role in declared.roles:
        if role.value.role.startswith(ROLES):
            note = f"Roles that begin with {_listed(ROLES)} are renkei's and Keycloak's own."
            yield role.problem(f"the role's id '{role.value.role}' is reserved", "role", note=note)
    for template in declared.templates:
        for position, name in enumerate(map(attribute_name, template.value.attributes or ())):
            if name.startswith(ATTRIBUTES) or name in OWN_ATTRIBUTES:
                note = "Every realm has it, or renkei marks by it what is its own."
                yield template.problem(f"the attribute '{name}' is reserved", "attributes", position, note=note)


def _reserved_in(tenant: DeclaredTenant) -> Iterator[Problem]:
    if tenant.name in REALMS:
        note = "A tenant's id is the name of its realm, and this realm is Keycloak's own."
        yield tenant.tenant.problem(f"the tenant's id '{tenant.name}' is reserved", "tenant", note=note)
    for user in tenant.users:
        if user.value.username.startswith(USERNAMES):
            note = f"Keycloak names the accounts of clients so: {_listed(USERNAMES)}…"
            yield user.problem(f"the username '{user.value.username}' is reserved", "username", note=note)


def _renamed_services(declared: Declared) -> Iterator[Problem]:
    """A former name belongs to one service: to nobody who still has it, and to one who takes over."""
    services = [(f"{tenant.name}.{one.value.service}", one) for tenant in declared.tenants for one in tenant.services()]
    now = dict(services)
    taken: dict[str, Located[ServiceEntry]] = {}
    for name, one in services:
        if one.value.previously is None:
            continue
        former = full_name(one.value.previously, name.partition(".")[0])
        if former in now:
            note = f"It is declared in {now[former].origin('service')}." if former != name else None
            help = "a former name is free only when nobody has it; leave 'previously' out"
            yield one.problem(f"service '{former}' is still there", "previously", note=note, help=help)
        elif former in taken:
            note = f"The other one stands in {taken[former].origin('previously')}."
            help = "its key and its secret can go to one of them"
            yield one.problem(f"two services were '{former}' before", "previously", note=note, help=help)
        taken.setdefault(former, one)


def _listed(words: tuple[str, ...]) -> str:
    return " or ".join(f"'{word}'" for word in words)
