"""One request to the Admin API and one answer, free of the HTTP library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong.settings import Settings
from control_plane.sandbox.kong.writes import World

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Call:
    """A request whose path and query are decoded."""

    method: str
    path: str  # as it was sent, without the query and a slash at the end
    segments: tuple[str, ...]
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A body of None is none; text is sent as it is; all else as JSON."""

    status: int
    body: Any = None
    content_type: str = JSON


@dataclass(frozen=True)
class Node:
    """What the handlers work with."""

    world: World
    settings: Settings
    node_id: str
    metrics: Callable[[], str]
