"""Who is left out of the second factor by name, and which services ask for it again."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.people import template_of
from control_plane.catalog.checks.references import index
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.catalog.model import RealmBaseline
from control_plane.catalog.templates import baseline, line_of
from control_plane.problems import Problem


def check(declared: Declared) -> Iterator[Problem]:
    templates = index((entry.value.template, entry) for entry in declared.templates)
    for tenant in declared.tenants:
        name = template_of(declared, tenant)
        if name in templates and line_of(name, templates)[-1].value.extends in (None, *templates):
            found = baseline(name, templates)
            yield from _exemptions(tenant, found)
            yield from _assurance(tenant, found)


def _exemptions(tenant: DeclaredTenant, found: RealmBaseline) -> Iterator[Problem]:
    for user in tenant.users:
        if user.value.mfa_exempt and not found.exemptions:
            message = f"nobody may be left out of the second factor in a realm of template '{found.template}'"
            help = "mfa: {exemptions: true}, in the template: whoever may write there decides"
            yield user.problem(message, "mfa_exempt", help=help)


def _assurance(tenant: DeclaredTenant, found: RealmBaseline) -> Iterator[Problem]:
    for service in tenant.services():
        if service.value.assurance == 1:
            continue
        if not service.value.redirect_uris:
            message, help = "nobody signs in through this service", "redirect_uris: [https://…], or leave it out"
            yield service.problem(f"'assurance' has no effect: {message}", "assurance", help=help)
        elif found.step_up is None:
            message = f"logins of template '{found.template}' have no second level"
            help = "mfa: {step_up: 5m}, in the template: for so long one factor is good enough"
            yield service.problem(message, "assurance", help=help)
