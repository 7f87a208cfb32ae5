"""Files from elsewhere: fetched once, resumed when broken off, and used only when their SHA-256 is the pinned one.

Proxies and certificates are those that `requests` finds in the environment: HTTPS_PROXY, NO_PROXY, REQUESTS_CA_BUNDLE.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from control_plane.problems import Problem, RenkeiError
from control_plane.sandbox.cache import cannot_write
from control_plane.sandbox.progress import Step, Tell

PIECE = 256 * 1024
ATTEMPTS = 4
PAUSE = 1.0  # seconds after the first attempt, twice as many after the second
TIMEOUT = (15, 60)  # seconds to connect, and without a byte


@dataclass(frozen=True)
class Pinned:
    """A file that we know: what people call it, where it is, and the only content that we take."""

    title: str
    url: str
    sha256: str
    hint: str = "look at your network, or set HTTPS_PROXY"


def fetch(file: Pinned, into: Path, tell: Tell) -> Path:
    """The file at `into`, with the pinned content; fetched when it is not there.

    A part that an earlier run left is carried on with.
    Raises RenkeiError when the server refuses, the content is another, or the disk is full.
    """
    if into.exists() and sha256_of(into) == file.sha256:
        return into
    part = into.with_name(into.name + ".part")
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _fetch_rest(file, part, tell)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as why:
                if attempt == ATTEMPTS:
                    raise _refused(file, why) from None
                time.sleep(PAUSE * attempt)
        found = sha256_of(part)
        if found != file.sha256:
            part.unlink()
            raise RenkeiError(
                Problem(
                    f"{file.title} has a wrong hash: {file.url} has SHA-256 {found}, expected is {file.sha256}",
                    help="nothing of it was kept; a proxy or mirror may have changed it",
                )
            )
        part.replace(into)
    except OSError as why:  # requests' own errors are OSErrors, too, but all were caught above or are refusals
        raise _refused(file, why) if isinstance(why, requests.RequestException) else cannot_write(into, why) from why
    return into


def _fetch_rest(file: Pinned, part: Path, tell: Tell) -> None:
    """Append what `part` lacks; begin anew when the server does not do ranges."""
    have = part.stat().st_size if part.exists() else 0
    asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(file.url, headers=asked, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # we have it all, or more than all: the hash decides
            return
        answer.raise_for_status()
        if answer.status_code != 206:
            have = 0
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        with part.open("ab" if have else "wb") as out:
            tell(Step(file.title, have, total))
            for piece in answer.iter_content(PIECE):
                out.write(piece)
                have += len(piece)
                tell(Step(file.title, have, total))
    if total is not None and have < total:
        raise requests.ConnectionError(f"broken off after {have} of {total} bytes")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refused(file: Pinned, why: requests.RequestException) -> RenkeiError:
    answer = why.response
    said = f"answered {answer.status_code} {answer.reason}" if answer is not None else _said(why)
    return RenkeiError(Problem(f"{file.title} cannot be fetched: {file.url} {said}", help=file.hint))


def _said(why: requests.RequestException) -> str:
    """In words: what requests itself says is a chain of class names."""
    match why:
        case requests.exceptions.SSLError():
            return "has a certificate that is not trusted here"
        case requests.exceptions.ProxyError():
            return "cannot be reached through the proxy"
        case requests.Timeout():
            return "did not answer in time"
        case requests.exceptions.ChunkedEncodingError():
            return "broke off the answer"
        case requests.ConnectionError():
            return "cannot be reached"
        case _:
            return " ".join(str(why).split())[:200]
