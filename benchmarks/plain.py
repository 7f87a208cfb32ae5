"""Objects in Keycloak by plain parallel POSTs, without renkei: to compare with, and people whom nobody declares."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from benchmarks.bare import PARALLEL, TIMEOUT, Token
from control_plane import keycloak
from control_plane.catalog.model import Catalog
from control_plane.engine.resource import Resource
from control_plane.secrets import Files

BESIDE = "plain-"  # the copy of a realm has its name with this before it
KINDS = ("realm", "role", "scope", "group", "client", "user")  # in this order each finds what it needs
CHUNK = 2_000  # POSTs handed to the threads at once


@dataclass
class Plain:
    """Keycloak's Admin API with nothing between: one session, one token, ten threads."""

    url: str
    token: Token
    session: requests.Session = field(repr=False)

    def post(self, path: str, body: object) -> str:
        """The id of what was made, where the answer names one."""
        where = f"{self.url}/admin/{path}"
        answer = self.session.post(where, json=body, headers={"Authorization": self.token.header()}, timeout=TIMEOUT)
        answer.raise_for_status()
        return str(answer.headers.get("Location", "")).rpartition("/")[2]

    def all(self, work: Iterable[Callable[[], object]]) -> int:
        """Do it all, ten at once; how many there were."""
        number = 0
        with ThreadPoolExecutor(PARALLEL) as pool:
            todo = iter(work)
            while part := [one for _, one in zip(range(CHUNK), todo, strict=False)]:
                for done in [pool.submit(one) for one in part]:
                    done.result()
                number += len(part)
        return number

    def delete(self, path: str) -> None:
        where = f"{self.url}/admin/{path}"
        answer = self.session.delete(where, headers={"Authorization": self.token.header()}, timeout=TIMEOUT)
        if answer.status_code != 404:
            answer.raise_for_status()


def plain(catalog: Catalog, secrets: Path) -> Plain:
    settings = catalog.environment.keycloak
    assert settings
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_maxsize=2 * PARALLEL))
    secret = (Files(secrets).read("keycloak/admin") or {})["client_secret"]
    token = Token(session, f"{settings.url}/realms/{settings.realm}", settings.client_id, secret)
    return Plain(settings.url, token, session)


def copy(server: Plain, catalog: Catalog) -> dict[str, float]:
    """The platform's realms, roles, scopes, groups, clients and people once more, in realms beside; removed again."""
    wanted: dict[str, list[Resource]] = {name: [] for name in KINDS}
    for kind in keycloak.KINDS:
        name = kind.name.removeprefix("keycloak.")
        if name in wanted:
            wanted[name] = list(kind.desired(catalog))
    made = Copy(server)
    number = 0
    began = time.perf_counter()
    try:
        for name in KINDS:
            for part in made.parts(name, wanted[name]):
                number += server.all(part)
        seconds = time.perf_counter() - began
    finally:
        for one in wanted["realm"]:
            server.delete(f"realms/{BESIDE}{_realm(one)}")
    return {"objects": number, "posting": seconds}


@dataclass
class Copy:
    server: Plain
    groups: dict[tuple[str, str], str] = field(default_factory=dict)  # (realm, path of an upper group) -> id
    lock: threading.Lock = field(default_factory=threading.Lock)

    def parts(self, kind: str, wanted: list[Resource]) -> Iterator[list[Callable[[], object]]]:
        """What may be sent at once: an upper group is there before those below it."""
        if kind == "group":
            yield [self._upper(one) for one in wanted if one.key.name.count("/") == 1]
            yield [self._lower(one) for one in wanted if one.key.name.count("/") == 2]
        else:
            yield [self._plain(kind, one) for one in wanted]

    def _plain(self, kind: str, one: Resource) -> Callable[[], object]:
        realm = BESIDE + _realm(one)
        match kind:
            case "realm":
                return lambda: self.server.post("realms", {"realm": realm, "enabled": True})
            case "user":
                body: dict[str, Any] = {
                    name: one.fields[name] for name in ("enabled", "email", "firstName", "lastName")
                }
                groups = one.fields["groups"]
                assert isinstance(groups, frozenset)
                body |= {"username": one.key.name, "groups": sorted(map(str, groups))}
                return lambda: self.server.post(f"realms/{realm}/users", body)
            case "client":
                return lambda: self.server.post(f"realms/{realm}/clients", {"clientId": one.key.name})
            case "scope":
                body = {"name": one.key.name, "protocol": "openid-connect"}
                return lambda: self.server.post(f"realms/{realm}/client-scopes", body)
            case _:
                return lambda: self.server.post(f"realms/{realm}/roles", {"name": one.key.name})

    def _upper(self, one: Resource) -> Callable[[], object]:
        realm, name = BESIDE + _realm(one), one.key.name[1:]

        def make() -> None:
            id = self.server.post(f"realms/{realm}/groups", {"name": name})
            with self.lock:
                self.groups[realm, one.key.name] = id

        return make

    def _lower(self, one: Resource) -> Callable[[], object]:
        realm = BESIDE + _realm(one)
        above, _, name = one.key.name.rpartition("/")
        return lambda: self.server.post(f"realms/{realm}/groups/{self.groups[realm, above]}/children", {"name": name})


def _realm(one: Resource) -> str:
    return quote(one.key.within or one.key.name, safe="")


def fill(server: Plain, realm: str, number: int) -> dict[str, float]:
    """So many people whom nobody has declared, in one realm."""

    def person(n: int) -> Callable[[], object]:
        name = f"citizen-{n:06}"
        body = {
            "username": name,
            "enabled": True,
            "email": f"{name}@example.jp",
            "firstName": f"住民{n}",
            "lastName": "計測",
        }
        return lambda: server.post(f"realms/{realm}/users", body)

    return {"objects": server.all(person(n) for n in range(number))}
