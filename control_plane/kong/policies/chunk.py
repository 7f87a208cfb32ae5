"""The guard's chunk as what it says: so that a plan shows who was granted what, and not that 6,000 characters changed.

`read` and `write` are each other's inverse. A text that `write` would not give exactly so is not read at all: whatever
was changed by hand in it stays a difference.

    settings   `scoping = "path"`, in their order: as texts, for an extra one must be a difference too
    scopes     `road tochigi /road/#`
    realms     `mibu tochigi`
    addresses  `nasushiobara.portal 203.0.113.0/24 2001:db8::/64`; `*` for everybody
    asks       `resident`: people open it only with their consent
    trusted    `nasushiobara.platform https://id.example.jp/realms/x link tochigi`: another platform's tokens
    renamed    `nasushiobara.portal nasushiobara.town-portal`
    levels     routes in their order
    calls      what a level takes, by its place in that order: `2 /subscriptions POST`; the most specific first
    grants     `nasushiobara.portal read road,river 2026-03-31T15:00:00Z 2027-03-31T15:00:00Z`
    program    digest of the fixed part, kong/guard/*.lua
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from control_plane.engine.values import Fields

ROLE = "role:"  # what stands before a role's name where else a service stands
SANDBOX_MODULE = "cjson.safe"  # what the guard needs where tokens are taken: untrusted_lua_sandbox_requires

BY_US = "written by renkei; a change by hand is drift"  # in the first line of each program

_CHUNK = re.compile(
    rf"-- (?P<name>[^\n]*): {BY_US}\n"
    r"local JSON(?P<json>[^\n]*)\n"
    r"local SETTINGS = \{\n(?P<settings>(?:  \w+ = [^\n]*,\n)*)\}\n"
    r"local DATA = \[\[\n(?P<data>(?:[^\n\]]+\n)*)\]\]\n"
    r"(?P<program>.*)",
    re.DOTALL,
)
PARTS = ("table", "request", "addresses", "levels", "data", "token", "decide")  # of the fixed part, in their order
OTHERS = ("scope ", "asks ", "realm ", "from ", "level ", "trusts ", "was ", "call ")  # how lines begin: no grants
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


@cache
def program() -> str:
    """The fixed part of every guard."""
    directory = files("control_plane.kong").joinpath("guard")
    return "\n".join(directory.joinpath(f"{part}.lua").read_text("utf-8") for part in PARTS)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def text_of(name: str, settings: Sequence[str], data: Sequence[str], fixed: str) -> str:
    """The chunk: what differs from guard to guard, and the fixed part after it."""
    json = f' = require("{SANDBOX_MODULE}")' if "tokens = false" not in settings else ""
    return "\n".join(
        [
            f"-- {name}: {BY_US}",
            f"local JSON{json}",
            "local SETTINGS = {",
            *(f"  {setting}," for setting in settings),
            "}",
            "local DATA = [[",
            *data,
            "]]",
            fixed,
        ]
    )


def write(said: Fields) -> str:
    """The chunk that says this, with the guard of this version of renkei."""
    return _text(said, program())


def _text(said: Any, fixed: str) -> str:
    names = sorted(scope.split(" ")[0] for scope in said["scopes"])
    levels = [route.rpartition(".")[2] for route in said["levels"]]
    data = [
        *(f"scope {scope}" for scope in sorted(said["scopes"], key=lambda scope: str(scope.split(" ")[0]))),
        *(f"asks {scope}" for scope in sorted(said["asks"])),
        *(f"realm {realm}" for realm in sorted(said["realms"])),
        *(f"from {addresses}" for addresses in sorted(said["addresses"])),
        *(f"trusts {whom}" for whom in sorted(said["trusted"])),
        *(f"was {names}" for names in sorted(said["renamed"], key=lambda names: names.split(" ")[1])),
        *(f"level {route}" for route in said["levels"]),
        *(f"call {call}" for call in said["calls"]),
        *(line for _, line in sorted(_grant_line(grant, names, levels) for grant in said["grants"])),
    ]
    return text_of(said["name"], said["settings"], data, fixed)


@lru_cache(maxsize=4096)  # what is wanted and what is found are nearly always the same text
def read(text: str) -> Fields | None:
    """What the chunk says; None when it is not one that `write` gives."""
    match = _CHUNK.fullmatch(text)
    if match is None:
        return None
    lines = match["data"].splitlines()
    scopes = [line.removeprefix("scope ") for line in lines if line.startswith("scope ")]
    levels = [line.removeprefix("level ") for line in lines if line.startswith("level ")]
    grants = [line for line in lines if not line.startswith(OTHERS)]
    try:
        said: Fields = {
            "name": match["name"],
            "settings": tuple(line[2:-1] for line in match["settings"].splitlines()),
            "scopes": frozenset(scopes),
            "asks": frozenset(line.removeprefix("asks ") for line in lines if line.startswith("asks ")),
            "realms": frozenset(line.removeprefix("realm ") for line in lines if line.startswith("realm ")),
            "addresses": frozenset(line.removeprefix("from ") for line in lines if line.startswith("from ")),
            "trusted": frozenset(line.removeprefix("trusts ") for line in lines if line.startswith("trusts ")),
            "renamed": frozenset(line.removeprefix("was ") for line in lines if line.startswith("was ")),
            "levels": tuple(levels),
            "calls": tuple(line.removeprefix("call ") for line in lines if line.startswith("call ")),
            "grants": frozenset(_grant(line, scopes, levels) for line in grants),
            "program": digest(match["program"]),
        }
        return said if _text(said, match["program"]) == text else None
    except (ValueError, IndexError, OverflowError, OSError):
        return None


def holders(said: Mapping[str, Any], at: datetime) -> frozenset[str]:
    """Which services have a grant in this guard that has not ended at that time, also one that has not begun.

    A grant of a role is of use only through one of them.
    """
    now = at.astimezone(UTC).strftime(_STAMP)
    grants = (str(grant).split(" ") for grant in said["grants"] if not str(grant).startswith(ROLE))
    return frozenset(words[0] for words in grants if words[-1] == "-" or now < words[-1])


def _grant(line: str, scopes: Sequence[str], levels: Sequence[str]) -> str:
    who, level, which, start, end = line.split(" ")
    names = "-" if which == "-" else ",".join(scopes[int(number) - 1].split(" ")[0] for number in which.split(","))
    return " ".join((who, levels[int(level) - 1].rpartition(".")[2], names, _stamp(start), _stamp(end)))


def _grant_line(grant: str, scopes: Sequence[str], levels: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The line of the table, and what it is sorted by."""
    who, level, names, start, end = grant.split(" ")
    which = "-" if names == "-" else ",".join(str(scopes.index(name) + 1) for name in names.split(","))
    first, last = _seconds(start), _seconds(end)
    return (who, level, first, last, names), f"{who} {levels.index(level) + 1} {which} {first} {last}"


@lru_cache(maxsize=4096)  # many grants have the same period
def _stamp(seconds: str) -> str:
    return "-" if seconds == "-" else datetime.fromtimestamp(int(seconds), UTC).strftime(_STAMP)


@lru_cache(maxsize=4096)
def _seconds(stamp: str) -> str:
    return "-" if stamp == "-" else str(int(datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC).timestamp()))
