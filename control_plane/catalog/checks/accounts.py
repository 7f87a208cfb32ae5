"""What a realm template says of accounts can be held: there is a mail to send, and a password that its policy takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from control_plane.catalog.checks.people import template_of
from control_plane.catalog.checks.references import index
from control_plane.catalog.declared import Declared, DeclaredTenant
from control_plane.catalog.documents.templates import RealmTemplateEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import FirstPassword, RealmBaseline
from control_plane.catalog.templates import baseline, line_of
from control_plane.problems import Problem

Templates = Mapping[str, Located[RealmTemplateEntry]]


def check(declared: Declared) -> Iterator[Problem]:
    templates = index((entry.value.template, entry) for entry in declared.templates)
    used = set[str]()
    for tenant in declared.tenants:
        name = template_of(declared, tenant)
        if name in templates and line_of(name, templates)[-1].value.extends in (None, *templates):
            found = baseline(name, templates)
            if found.people.first_password is FirstPassword.MAIL:
                yield from _addresses(tenant, found)
            if name not in used:
                yield from _first_password(templates, found)
                yield from _dormancy(templates, found)
            used.add(name)


def _addresses(tenant: DeclaredTenant, found: RealmBaseline) -> Iterator[Problem]:
    for user in tenant.users:
        if user.value.email is None:
            note = f"Realm template '{found.template}' has `first_password: mail`."
            yield user.problem("nobody can invite a user without an e-mail address", "username", note=note)


def _first_password(templates: Templates, found: RealmBaseline) -> Iterator[Problem]:
    """Told where the word stands, which may be in a template that this one extends."""
    said = _said(templates, found, "first_password")
    if said is None:
        return
    policy, where = found.password_policy, ("people", "first_password")
    match found.people.first_password:
        case FirstPassword.MAIL if not found.sender:
            message = f"a realm of template '{found.template}' sends no mail, so nobody would be invited"
            yield said.problem(message, *where, help="mail: {from: noreply@example.jp}, in the template")
        case FirstPassword.STORE if "pattern" in policy:
            message = f"no password can be made up for the `pattern` of template '{found.template}'"
            yield said.problem(message, *where, help="first_password: mail, or rules without a pattern")
        case FirstPassword.STORE if _least(policy) > int(policy.get("max_length", 256)):
            message = f"no password holds to the rules of template '{found.template}'"
            note = f"They ask for {_least(policy)} characters, and `max_length` allows {policy['max_length']}."
            yield said.problem(message, *where, note=note)


def _dormancy(templates: Templates, found: RealmBaseline) -> Iterator[Problem]:
    days = _said(templates, found, "dormant_days")
    if days is None and (said := _said(templates, found, "dormant")):
        message = "'dormant' has no effect without 'dormant_days'"
        yield said.problem(message, "people", "dormant", help="dormant_days: 90")
    if days and (found.people.dormant_days or 0) > found.events_days:
        message = f"logins are kept for {found.events_days} days only, in a realm of template '{found.template}'"
        note = f"Nobody can be known to have been away for {found.people.dormant_days}."
        help = f"events: {{days: {found.people.dormant_days}}}, or more"
        yield days.problem(message, "people", "dormant_days", note=note, help=help)


def _said(templates: Templates, found: RealmBaseline, word: str) -> Located[RealmTemplateEntry] | None:
    """The template that says it: this one, or the nearest that it extends."""
    line = line_of(found.template, templates)
    return next((one for one in line if getattr(one.value.people, word, None) is not None), None)


def _least(policy: Mapping[str, int | bool | str]) -> int:
    sorts = [policy.get(name) for name in ("upper", "lower", "digits", "special")]
    asked = sum(max(1, one) if isinstance(one, int) else 1 for one in sorts)
    return max(asked, int(policy.get("length", 0)))
