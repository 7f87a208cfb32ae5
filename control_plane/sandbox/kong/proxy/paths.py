"""Request paths: what nginx refuses, how Kong normalises before it matches, and what the upstream gets.

Source: recorded in the scenarios proxy-paths and proxy-strip-path; RFC 3986 sections 5.2.4 and 6.2.2.
"""

from __future__ import annotations

import re

_RESERVED = frozenset("!#$%&'()*+,/:;=?@[]")  # their escapes stay
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})|%00|\x00")
_TO_ESCAPE = re.compile(r"[^!#$%&'()*+,/:;=?@\[\]A-Za-z0-9\-_.~]")


def acceptable(path: str) -> bool:
    """Whether nginx takes this path: whole escapes, no NUL, never above the root."""
    if not path.startswith("/") or _BROKEN.search(path):
        return False
    depth = 0
    for segment in re.split("/+", _decoded(path))[1:]:
        depth += -1 if segment == ".." else 0 if segment in ("", ".") else 1
        if depth < 0:
            return False
    return True


def normalise(path: str) -> str:
    """Escapes of unreserved characters decoded, dot segments resolved, slashes merged."""
    kept: list[str] = []
    segments = _decoded(path).split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    last = segments[-1] if segments else ""
    closing = "/" if kept and last in ("", ".", "..") else ""
    return "/" + "/".join(kept) + closing


def escape(path: str) -> str:
    """What may not stand in a request line, percent-encoded; the escapes that normalising left stay."""
    return _TO_ESCAPE.sub(lambda found: f"%{ord(found[0]):02X}", path)


def upstream_path(base: str, path: str, prefix: str | None) -> str:
    """The path for the upstream: the service's path, then the request's without `prefix` (None: all of it)."""
    if prefix is None:
        if base.endswith("/"):
            return base + path[1:]
        return base if path == "/" else base + path
    rest = path[len(prefix) :]
    if rest:
        return base.removesuffix("/") + "/" + rest.removeprefix("/")
    if path.endswith("/") and len(path) > 1:
        return base if base.endswith("/") else base + "/"
    return base.removesuffix("/") or "/"


def _decoded(path: str) -> str:
    return _ESCAPE.sub(_decode, path)


def _decode(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return found[0].upper() if character in _RESERVED else character
