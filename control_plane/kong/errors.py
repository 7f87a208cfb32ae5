"""What Kong answers when it refuses, as a problem for people.

Kong quotes values in its messages, also keys ("UNIQUE violation detected on '{key=…}'"), so that what was revealed for
a write is taken out of every message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from control_plane.problems import NotAllowed, Problem, ServerError, Unreachable

QUOTED = 300  # characters of a server's message that are shown

_HINTS = {
    401: "the Admin API asks for credentials: `admin_token` in the environment's kong settings",
    403: "the Admin API refuses us: `admin_token` in the environment's kong settings, or a proxy before it",
    404: "is this the Admin API's address? see `admin_url`",
}


def refused(method: str, path: str, status: int, text: str, hide: Iterable[str] = ()) -> ServerError:
    """The error for an answer that is not the one that was asked for."""
    said = quoted(message_of(text), hide)
    problem = Problem(f"Kong answered {status} to {method} {path}", note=said or None, help=_HINTS.get(status))
    return NotAllowed(problem) if status in (401, 403) else ServerError(problem)


def unreachable(method: str, url: str, why: str) -> Unreachable:
    return Unreachable(
        Problem(
            f"Kong's Admin API does not answer: {method} {url}",
            note=quoted(why),
            help="is Kong running, and is `admin_url` right?",
        )
    )


def strange(path: str, what: str) -> ServerError:
    """An answer with a status of success that is not what Kong answers."""
    return ServerError(Problem(f"Kong answered what it should not to GET {path}", note=what))


def message_of(text: str) -> str:
    """The message in Kong's error body; the text itself when it is no such body."""
    try:
        body = json.loads(text)
    except ValueError:
        return re.sub(r"<[^>]*>", " ", text)
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])
    return text


def quoted(text: str, hide: Iterable[str] = ()) -> str:
    """A server's words, without what must not be seen, on one line, without control characters, capped."""
    for secret in hide:
        if secret:
            text = text.replace(secret, "(secret)").replace(json.dumps(secret)[1:-1], "(secret)")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= QUOTED else text[:QUOTED] + "…"
