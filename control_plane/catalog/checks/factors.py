"""Who is left out of the second factor by name, which services ask for it again, and where passkeys can be used."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from control_plane.catalog.checks.people import template_of
from control_plane.catalog.checks.references import index
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.catalog.documents.templates import RealmTemplateEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import RealmBaseline
from control_plane.catalog.templates import baseline, line_of
from control_plane.problems import Problem

OF_PAGES = "the host of every environment's `public_url`, or a domain that they have in common"


def check(declared: Declared) -> Iterator[Problem]:
    templates = index((entry.value.template, entry) for entry in declared.templates)
    for entry in declared.templates:
        yield from _domain(declared, entry)
    unbound = dict[str, Located[RealmTemplateEntry]]()
    for tenant in declared.tenants:
        name = template_of(declared, tenant)
        if name in templates and line_of(name, templates)[-1].value.extends in (None, *templates):
            found = baseline(name, templates)
            if "passkey" in found.factors and "domain" not in found.passkey:
                giver = next(one for one in line_of(name, templates) if _factors(one))  # the default is no passkey
                unbound[giver.value.template] = giver
            yield from _exemptions(tenant, found)
            yield from _assurance(tenant, found)
    for template in unbound.values():
        yield _unbound(declared, template)


def _unbound(declared: Declared, template: Located[RealmTemplateEntry]) -> Problem:
    """Keycloak would bind each passkey to the host of the page on which it was made, whatever that was."""
    hosts = {host for _, host in _hosts(declared)}
    message = "'passkey' is a factor, and nothing says what passkeys are bound to"
    note = "Without it each is bound to the host of its page, and a domain that comes later makes all of them useless."
    help = f"passkey: {{domain: {hosts.pop() if len(hosts) == 1 else 'id.example.jp'}}}, {OF_PAGES}"
    return template.problem(message, "mfa", "factors", _factors(template).index("passkey"), note=note, help=help)


def _factors(template: Located[RealmTemplateEntry]) -> list[str]:
    return list(template.value.mfa.factors or ()) if template.value.mfa else []


def _hosts(declared: Declared) -> Iterator[tuple[str, str]]:
    """Of the login pages, by environment."""
    for name, environment in declared.environments().items():
        keycloak = environment.value.keycloak
        host = urlsplit(keycloak.public_url or keycloak.url).hostname if keycloak else None
        if host:
            yield name, host


def _domain(declared: Declared, template: Located[RealmTemplateEntry]) -> Iterator[Problem]:
    """A passkey that is bound to a domain is shown nowhere else: the browser refuses, and Keycloak says nothing."""
    domain = template.value.passkey.domain if template.value.passkey else None
    if domain is None:
        return
    for name, host in _hosts(declared):
        if host != domain and not host.endswith(f".{domain}"):
            message = f"no browser takes a passkey of '{domain}' on the login page of environment '{name}'"
            note = f"That page is at {host}."
            yield template.problem(message, "passkey", "domain", note=note, help=OF_PAGES)


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
