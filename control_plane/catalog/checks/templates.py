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
        yield from _sessions(name, one, templates)


def _extends(declared: Declared, what: str, entries: Mapping[str, Located[E]]) -> Iterator[Problem]:
    for one in entries.values():
        if one.value.extends:
            yield from unknown(declared, what, one.value.extends, entries, one, "extends", folder="templates")
    follows = {name: [(one.value.extends, ("extends",))] for name, one in entries.items() if one.value.extends}
    yield from circles(what, "extends", entries, follows)


def _sessions(
    name: str, one: Located[RealmTemplateEntry], templates: Mapping[str, Located[RealmTemplateEntry]]
) -> Iterator[Problem]:
    """Values of a section that contradict each other, with what is extended folded in."""
    found = baseline(name, templates)
    for section, values, small, large in (
        ("tokens", found.tokens, "sso_idle", "sso_max"),
        ("tokens", found.tokens, "access", "sso_max"),
        ("brute_force", found.brute_force, "wait", "max_wait"),
    ):
        if small in values and large in values and values[small] > values[large]:
            own = next((key for key in (small, large) if key in _given(one, section)), None)
            if own:
                message = f"'{small}' ({values[small]} s) is longer than '{large}' ({values[large]} s)"
                yield one.problem(message, section, own)


def _given(one: Located[RealmTemplateEntry], section: str) -> frozenset[str]:
    entry = getattr(one.value, section)
    return frozenset(entry.model_fields_set) if entry is not None else frozenset()
