"""Environments: what they extend, that they are complete, and that every API has its upstream in each of them."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.checks.references import circles, unknown
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.platform import EnvironmentEntry
from control_plane.catalog.located import Located
from control_plane.catalog.templates import environment, line_of
from control_plane.problems import Origin, Problem


def check(declared: Declared) -> Iterator[Problem]:
    environments = declared.environments()
    for one in environments.values():
        if one.value.extends:
            yield from unknown(declared, "environment", one.value.extends, environments, one, "extends", folder="")
    follows = {
        name: [(one.value.extends, ("extends",))] for name, one in environments.items() if one.value.extends is not None
    }
    yield from circles("environment", "extends", environments, follows)
    for name, one in environments.items():
        sections = environment(name, environments)
        if any(below.value.extends not in (None, *environments) for below in line_of(name, environments)):
            continue  # said already
        yield from _complete(name, one, sections)
        if {"keycloak", "kong"} & sections.keys() and name not in declared.unsure:
            yield from _upstreams(declared, name, one, sections.get("upstreams", {}))
    if not declared.tenants and "tenants" not in declared.unread and not declared.unsure:
        help = "declare one in tenants/NAME.yaml"
        where = declared.platform.origin("platform") if declared.platform else Origin("renkei.yaml", 1)
        note = "An empty configuration would take away everything that was ever applied."
        yield Problem("the configuration has no tenant", where, note, help)


def _complete(name: str, one: Located[EnvironmentEntry], sections: dict[str, object]) -> Iterator[Problem]:
    servers = {"keycloak", "kong"} & sections.keys()
    needed = ("keycloak", "kong", "secrets") if servers else ()
    for section in needed:
        if section not in sections:
            note = (
                "Without 'keycloak' and 'kong' it would be the embedded sandbox; with one of them it needs all three."
            )
            message = f"environment '{name}' has no '{section}'"
            yield one.source.problem(message, one.key(), note, f"give it '{section}', or extend one that has it")
    if not servers and "secrets" in sections:
        where = one.key("secrets") if one.value.secrets else one.key()
        note = "It has neither 'keycloak' nor 'kong', so it is the embedded sandbox, which keeps its own secrets."
        yield one.source.problem(f"environment '{name}' must not have 'secrets'", where, note)


def _upstreams(
    declared: Declared, name: str, one: Located[EnvironmentEntry], upstreams: dict[str, object]
) -> Iterator[Problem]:
    for api in declared.apis:
        wanted = api.value.upstream
        note = f"Environment '{name}' ({one.key()}) does not say where it is."
        yield from unknown(declared, "upstream", wanted, upstreams, api, "upstream", folder="", note=note)
