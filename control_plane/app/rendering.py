"""What the configuration becomes in Kong, as a file: for review, and for a Kong without a database."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.app.run import Ask, catalog_of
from control_plane.app.systems import connect
from control_plane.catalog.model import Catalog
from control_plane.engine.read import references
from control_plane.engine.resource import State, state
from control_plane.engine.values import Secret
from control_plane.kong import KINDS
from control_plane.kong.declarative import declarative, left_out, written
from control_plane.problems import Problem, Refused


def kong_file(ask: Ask, *, secrets: bool) -> str:
    """Kong's declarative configuration as YAML, always the same for the same YAML of ours. Writes nothing.

    Without `secrets` no server is asked, and credentials are named in comments. With them it holds keys in clear.
    """
    catalog = catalog_of(ask)
    want = state(resource for kind in KINDS for resource in kind.desired(catalog))
    if not secrets:
        return written(declarative(want), _heading(catalog, want))
    systems = connect(catalog, ask.directory, ask.parallel, ("kong",))
    missing = sorted(
        {
            one.ref
            for resource in want.values()
            for one in references(resource.fields)
            if isinstance(one, Secret) and systems.versions(one) is None
        }
    )
    if missing:
        raise Refused(
            *(Problem(f"secret {ref} has not been made yet", help="renkei apply makes it") for ref in missing)
        )
    return written(declarative(want, systems.kong.reveal), ["HOLDS KEYS IN CLEAR: keep it as a secret.", ""])


def _heading(catalog: Catalog, want: State) -> Iterator[str]:
    yield f"What {catalog.platform.name} is in Kong, environment {catalog.environment.name}."
    yield "Written by renkei: do not edit."
    credentials = list(left_out(want))
    if credentials:
        yield ""
        yield "Not in this file, because each opens something (renkei render kong --with-secrets has them):"
        yield from (f"  {what:4} {whose:40} {where}" for what, whose, where in credentials)
