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
            used.add(name)


def _addresses(tenant: DeclaredTenant, found: RealmBaseline) -> Iterator[Problem]:
    for user in tenant.users:
        if user.value.email is None:
            note = f"Realm template '{found.template}' has `first_password: mail`."
            yield user.problem("nobody can invite a user without an e-mail address", "username", note=note)


def _first_password(templates: Templates, found: RealmBaseline) -> Iterator[Problem]:
    """Told where the word stands, which may be in a template that this one extends."""
    line = line_of(found.template, templates)
    said = next((one for one in line if one.value.people and one.value.people.first_password), None)
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


def _least(policy: Mapping[str, int | bool | str]) -> int:
    sorts = [policy.get(name) for name in ("upper", "lower", "digits", "special")]
    asked = sum(max(1, one) if isinstance(one, int) else 1 for one in sorts)
    return max(asked, int(policy.get("length", 0)))
