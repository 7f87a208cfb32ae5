"""Requests to the Admin REST API: one token for all threads, bounded retries, errors made for people.

Connection and tokens are python-keycloak's (ConnectionManager, KeycloakOpenID). Ours is what it leaves open: its retry
would repeat a POST, its token refresh is not made for threads, and each of its calls has other errors.

    GET, PUT, DELETE   again on connection loss, 429, 502, 503 and 504, after Retry-After or a growing pause
    POST               once: nobody knows whether a lost one was taken. The next run finds what it made
    401                a new token once, then NotAllowed
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from requests import RequestException, Response

from control_plane.catalog.model import KeycloakSettings
from control_plane.keycloak.answers import (
    Json,
    Moved,
    a_list,
    an_object,
    broken_off,
    failure,
    moved,
    quoted,
    text,
    unexpected,
    words,
)
from control_plane.problems import NotAllowed, Problem, ServerError, Unreachable

if TYPE_CHECKING:  # python-keycloak takes longer to import than all of ours; a run of Kong alone does without it
    from keycloak import ConnectionManager, KeycloakOpenID
    from keycloak.exceptions import KeycloakError

T = TypeVar("T")

TIMEOUT = 60  # seconds; the creation of a realm takes up to 3 on a slow machine
ATTEMPTS = 5
PARALLEL = 10  # requests in flight; more of them make Keycloak no faster
BUSY = frozenset({429, 502, 503, 504})
LONGEST_PAUSE = 30.0  # seconds, also when Retry-After asks for more
READS = 4  # times that a list is read which changes meanwhile
PAGE = 1000  # the size at which Keycloak 26 lists users fastest


def path(*parts: str) -> str:
    """A path of the Admin API below /admin/realms, each part quoted. Raises ServerError for `.` and `..`."""
    if any(part in (".", "..") for part in parts):
        raise ServerError("an object named '.' or '..' cannot be addressed in Keycloak's Admin API: rename it there")
    return "/".join(("admin/realms", *(quote(part, safe="") for part in parts)))


class Session:
    """The one connection of a run; safe to use from many threads."""

    def __init__(
        self,
        settings: KeycloakSettings,
        client_secret: str,
        *,
        parallel: int = PARALLEL,
        timeout: int = TIMEOUT,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.requests = 0  # sent so far, tokens not counted
        self._pause = pause
        self._lock = threading.Lock()
        self._alone: dict[str, threading.RLock] = {}
        self._in_flight = threading.BoundedSemaphore(parallel)
        self._token = ""
        self._renew_at = 0.0  # monotonic clock
        base = settings.url.rstrip("/") + "/"  # urljoin drops the last part of an address without the slash

        def connection() -> ConnectionManager:
            from keycloak import ConnectionManager

            return ConnectionManager(
                base,
                headers={"Content-Type": "application/json"},
                timeout=timeout,
                verify=settings.verify,
                max_retries=0,
                pool_maxsize=parallel,
            )

        def openid() -> KeycloakOpenID:
            from keycloak import KeycloakOpenID

            return KeycloakOpenID(
                base,
                settings.realm,
                settings.client_id,
                client_secret_key=client_secret,
                verify=settings.verify,
                timeout=timeout,
                max_retries=0,
            )

        self._makers = (connection, openid)  # functions, so that no repr of ours shows the secret

    @cached_property
    def _connection(self) -> ConnectionManager:
        return self._makers[0]()

    @cached_property
    def _openid(self) -> KeycloakOpenID:
        return self._makers[1]()

    # ------------------------------------------------------------ what kinds use

    def get(self, path: str, **query: Any) -> Json:
        """One object. Raises Missing when it is not there."""
        return an_object(self._read(path, query), path)

    def list(self, path: str, **query: Any) -> list[Json]:
        """A list that the server gives whole."""
        return a_list(self._read(path, query), path)

    def number(self, path: str, **query: Any) -> int:
        """A plain count."""
        found = self._read(path, query)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise unexpected(path, "a count")
        return found

    def pages(self, path: str, size: int = PAGE, **query: Any) -> Iterator[Json]:
        """A list that the server gives in pages, to its end. Raises Moved where it changes on the way.

        Each page begins with the last entry of the one before, so that nothing can slip away between them.
        """
        last: str | None = None
        first = 0
        while True:
            page = self.list(path, first=first, max=size, **query)
            ids = [text(found, "id", path) for found in page]
            if last is not None and ids[:1] != [last]:
                raise moved(path, 1)
            yield from page[last is not None :]
            if len(page) < size:
                return
            last, first = ids[-1], first + size - 1

    def every(self, path: str, size: int = PAGE, **query: Any) -> Sequence[Json]:
        """Such a list whole; one that changes on the way is read again. Raises Moved when it never stands still."""
        return self.steady(tuple, path, size, **query)

    def steady(self, keep: Callable[[Iterator[Json]], T], path: str, size: int = PAGE, **query: Any) -> T:
        """What `keep` takes of such a list, for one that is too long to be held; likewise."""
        for _ in range(READS):
            try:
                return keep(self.pages(path, size, **query))
            except Moved:
                continue
        raise moved(path, READS)

    def stream(self, path: str, size: int = PAGE, **query: Any) -> Iterator[Json]:
        """A list that never stands still, as of sessions: each object once, as far as it was there all the time."""
        seen: set[str] = set()
        first = 0
        while True:
            page = self.list(path, first=first, max=size, **query)
            for found in page:
                id = text(found, "id", path)
                if id not in seen:
                    seen.add(id)
                    yield found
            if len(page) < size:
                return
            first += size

    def post(self, path: str, body: object) -> str:
        """Create, and return the new object's id, or an empty text where the answer names none."""
        response = self._send("POST", path, {}, body)
        return str(response.headers.get("Location", "")).rpartition("/")[2]

    def put(self, path: str, body: object = None) -> None:
        self._send("PUT", path, {}, body)

    def delete(self, path: str, body: object = None) -> None:
        """Delete; what is gone already is no error."""
        self._send("DELETE", path, {}, body, fine=(404,))

    # ------------------------------------------------------------ underneath

    def _read(self, path: str, query: Json) -> object:
        """Keycloak breaks off, with 200, where a transaction lasts too long: such an answer is asked for once more."""
        again = True
        while True:
            response = self._send("GET", path, query)
            try:
                return response.json()
            except ValueError as error:
                if not response.text.startswith(("[", "{")):
                    raise unexpected(path, "JSON") from error
                if not again:
                    raise broken_off(path, len(response.text)) from error
                again = False

    def _send(self, method: str, path: str, query: Json, body: object = None, fine: tuple[int, ...] = ()) -> Response:
        from keycloak.exceptions import KeycloakConnectionError

        renewed = False
        attempts = 1 if method == "POST" else ATTEMPTS
        number = 0
        while True:
            number += 1
            token = self._authorize()
            try:
                response = self._once(method, path, query, body)
            except KeycloakConnectionError as error:
                if number < attempts:
                    self._pause(_growing(number))
                    continue
                raise self._unreachable(f"{method} /{path}", error) from error
            if response.history:  # a write that is redirected becomes a GET, and would pass for done
                raise _redirected(response)
            if response.status_code == 401 and not renewed:
                renewed = True  # the server may have been restarted, or the session ended: the old token is void
                number -= 1
                self._forget(token)
            elif response.status_code in BUSY and number < attempts:
                self._pause(_asked(response) or _growing(number))
            elif response.ok or response.status_code in fine:
                return response
            else:
                raise failure(response, method, path)

    def _once(self, method: str, path: str, query: Json, body: object) -> Response:
        with self._lock:
            self.requests += 1
        data = "" if body is None else json.dumps(body)
        with self._in_flight:
            return self._ask(method, path, query, data)

    def _ask(self, method: str, path: str, query: Json, data: str) -> Response:
        match method:
            case "GET":
                return self._connection.raw_get(path, **query)
            case "POST":
                return self._connection.raw_post(path, data)
            case "PUT":
                return self._connection.raw_put(path, data)
            case _:
                return self._connection.raw_delete(path, data)  # type: ignore[arg-type]  # a list is sent as text too

    def alone(self, realm: str) -> threading.RLock:
        """A lock for writes of a realm's own settings: several at once, also of different fields, lose some of them."""
        with self._lock:
            return self._alone.setdefault(realm, threading.RLock())

    def token(self) -> str:
        """An access token that is still good for a while."""
        return self._authorize()

    def renew(self) -> None:
        """Ask with a new token from now on: what the old one says of our rights is out of date."""
        with self._lock:
            self._renew_at = 0.0

    def _authorize(self) -> str:
        """Have a token that lives on for a while; the first thread that finds it old renews it for all."""
        with self._lock:
            if time.monotonic() >= self._renew_at:
                answer = self._new_token()
                self._token = str(answer["access_token"])
                self._renew_at = time.monotonic() + 0.7 * float(answer.get("expires_in") or 60)
                self._connection.add_param_headers("Authorization", f"Bearer {self._token}")
            return self._token

    def _forget(self, token: str) -> None:
        with self._lock:
            if token == self._token:  # else another thread has renewed it already
                self._renew_at = 0.0

    def _new_token(self) -> Json:
        from keycloak.exceptions import KeycloakConnectionError, KeycloakError

        where = f"the token endpoint of realm {self.settings.realm}"
        for number in range(1, ATTEMPTS + 1):
            try:
                answer = self._openid.token(grant_type="client_credentials")
            except KeycloakConnectionError as error:
                if number == ATTEMPTS:
                    raise self._unreachable(where, error) from error
            except KeycloakError as error:
                if error.response_code not in BUSY or number == ATTEMPTS:
                    raise self._no_token(error) from None  # its text may hold the whole answer
            except TypeError:
                raise unexpected("token", "a token") from None
            else:
                if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
                    raise unexpected("token", "a token")
                return answer
            self._pause(_growing(number))
        raise self._unreachable(where)

    def _no_token(self, error: KeycloakError) -> ServerError:
        said = words((error.response_body or b"").decode(errors="replace"))
        problem = Problem(
            f"Keycloak gives no token to client '{self.settings.client_id}' of realm {self.settings.realm}: "
            f"{error.response_code}",
            note=said or None,
            help="the client must be confidential with a service account, and its secret the one in the store; "
            "`renkei doctor` looks at both",
        )
        return NotAllowed(problem) if error.response_code in (400, 401, 403) else ServerError(problem)

    def _unreachable(self, what: str, error: Exception | None = None) -> Unreachable:
        cause = error.__cause__ if error else None
        why = type(cause).__name__ if isinstance(cause, RequestException) else "no answer"
        return Unreachable(
            Problem(
                f"Keycloak at {self.settings.url} does not answer: {what.partition('?')[0]}",
                note=quoted(f"{why}: {cause}") if cause else None,
                help="check `keycloak: {url: …}` in renkei.yaml and that the server is up",
            )
        )


def _redirected(response: Response) -> ServerError:
    first = response.history[0]
    return ServerError(
        Problem(
            f"Keycloak at {quoted(first.url.partition('/admin/')[0])} redirects to "
            f"{quoted(response.url.partition('/admin/')[0])}",
            help="write the address that it redirects to as `keycloak: {url: …}` in renkei.yaml",
        )
    )


def _growing(number: int) -> float:
    return min(0.5 * 2.0 ** (number - 1), LONGEST_PAUSE)


def _asked(response: Response) -> float:
    """Seconds that Retry-After asks for (RFC 9110, 10.2.3: seconds or a date), within our limit; 0 without one."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value), LONGEST_PAUSE))
    try:
        return min(max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_PAUSE)
    except (ValueError, TypeError):
        return 0.0
