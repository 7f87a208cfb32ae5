"""Is the configuration right, in one environment or in all of them? Needs no server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from control_plane import keycloak, kong
from control_plane.app.run import Ask, loaded
from control_plane.app.systems import place
from control_plane.catalog.model import Catalog, KeycloakSettings, SecretRef
from control_plane.catalog.source import conceal
from control_plane.engine.kind import Kind
from control_plane.engine.resource import state
from control_plane.problems import ConfigurationError, Origin, Problem

ANYWHERE = KeycloakSettings("http://localhost", "renkei", SecretRef("keycloak/admin", "client_secret"))


def validate(ask: Ask) -> tuple[Catalog, ...]:
    """The catalog of each environment, loaded and turned into what both systems would hold.

    Raises ConfigurationError with the problems of all environments, each once.
    """
    found = loaded(ask)
    names = (ask.environment,) if ask.environment else found.environments
    catalogs: list[Catalog] = []
    problems: list[Problem] = []
    for name in names:
        try:
            catalogs.append(compiled(place(found.catalog(name), ask.directory)))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(*problems)
    return tuple(catalogs)


def compiled(catalog: Catalog) -> Catalog:
    """The catalog, proven to become something that Keycloak and Kong can hold. Where that is does not matter here."""
    environment = catalog.environment
    somewhere = replace(catalog, environment=replace(environment, keycloak=environment.keycloak or ANYWHERE))
    kinds: tuple[Kind[Any], ...] = (*keycloak.KINDS, *kong.KINDS)
    state(one for kind in kinds for one in kind.desired(somewhere))
    return catalog


def quoted(problems: tuple[Problem, ...], directory: Path) -> tuple[Problem, ...]:
    """The problems with the user's own line, where they name a place and nobody has quoted it yet."""
    return tuple(
        replace(one, source=_line(directory, one.origin)) if one.origin and one.source is None else one
        for one in problems
    )


def _line(directory: Path, origin: Origin) -> str | None:
    try:
        lines = (directory / origin.file).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return conceal(lines[origin.line - 1]) if 0 < origin.line <= len(lines) else None
