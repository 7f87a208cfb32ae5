"""Kong: what the catalog means for the gateway, and how it gets there.

    client, http, errors   the Admin API: lists read once, retries, refusals in words
    naming, values, view   names and marks; shapes that can be compared; the catalog as the gateway sees it
    kinds                  the list of kinds, each in a file of its own
    policies/              what the YAML says about access, as plugins
    guard/*.lua            what is decided at request time
    taken_up               when the proxy has taken changes up
    node, proxies          what the node lacks; whose word on a client's address it takes

Here belongs what only Kong needs. Not here: reading YAML, comparing, waves, printing, the stand-in.
"""

from __future__ import annotations

from functools import partial

from control_plane.catalog.model import Catalog
from control_plane.engine.target import Target
from control_plane.kong.client import PARALLEL, Kong
from control_plane.kong.kinds import KINDS
from control_plane.kong.node import checks, preflight
from control_plane.kong.taken_up import prove, remove_left_over, settle

__all__ = ["KINDS", "PARALLEL", "Kong", "target"]


def target(client: Kong, parallel: int, catalog: Catalog | None = None) -> Target:
    """Kong as the engine reconciles it. With the catalog, preflight asks only for what this catalog needs."""
    return Target(
        "Kong",
        client,
        KINDS,
        settle=partial(settle, client),
        prove=partial(prove, client),
        preflight=partial(preflight, client, catalog),
        checks=partial(checks, client, catalog),
        tidy=partial(remove_left_over, client),
        parallel=parallel,
    )
