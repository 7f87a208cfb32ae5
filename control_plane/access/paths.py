"""The path of a request as the gateway sees it: as RFC 3986, 6.2.2 has it, and with slashes merged."""

from __future__ import annotations

import re
from string import ascii_letters, digits

UNRESERVED = frozenset(ascii_letters + digits + "-._~")  # RFC 3986, 2.3
TWO_WAYS = ("%2f", "%5c", "\\")  # an upstream may take them for slashes
NOT_PLAIN = ("//", ";", "%2e", "%3b")  # where folders are granted, also these


def normal(path: str) -> str | None:
    """Unreserved characters decoded, slashes merged, dot segments resolved; None where no server takes it."""
    if not path.startswith("/") or re.search(r"%(?![0-9A-Fa-f]{2})|%00|\0", path):
        return None
    kept: list[str] = []
    segments = re.sub(r"%[0-9A-Fa-f]{2}", _decoded, path).split("/")
    for segment in segments:
        if segment == "..":
            if not kept:
                return None
            kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    is_folder = kept and segments[-1] in ("", ".", "..")
    return "/" + "/".join(kept) + ("/" if is_folder else "")


def _decoded(escape: re.Match[str]) -> str:
    letter = chr(int(escape[0][1:], 16))
    return letter if letter in UNRESERVED else escape[0].upper()


def below(path: str, folder: str) -> bool:
    """Whether the path is the folder or lies in it; a folder ends where its segment ends."""
    folder = folder.rstrip("/")
    return path == folder or path.startswith(folder + "/")


def ambiguous(path: str, *, folders: bool, escapes: bool = False) -> str | None:
    """What in a path, as it was sent, could mean something else to the upstream than to the gateway.

    `escapes`: also an escape within an escape.
    """
    text = path.lower()
    if escapes and (twice := re.search("%25[0-9a-f]{2}", text)):
        return twice[0]
    found = next((sign for sign in (*TWO_WAYS, *(NOT_PLAIN if folders else ())) if sign in text), None)
    if found is None and folders and not {".", ".."}.isdisjoint(text.split("/")):
        found = ".."
    return found
