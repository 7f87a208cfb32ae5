"""A world for each test, on the servers of the run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import KeycloakServer, KongServer
from tests.story.world import World


@pytest.fixture
def world(tmp_path: Path, keycloak_server: KeycloakServer, kong_server: KongServer) -> Iterator[World]:
    found = World(tmp_path, keycloak_server, kong_server)
    found.empty_kong()
    yield found
    found.clean_up()
