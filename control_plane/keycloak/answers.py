"""What Keycloak's answers mean: errors made for people, and JSON of the shape that the caller counts on.

    ServerError      refused, or an answer of another shape
     ├─ Missing      404: the object is not there
     ├─ Conflict     409: an object of that name is there
     └─ Moved        a list has changed between two of its pages

Keycloak has no one shape for an error: `error`, `errorMessage`, `error_description`, or a list of those for a user.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from requests import Response

from control_plane.problems import NotAllowed, Problem, ServerError

Json: TypeAlias = dict[str, Any]  # one representation, as the Admin API calls it

QUOTED = 300  # characters of a server's own words that a message repeats
RIGHTS = (
    "`renkei bootstrap keycloak` gives our account its rights; by hand: give its service account the roles "
    "manage-realm, manage-users, manage-clients and manage-identity-providers of that realm's management client, or "
    "the same with view- to one that only looks"
)


class Missing(ServerError):
    """The object that was asked for is not there."""


class Conflict(ServerError):
    """An object of that name is there already."""


class Moved(ServerError):
    """A list has changed between two of its pages: what follows has moved, and something may have been passed over."""


def moved(path: str, times: int) -> Moved:
    return Moved(
        Problem(
            f"Keycloak's list /{path} changed each of the {times} times that it was read",
            help="somebody or something changes it right now: run it again when that has ended",
        )
    )


def failure(response: Response, method: str, path: str) -> ServerError:
    """The error that an answer means; never with what was sent."""
    status = response.status_code
    asked = f"{method} /{path.partition('?')[0]}"
    if status in (401, 403):
        why = "does not accept our token" if status == 401 else "does not allow us"
        return NotAllowed(
            Problem(f"Keycloak {why}: {status} to {asked}", note=words(response.text) or None, help=RIGHTS)
        )
    problem = Problem(f"Keycloak answered {status} to {asked}", note=words(response.text) or None)
    if status == 404:
        return Missing(problem)
    return Conflict(problem) if status == 409 else ServerError(problem)


def words(body: str) -> str:
    """The server's own words, on one line and capped."""
    try:
        data = json.loads(body)
    except ValueError:
        data = None
    if isinstance(data, dict):
        said = "; ".join(_sentence(one) for one in (data.get("errors") or [data]) if isinstance(one, dict))
    else:
        said = body
    return quoted(said)


def quoted(said: str) -> str:
    """One printable line of at most QUOTED characters."""
    line = "".join(letter if letter.isprintable() else " " for letter in said)
    line = " ".join(line.split())
    return line if len(line) <= QUOTED else line[: QUOTED - 1] + "…"


def _sentence(error: Json) -> str:
    names = ("field", "errorMessage", "error", "error_description", "params")
    return " ".join(str(error[name]) for name in names if error.get(name))


def an_object(data: object, path: str) -> Json:
    """The answer as one JSON object. Raises ServerError for anything else."""
    if not isinstance(data, dict):
        raise unexpected(path, "an object")
    return data


def a_list(data: object, path: str) -> list[Json]:
    """The answer as a list of JSON objects. Raises ServerError for anything else."""
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise unexpected(path, "a list of objects")
    return data


def unexpected(path: str, what: str) -> ServerError:
    """The error for an answer of another shape than `what`."""
    return ServerError(
        Problem(
            f"Keycloak's answer to GET /{path.partition('?')[0]} is not {what}",
            help="is the address that of Keycloak itself? `renkei doctor` looks at it",
        )
    )


def broken_off(path: str, length: int) -> ServerError:
    """The error for an answer that ends in the middle, again and again."""
    return ServerError(
        Problem(
            f"Keycloak breaks its answer to GET /{path.partition('?')[0]} off after {length} characters",
            help="it has too little time or memory for so many at once: its own log says which",
        )
    )


def text(found: Json, name: str, path: str) -> str:
    """A field that every representation of its sort has. Raises ServerError where it is absent."""
    value = found.get(name)
    if not isinstance(value, str):
        raise unexpected(path, f"complete: an entry has no `{name}`")
    return value
