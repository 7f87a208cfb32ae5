"""The realm's switch for fine-grained permissions, and what has to be done while it is off.

While it is on, Keycloak lets only full administrators, as ours is not, give or take a role of its administration, also
from a role or group of ours that somebody has widened by hand. So it is off for the time of that one write: until it is
on again nobody administers anything by a permission. A run that is killed in between leaves it off, and the next plan
switches it on where Git says who administers; in another realm that had it on, only a hand does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from control_plane.keycloak import realmput
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path

PERMISSIONS = "adminPermissionsEnabled"  # never switched off for good: without a permission of ours it permits nothing


def is_on(server: Keycloak, realm: str) -> bool:
    """Whether the realm had permissions when it was read."""
    return bool(server.found.get(realm, {}).get(PERMISSIONS))


@contextmanager
def off(server: Keycloak, realm: str) -> Iterator[None]:
    """With permissions off, and on again afterwards if they were."""
    with server.session.alone(realm):
        on = bool(server.session.get(path(realm)).get(PERMISSIONS))
        if on:
            realmput.put(server.session, realm, {PERMISSIONS: False})
        try:
            yield
        finally:
            if on:
                realmput.put(server.session, realm, {PERMISSIONS: True})
