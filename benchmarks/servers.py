"""The servers of a benchmark: the sandbox's, or those that are named for tests with `--real`.

    RENKEI_TEST_KEYCLOAK                            its URL; with
    RENKEI_TEST_KEYCLOAK_CLIENT_ID, _CLIENT_SECRET  a service account of the realm `master` that may create realms
    RENKEI_TEST_KONG_ADMIN, RENKEI_TEST_KONG_PROXY  Admin API and proxy of a Kong
    RENKEI_TEST_UPSTREAM                            an upstream that this Kong reaches, else one is started here

What is not named comes from a sandbox, which is stopped and removed at the end. On a named server everything with the
synthetic platform's mark is removed at the end, and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from control_plane.sandbox import run
from control_plane.secrets import Files

LIFETIME = timedelta(hours=4)  # should this process and the watchdog's look at it both fail
TIMEOUT = 60
NOBODY = "http://127.0.0.1:9"  # the discard port: a run of Kong alone asks no Keycloak


@dataclass(frozen=True)
class Servers:
    keycloak: str
    client_id: str
    client_secret: str = field(repr=False)
    kong_admin: str
    kong_proxy: str
    upstream: str
    named: bool  # at least one of them is not ours

    @property
    def systems(self) -> Mapping[str, str]:
        """The system behind each host and port."""
        names = {"Keycloak": self.keycloak, "Kong": self.kong_admin, "Kong proxy": self.kong_proxy}
        return {urlsplit(url).netloc: name for name, url in names.items()}


@contextmanager
def servers(directory: Path, *, real: bool, kong_alone: bool = False) -> Iterator[Servers]:
    """Servers for one benchmark; `directory` becomes the sandbox's own. One of Kong alone needs no Keycloak."""
    keycloak = os.environ.get("RENKEI_TEST_KEYCLOAK", "") if real and not kong_alone else ""
    kong = os.environ.get("RENKEI_TEST_KONG_ADMIN", "") if real else ""
    if real and not (keycloak or kong):
        raise LookupError("--real needs RENKEI_TEST_KEYCLOAK or RENKEI_TEST_KONG_ADMIN, and what belongs to them")
    named = {"keycloak": keycloak, "kong": kong, "echo": kong and os.environ.get("RENKEI_TEST_UPSTREAM", "")}
    parts = tuple(part for part in run.PARTS if not named[part] and not (kong_alone and part == "keycloak"))
    try:
        box = run.up(
            directory, parts=parts, asked=dict.fromkeys(run.USUAL, 0), lifetime=LIFETIME, owner=run.this_process()
        )
        yield Servers(
            keycloak=keycloak.rstrip("/") or box.keycloak_url or NOBODY,
            client_id=_needed("RENKEI_TEST_KEYCLOAK_CLIENT_ID") if keycloak else box.client_id,
            client_secret=_needed("RENKEI_TEST_KEYCLOAK_CLIENT_SECRET")
            if keycloak
            else ""
            if kong_alone
            else box.client_secret_file.read_text("utf-8").strip(),
            kong_admin=kong.rstrip("/") or str(box.kong_admin_url),
            kong_proxy=_needed("RENKEI_TEST_KONG_PROXY").rstrip("/") if kong else str(box.kong_proxy_url),
            upstream=named["echo"] or str(box.upstream_url),
            named=real,
        )
    finally:
        run.down(directory, wipe=True)


def point(directory: Path, found: Servers, apis: int) -> None:
    """Let the configuration's one environment be these servers."""
    upstreams = ", ".join(f"upstream-{number}: {found.upstream}" for number in range(apis))
    block = (
        "environments:\n"
        "  benchmark:\n"
        f"    keycloak: {{url: {found.keycloak}, client_id: {found.client_id}, "
        "client_secret: !secret keycloak/admin#client_secret}\n"
        f"    kong: {{admin_url: {found.kong_admin}, proxy_url: {found.kong_proxy}}}\n"
        "    secrets: {files: secrets}\n"
        f"    upstreams: {{{upstreams}}}\n"
    )
    main = directory / "renkei.yaml"
    head = main.read_text(encoding="utf-8").partition("environments:")[0]
    main.write_text(head + block, encoding="utf-8")
    Files(directory / "secrets").add("keycloak/admin", "client_secret", found.client_secret or "asked by nobody")


def clear(found: Servers, platform: str) -> None:
    """Remove from the servers everything that carries the platform's mark."""
    for collection in ("plugins", "routes", "services", "consumers"):
        where = f"{found.kong_admin}/{collection}"
        query = {"size": "1000", "tags": f"renkei:{platform}"}
        while rows := _json(requests.get(where, query, timeout=TIMEOUT))["data"]:
            for row in rows:
                requests.delete(f"{where}/{row['id']}", timeout=TIMEOUT).raise_for_status()
    if found.keycloak == NOBODY:
        return
    admin = f"{found.keycloak}/admin/realms"
    for realm in _json(requests.get(admin, headers=bearer(found), timeout=TIMEOUT)):
        if (realm.get("attributes") or {}).get("renkei.platform") == platform:
            requests.delete(f"{admin}/{realm['realm']}", headers=bearer(found), timeout=TIMEOUT).raise_for_status()


def bearer(found: Servers) -> dict[str, str]:
    """A fresh token (it lives 60 s) as a header."""
    form = {"grant_type": "client_credentials", "client_id": found.client_id, "client_secret": found.client_secret}
    answer = requests.post(f"{found.keycloak}/realms/master/protocol/openid-connect/token", form, timeout=TIMEOUT)
    return {"Authorization": f"Bearer {_json(answer)['access_token']}"}


def _needed(name: str) -> str:
    if not os.environ.get(name):
        raise LookupError(f"--real needs {name} too")
    return os.environ[name]


def _json(answer: requests.Response) -> Any:
    answer.raise_for_status()
    return answer.json()
