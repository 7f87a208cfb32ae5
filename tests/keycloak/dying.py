"""Applies that die: what a killed process leaves on the server, made by a connection that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from control_plane.catalog.model import Catalog
from control_plane.engine.apply import Done, apply
from control_plane.keycloak import target
from tests.keycloak.conftest import World


class DyingLine(HTTPAdapter):
    """A connection that breaks at its n-th write, and stays broken: what a killed process leaves is the same."""

    def __init__(self, at: int, *, answered: bool) -> None:
        super().__init__()
        self.writes = 0
        self.at = at
        self.answered = answered

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self.writes >= self.at:
            raise requests.ConnectionError("dead")
        if request.method != "GET":
            self.writes += 1
            if self.writes == self.at:
                if self.answered:
                    super().send(request, *args, **kwargs)
                raise requests.ConnectionError("dies here")
        return super().send(request, *args, **kwargs)


def apply_until(world: World, catalog: Catalog, at: int, *, answered: bool) -> bool:
    """Plan, and apply until the n-th write; whether it came to its end."""
    client = world.keycloak(catalog, parallel=1)
    plan = world.plan(catalog, client)
    client.session._pause = lambda seconds: None
    client.session._connection._s.mount("http://", DyingLine(at, answered=answered))
    outcomes = apply(plan, [target(client, 1)], parallel=1)
    return all(isinstance(one, Done) for one in outcomes)


def applies(world: World, catalog: Catalog) -> Iterator[int]:
    """Applies that die later each time, in turn after and before the server has the write, until one comes to its end.

    Yields after how many; each begins where the one before has died.
    """
    at, answered = 1, True
    for number in range(1, 30):
        ended = apply_until(world, catalog, at, answered=answered)
        yield number
        if ended:
            return
        at, answered = at * 2, not answered
    raise AssertionError("no apply came to its end")
