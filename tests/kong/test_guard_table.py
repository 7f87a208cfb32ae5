"""A guard with a thousand grants: its table is built when it changes, not when somebody calls, and it is dense."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from control_plane.catalog.model import Catalog
from control_plane.kong.policies.guard import chunk
from control_plane.kong.view import Gateway, standing
from control_plane.sandbox.kong.proxy.lua import Cage
from control_plane.sandbox.kong.server import in_thread
from control_plane.sandbox.kong.settings import Settings
from tests.building import a_grant, a_platform, during, with_api, with_scope, with_service
from tests.conftest import KongServer
from tests.kong.world import World

GRANTS = 1_000
SERVICE = "portal"  # in the guard nasushiobara.portal-0000


def a_platform_with(grants: int) -> Catalog:
    period = during("2026-04-01", "2027-03-31")
    return a_platform(
        with_scope("road"),
        with_scope("river"),
        with_api("ngsi-v2"),
        *(
            with_service(f"{SERVICE}-{number:04}", a_grant("ngsi-v2", "read", scopes=["road"], period=period))
            for number in range(grants)
        ),
    )


def guard_of(catalog: Catalog) -> str:
    return chunk(Gateway(catalog), next(standing(catalog)))


def test_a_grant_takes_at_most_sixty_bytes_of_the_guards_chunk():
    few, many = (len(guard_of(a_platform_with(number)).encode()) for number in (1, 1 + GRANTS))
    assert (many - few) / GRANTS <= 60


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every run of a guard's chunk as a whole, which builds its table; later calls run the function that it gave."""
    chunks, runs = [], []
    load, run = Cage.load, Cage.run

    def loading(self: Cage, source: str, name: str) -> object:
        loaded = load(self, source, name)
        if "local DATA" in source:
            chunks.append(loaded)
        return loaded

    def running(self: Cage, function: object) -> object:
        if any(function is one for one in chunks):
            runs.append(function)
        return run(self, function)

    monkeypatch.setattr(Cage, "load", loading)
    monkeypatch.setattr(Cage, "run", running)
    return runs


@pytest.fixture
def near(kong_server: KongServer) -> Iterator[World]:
    """A stand-in in this process, whose Lua a test can look at."""
    with in_thread(Settings(0, 0, sandbox_requires=("cjson.safe",))) as running:
        yield World(replace(kong_server, admin_url=running.admin_url, proxy_url=running.proxy_url, real=False))


@pytest.mark.servers
def test_the_table_of_a_guard_with_a_thousand_grants_is_built_once_for_each_change_and_not_for_each_call(near, built):
    catalog = a_platform_with(1)
    near.apply(catalog)
    text = guard_of(near.here(a_platform_with(GRANTS)))
    key = near.key_of(f"{SERVICE}-0000")
    built.clear()
    for changes, written in enumerate((text, text.replace(f"{SERVICE}-0999", f"{SERVICE}-1999")), 1):
        near.by_hand("PATCH", "/plugins/ngsi-v2.v2.post-function", {"config": {"access": [written]}})
        for _ in range(20):
            assert near.call("/ngsi/v2/entities", apikey=key).status_code == 200
        assert len(built) == changes
