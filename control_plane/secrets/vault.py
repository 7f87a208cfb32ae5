"""HashiCorp Vault and OpenBao, KV version 2.

What surprises about it: a path that nobody wrote and a version that was deleted are both 404, and so is a mount that
does not exist, with an error text; only the first two mean "nothing stands here". A deleted version still counts for
check-and-set. KV version 1 answers a write with 204 instead of the new version.

https://openbao.org/api-docs/secret/kv/kv-v2/
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import hvac
import requests
from hvac.adapters import RawAdapter
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from control_plane.catalog.model import VaultSettings
from control_plane.problems import ConfigurationError, NotAllowed, Problem, ServerError, Unreachable
from control_plane.secrets.store import Change, Document, adding, checked

TIMEOUT = (5.0, 20.0)  # seconds: to connect, and to wait for the next bytes of an answer
ATTEMPTS = 8  # writes of one document, when others write it at the same time
LONGEST = 300  # characters of a server's message that are shown
SPARE = 30.0  # seconds before its end at which a token is taken for used up


class Vault:
    """A KV v2 mount, from one path downwards. It connects, and AppRole logs in, at the first use.

    Any number of threads may use it. A write is a check-and-set and so may be repeated when its answer is lost.
    """

    def __init__(self, settings: VaultSettings, environ: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._token_until: float | None = None  # None: no end that we know of
        self._approle = _approle(environ) if settings.auth == "approle" else None
        self._client = hvac.Client(
            url=settings.url.rstrip("/"),
            token="" if self._approle else _wanted(environ, "VAULT_TOKEN"),
            namespace=environ.get("VAULT_NAMESPACE") or None,
            verify=settings.verify,
            timeout=TIMEOUT,
            allow_redirects=False,  # the token would go along to wherever the answer points
            session=_session(settings.verify),
            adapter=RawAdapter,
            ignore_exceptions=True,  # answers are judged here, by status; hvac's exceptions carry whole answers
        )

    def __repr__(self) -> str:
        return f"Vault({self.where!r})"

    @property
    def where(self) -> str:
        return f"Vault {self._settings.url.rstrip('/')}, {self._settings.mount}/{self._settings.path.strip('/')}"

    def read(self, path: str) -> Document | None:
        return self._read(path)[0]

    def update(self, path: str, change: Change) -> Document:
        for attempt in range(1, ATTEMPTS + 1):
            found, version = self._read(path)
            wanted = dict(change(found or {}))
            if found is not None and wanted == found:
                return wanted
            try:
                if self._write(path, wanted, version):
                    return wanted
            except Unreachable:
                if attempt == ATTEMPTS:
                    raise
            time.sleep(0.02 * attempt)
        raise ServerError(Problem(f"{path} in {self.where} is written by others all the time", help="try again"))

    def add(self, path: str, field: str, value: str) -> str:
        return self.update(path, adding(field, value))[field]

    def _read(self, path: str) -> tuple[dict[str, str] | None, int]:
        """The fields, None where nothing stands, and the version to name when it is written."""
        full = self._path(path)
        answer = self._call(
            "GET",
            full,
            lambda kv: kv.read_secret_version(full, None, self._settings.mount, raise_on_deleted_version=True),
        )
        body = _json(answer)
        data = body.get("data")
        if answer.status_code == 404 and not body.get("errors"):
            metadata = data.get("metadata") if isinstance(data, dict) else None
            return None, _version(metadata)
        if answer.status_code != 200:
            self._fail("GET", full, answer)
        fields = data.get("data") if isinstance(data, dict) else None
        metadata = data.get("metadata") if isinstance(data, dict) else None
        if not isinstance(fields, dict) or not _version(metadata):
            self._fail("GET", full, answer, "the answer is not one of KV version 2")
        if not all(isinstance(value, str) for value in fields.values()):
            self._fail("GET", full, answer, "there are fields that are not texts")
        return fields, _version(metadata)

    def _write(self, path: str, fields: Document, version: int) -> bool:
        """False when somebody else has written the document since."""
        full = self._path(path)
        answer = self._call(
            "POST", full, lambda kv: kv.create_or_update_secret(full, dict(fields), version, self._settings.mount)
        )
        if answer.status_code == 400 and any("check-and-set" in error for error in _errors(answer)):
            return False
        if answer.status_code != 200 or not _version(_json(answer).get("data")):
            why = "" if answer.status_code >= 300 else f"the mount '{self._settings.mount}' is not KV version 2"
            self._fail("POST", full, answer, why, fields)
        return True

    def _path(self, path: str) -> str:
        return "/".join(part for part in (self._settings.path.strip("/"), checked(path)) if part)

    def _call(self, method: str, path: str, call: Any) -> requests.Response:
        self._log_in()
        return self._answer(method, path, lambda: call(self._client.secrets.kv.v2))

    def _answer(self, method: str, path: str, call: Any) -> requests.Response:
        """The answer, whatever its status. The request that failed is not kept: its body holds values."""
        problem = None
        try:
            answer: requests.Response = call()
        except requests.exceptions.SSLError:
            problem = Problem(f"the certificate of {self.where} is not trusted", help="name its CA: `verify: ca.pem`")
        except requests.exceptions.Timeout:
            problem = Problem(f"no answer in time from {self.where}", note=f"{method} {path}")
        except requests.exceptions.RequestException as error:
            problem = Problem(f"cannot reach {self.where}", note=f"{method} {path}: {type(error).__name__}")
        if problem:
            raise Unreachable(problem)
        return answer

    def _log_in(self) -> None:
        """A token by AppRole when there is none yet, or its time is nearly over."""
        if self._approle is None:
            return
        with self._lock:
            if self._client.token and (self._token_until is None or time.monotonic() < self._token_until):
                return
            role, secret = self._approle
            login = self._client.auth.approle.login
            answer = self._answer("POST", "auth/approle/login", lambda: login(role, secret, use_token=False))
            auth = _json(answer).get("auth")
            auth = auth if isinstance(auth, dict) else {}
            token = auth.get("client_token")
            if answer.status_code != 200 or not isinstance(token, str):
                raise NotAllowed(
                    Problem(
                        f"{self.where} does not accept the AppRole (status {answer.status_code})",
                        note=_quoted(answer, {"secret_id": secret}),
                        help="check VAULT_ROLE_ID and VAULT_SECRET_ID; a secret id may be used up or over",
                    )
                )
            lasts = auth.get("lease_duration")
            self._token_until = time.monotonic() + lasts - SPARE if isinstance(lasts, int) and lasts else None
            self._client.token = token

    def _fail(
        self, method: str, path: str, answer: requests.Response, why: str = "", fields: Document | None = None
    ) -> NoReturn:
        status = answer.status_code
        said = why or _quoted(answer, fields or {})
        place = f"{method} {self._settings.mount}/data/{path}: status {status}{', ' + said if said else ''}"
        if status in (401, 403):
            right = "read" if method == "GET" else "create, read and update"
            need = f"a policy with {right} on {self._settings.mount}/data/{path}"
            raise NotAllowed(Problem(f"{self.where} does not allow it", note=place, help=f"the token needs {need}"))
        if status in (429, 502, 503, 504):
            raise Unreachable(Problem(f"{self.where} does not answer now", note=place, help="sealed, or too busy?"))
        if 300 <= status < 400:
            raise ServerError(
                Problem(f"{self.where} sends us elsewhere", note=place, help="give that address as `url`")
            )
        raise ServerError(Problem(f"{self.where} refused", note=place))


def _session(verify: bool | str) -> requests.Session:
    """Reads are repeated by the connection; a lost write is repeated by `update`, which looks first."""
    retry = Retry(
        total=4,
        backoff_factor=0.2,
        status_forcelist=(429, 502, 503, 504),
        allowed_methods={"GET"},
        raise_on_status=False,
        redirect=False,
    )
    session = requests.Session()
    session.verify = verify
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry, pool_maxsize=20))
    return session


def _approle(environ: Mapping[str, str]) -> tuple[str, str]:
    return _wanted(environ, "VAULT_ROLE_ID"), _wanted(environ, "VAULT_SECRET_ID")


def _wanted(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(
            Problem(
                f"{name} is not set in the environment of this process",
                note="`secrets: {vault: …}` with `auth: token` needs VAULT_TOKEN; with `auth: approle` it needs "
                "VAULT_ROLE_ID and VAULT_SECRET_ID",
            )
        )
    return value


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {"errors": ["the answer is not JSON"]}
    return body if isinstance(body, dict) else {"errors": ["the answer is not a JSON object"]}


def _errors(answer: requests.Response) -> list[str]:
    errors = _json(answer).get("errors")
    return [one for one in errors if isinstance(one, str)] if isinstance(errors, list) else []


def _quoted(answer: requests.Response, values: Document) -> str:
    """What the server says, capped, in one line, without the values that we had sent."""
    said = " ".join("; ".join(_errors(answer)).split())
    for value in values.values():
        said = said.replace(value, "…") if value else said
    return f"'{said[:LONGEST]}'" if said else ""


def _version(metadata: object) -> int:
    """KV's number of the newest version; 0 where none is, which is also what check-and-set takes for it."""
    found = metadata.get("version") if isinstance(metadata, dict) else None
    return found if isinstance(found, int) else 0
