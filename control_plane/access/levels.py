"""Which level a call belongs to: of those that have its method, the one whose pattern says most about its path."""

from __future__ import annotations

import re

from control_plane.catalog.model import Api, Level


def of(api: Api, method: str, rest: str, *, small: bool = False) -> Level | None:
    """The level of a call; `rest` is its path below the version's. `small`: capital letters count as small ones."""
    fitting = [
        (_detail(pattern), level)
        for level in api.levels
        if method in level.methods
        for pattern in level.paths or ("/",)
        if _fits(pattern, rest, re.IGNORECASE if small else re.NOFLAG)
    ]
    return max(fitting, key=lambda one: one[0], default=(None, None))[1]


def _fits(pattern: str, rest: str, flags: re.RegexFlag) -> bool:
    words = pattern.rstrip("/").split("*")
    return re.match("[^/]+".join(map(re.escape, words)) + r"(/|\Z)", rest, flags | re.ASCII | re.DOTALL) is not None


def _detail(pattern: str) -> list[int]:
    """How many segments, then for each from the left whether it is a name."""
    parts = pattern.strip("/").split("/") if pattern != "/" else []
    return [len(parts), *(0 if part == "*" else 1 for part in parts)]


def by_path(api: Api) -> bool:
    return any(level.paths for level in api.levels)


def told(level: Level) -> str:
    """`subscribe: POST, GET /subscriptions`."""
    return " ".join([f"{level.name}: {', '.join(level.methods)}", *([", ".join(level.paths)] if level.paths else [])])
