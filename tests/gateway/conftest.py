from __future__ import annotations

import pytest

from tests.conftest import KongServer
from tests.kong.world import World


@pytest.fixture
def world(kong_server: KongServer) -> World:
    """An empty Kong and the upstream behind it."""
    one = World(kong_server)
    one.empty()
    return one
