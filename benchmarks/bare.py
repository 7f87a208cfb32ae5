"""The same reading without renkei: what requests and the servers alone need for it.

A lower bound: every address is known beforehand, nothing waits for an earlier answer, nothing is checked or compared.
"""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter

from control_plane.secrets import Files

PARALLEL = 10  # as many threads as the plan uses at each system
RENEW = 30.0  # seconds; a token lives 60
TIMEOUT = 60


def repeat(reads: Path, secrets: Path) -> int:
    """Send each GET of the file once more and parse its JSON; the number of bytes received."""
    asked = json.loads(reads.read_text(encoding="utf-8"))
    secret = (Files(secrets).read("keycloak/admin") or {})["client_secret"]
    urls: list[str] = asked["urls"]
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_maxsize=2 * PARALLEL))
    token = Token(session, f"{asked['keycloak']}/realms/{asked['realm']}", asked["client_id"], secret)

    def get(url: str) -> int:
        headers = {"Authorization": token.header()} if url.startswith(asked["keycloak"]) else {}
        answer = session.get(url, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        answer.json()
        return len(answer.content)

    keycloak = [url for url in urls if url.startswith(asked["keycloak"])]
    others = [url for url in urls if not url.startswith(asked["keycloak"])]
    with ThreadPoolExecutor(PARALLEL) as one, ThreadPoolExecutor(PARALLEL) as other:
        found = (one.map(get, keycloak), other.map(get, others))
        return sum(size for part in found for size in part)


@dataclass
class Token:
    session: requests.Session = field(repr=False)
    realm: str
    client_id: str
    secret: str = field(repr=False)
    value: str = field(default="", repr=False)
    renew_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def header(self) -> str:
        with self.lock:
            if time.monotonic() >= self.renew_at:
                form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}
                answer = self.session.post(f"{self.realm}/protocol/openid-connect/token", form, timeout=TIMEOUT)
                answer.raise_for_status()
                self.value = answer.json()["access_token"]
                self.renew_at = time.monotonic() + RENEW
            return f"Bearer {self.value}"
