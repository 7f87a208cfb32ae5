"""What extends what, in realm templates, API plans and roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from control_plane.catalog.checks.references import circles, index, unknown
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.templates import PlanEntry, RealmTemplateEntry
from control_plane.catalog.located import Located
from control_plane.catalog.templates import baseline
from control_plane.problems import Problem

E = TypeVar("E", RealmTemplateEntry, PlanEntry)


def check(declared: Declared) -> Iterator[Problem]:
    templates = index((one.value.template, one) for one in declared.templates)
    yield from _extends(declared, "realm template", templates)
    yield from _extends(declared, "API plan", index((one.value.plan, one) for one in declared.plans))
    for name, one in templates.items():
        yield from _values(name, one, templates)


def _extends(declared: Declared, what: str, entries: Mapping[str, Located[E]]) -> Iterator[Problem]:
    for one in entries.values():
        if one.value.extends:
            yield from unknown(declared, what, one.value.extends, entries, one, "extends", folder="templates")
    follows = {name: [(one.value.extends, ("extends",))] for name, one in entries.items() if one.value.extends}
    yield from circles(what, "extends", entries, follows)


NOT_LONGER = (  # section, and in it the one that is not greater than the other
    ("tokens", "access", "sso_idle"),
    ("tokens", "sso_idle", "sso_max"),
    ("tokens", "access", "sso_max"),
    ("tokens", "remember_idle", "remember_max"),
    ("tokens", "client_idle", "sso_idle"),
    ("tokens", "client_max", "sso_max"),
    ("tokens", "client_idle", "client_max"),
    ("tokens", "offline_idle", "offline_max"),
    ("brute_force", "wait", "max_wait"),
    ("brute_force", "quick_wait", "max_wait"),
)
NEEDS = (  # what has no effect unless the other is on
    ("tokens", "refresh_reuse", "tokens", "refresh_once"),
    ("tokens", "remember_idle", "login", "remember_me"),
    ("tokens", "remember_max", "login", "remember_me"),
    ("brute_force", "lockouts", "brute_force", "permanent"),
)


def _values(
    name: str, one: Located[RealmTemplateEntry], templates: Mapping[str, Located[RealmTemplateEntry]]
) -> Iterator[Problem]:
    """Values that contradict each other, with what is extended folded in; told where this template gives one."""
    found = baseline(name, templates)
    sections: Mapping[str, Mapping[str, int | bool | str]] = {
        "tokens": found.tokens,
        "brute_force": found.brute_force,
        "login": found.login,
        "password": found.password_policy,
    }
    for section, small, large in NOT_LONGER:
        less, more = sections[section].get(small), sections[section].get(large)
        if isinstance(less, int) and isinstance(more, int) and less > more:
            own = next((key for key in (small, large) if key in _given(one, section)), None)
            if own:
                yield one.problem(f"'{small}' ({less} s) is longer than '{large}' ({more} s)", section, own)
    for section, word, other, switch in NEEDS:
        if word in _given(one, section) and sections[other].get(switch) is not True:
            help = f"{other}: {{{switch}: true}}, or leave '{word}' out"
            yield one.problem(f"'{word}' has no effect without '{switch}'", section, word, help=help)
    yield from _length(one, found.password_policy)
    for word in ("verify_email", "reset_password"):
        if word in _given(one, "login") and found.login.get(word) and not found.sender:
            help = "mail: {from: noreply@example.jp}, and the environment's `mail` says which server takes it"
            yield one.problem(f"'{word}' sends mails, and the realm has no sender", "login", word, help=help)


def _length(one: Located[RealmTemplateEntry], policy: Mapping[str, int | bool | str]) -> Iterator[Problem]:
    """No password could be found that holds to the policy."""
    longest = policy.get("max_length")
    if not isinstance(longest, int):
        return
    counts = [found for name in ("upper", "lower", "digits", "special") if isinstance(found := policy.get(name), int)]
    least = max(sum(counts), int(policy.get("length", 0)))
    own = next((key for key in ("max_length", "length", "special") if key in _given(one, "password")), None)
    if least > longest and own:
        message = f"a password must have {least} characters at least and 'max_length' ({longest}) at most"
        yield one.problem(message, "password", own)


def _given(one: Located[RealmTemplateEntry], section: str) -> frozenset[str]:
    entry = getattr(one.value, section)
    return frozenset(entry.model_fields_set) if entry is not None else frozenset()
