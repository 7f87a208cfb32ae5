"""One pooled connection to the Admin API: what is repeated, for how long we wait, what counts as an error."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from control_plane.catalog.model import KongSettings
from control_plane.kong import errors

TIMEOUT = (5.0, 60.0)  # seconds: to connect, and between two bytes of the answer
REPEATED = frozenset({"GET", "PUT", "DELETE"})  # what does no harm when the first one had arrived after all
PAGE = 1000  # the most that Kong gives at once
PASSING = (429, 502, 503, 504)  # states that pass by themselves
RETRY_AFTER_MAX = 60  # seconds that a server may ask us to wait


class Http:
    """Requests to the Admin API. Any number of threads may use it."""

    def __init__(self, settings: KongSettings, admin_token: str | None, parallel: int) -> None:
        self._base = settings.admin_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc, no proxy from the environment: the Admin API is an inner address
        self._session.verify = settings.verify
        if admin_token:
            self._session.headers["Kong-Admin-Token"] = admin_token
        retry = Retry(
            total=4,
            backoff_factor=0.2,
            backoff_max=10,
            status_forcelist=PASSING,
            allowed_methods=REPEATED,
            raise_on_status=False,
            respect_retry_after_header=True,
            retry_after_max=RETRY_AFTER_MAX,
        )
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=max(parallel, 2), max_retries=retry, pool_block=True)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __repr__(self) -> str:
        return f"Http({self._base!r})"

    def get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        """The body of the answer. Raises ServerError for any status but 200."""
        return self.dated(path, query)[0]

    def dated(self, path: str, query: Mapping[str, str | int] | None = None) -> tuple[Any, float]:
        """The body, and the server's own time in seconds since 1970; ours where the answer does not tell."""
        response = self._send("GET", path, query=query)
        if response.status_code != 200:
            raise errors.refused("GET", path, response.status_code, response.text)
        try:
            return response.json(), _time_of(response)
        except ValueError:
            raise errors.strange(path, "the body is no JSON: " + errors.quoted(response.text[:200])) from None

    def rows(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[tuple[Any, float]]:
        """A list page by page, to its end, each row with the server's time. ServerError rather than leave one out."""
        seen = set[str]()
        offset: object = None
        while True:
            asked: dict[str, str | int] = {**(query or {}), "size": PAGE, **({"offset": str(offset)} if offset else {})}
            page, at = self.dated(path, asked)
            if not isinstance(page, dict) or not isinstance(page.get("data"), list):
                raise errors.strange(path, "a list has `data`, and this one has none")
            for row in page["data"]:
                yield row, at
            if page.get("next") is None and page.get("offset") is None:
                return
            offset = page.get("offset") or _offset(page["next"])
            if not isinstance(offset, str) or offset in seen:
                raise errors.strange(path, "the pages do not come to an end")
            seen.add(offset)

    def write(self, method: str, path: str, body: Mapping[str, object], hide: Iterable[str] = ()) -> None:
        """PUT, PATCH or POST. `hide` are values of the body that no message may quote."""
        response = self._send(method, path, body)
        if response.status_code not in (200, 201):
            raise errors.refused(method, path, response.status_code, response.text, hide)

    def delete(self, path: str) -> None:
        """DELETE; what is gone already is no error."""
        response = self._send("DELETE", path)
        if response.status_code not in (204, 404):
            raise errors.refused("DELETE", path, response.status_code, response.text)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> requests.Response:
        try:
            return self._session.request(
                method, self._base + path, params=query, json=body, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise errors.unreachable(method, self._base + path, _why(error)) from None


def _offset(following: object) -> object:
    return parse_qs(urlsplit(following).query).get("offset", [None])[0] if isinstance(following, str) else None


def _time_of(response: requests.Response) -> float:
    try:
        return parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return time.time()


def _why(error: requests.RequestException) -> str:
    """The innermost reason: `Connection refused` instead of the pool that it happened in."""
    reason: BaseException = error
    while reason.args and isinstance(reason.args[0], BaseException):
        reason = reason.args[0]
    inner = getattr(reason, "reason", None)
    return str(inner or reason)
