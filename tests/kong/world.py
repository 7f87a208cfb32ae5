"""A Kong for one test in few words: apply a catalog, plan again, change things by hand, call the proxy."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from email.message import Message
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from control_plane.catalog.model import Catalog, KongSettings, Upstream
from control_plane.engine.apply import Done, Failed, Outcome, apply
from control_plane.engine.plan import Plan, make_plan
from control_plane.engine.publickey import key_digest
from control_plane.engine.read import have, want
from control_plane.engine.values import RealmKey, Secret
from control_plane.kong import KINDS, Kong, target
from tests.conftest import KongServer


def seal(value: str) -> Secret:
    return Secret("", hmac.new(b"test", value.encode(), hashlib.sha256).hexdigest()[:16])


@cache
def realm_key(name: str) -> rsa.RSAPrivateKey:
    """A key of the realm for this test run; every name has its own."""
    return rsa.generate_private_key(65537, 2048)


def public_pem(name: str) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return realm_key(name).public_key().public_bytes(*form).decode()


@dataclass
class Vault:
    """Secrets that follow from their names, and realm keys that a test may turn over."""

    keys: dict[str, str] = field(default_factory=dict)  # realm -> name of its key, when it is not its own
    revealed: list[str] = field(default_factory=list)
    own: dict[str, str] = field(default_factory=dict)  # path#field -> what an operator has put there

    def value(self, reference: Secret | RealmKey) -> str:
        match reference:
            case Secret(ref=ref) if ref in self.own:
                return self.own[ref]
            case Secret(ref=ref):
                return "key-" + hashlib.sha256(ref.encode()).hexdigest()[:24]
            case RealmKey(realm=realm):
                return public_pem(self.keys.get(realm, realm))

    def reveal(self, reference: Secret | RealmKey) -> str:
        self.revealed.append(str(reference))
        return self.value(reference)

    def version(self, reference: Secret | RealmKey) -> str | None:
        value = self.value(reference)
        return key_digest(value) if isinstance(reference, RealmKey) else seal(value).version


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status_code: int
    headers: Message
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class World:
    """One Kong for one test, empty at its start."""

    server: KongServer
    vault: Vault = field(default_factory=Vault)
    probe: bool = True  # settle by asking the proxy

    def client(self, parallel: int = 4, platform: str = "tochigi") -> Kong:
        settings = KongSettings(self.server.admin_url, self.server.proxy_url if self.probe else None)
        return Kong(settings, None, platform, seal, self.vault.reveal, parallel)

    def here(self, catalog: Catalog) -> Catalog:
        """The catalog with every upstream being the echo, but those whose targets a test has chosen."""
        upstreams = {api.upstream: self.server.upstream_url for api in catalog.apis.values()}
        chosen = {name: one for name, one in catalog.environment.upstreams.items() if is_chosen(one)}
        return replace(catalog, environment=replace(catalog.environment, upstreams={**upstreams, **chosen}))

    def plan(self, catalog: Catalog, client: Kong | None = None, *, adopt: bool = False) -> Plan:
        catalog = self.here(catalog)
        one = target(client or self.client(platform=catalog.platform.name), 4, catalog)
        return make_plan(KINDS, want([one], catalog, self.vault.version), have([one]), adopt=adopt)

    def outcomes(self, catalog: Catalog, parallel: int = 4, *, adopt: bool = False) -> tuple[Outcome, ...]:
        catalog = self.here(catalog)
        client = self.client(parallel, catalog.platform.name)
        client.adopting = adopt
        one = target(client, parallel, catalog)
        plan = make_plan(KINDS, want([one], catalog, self.vault.version), have([one]), adopt=adopt)
        assert not plan.conflicts
        missing = [problem.message for problem in one.preflight()]
        assert not missing, missing
        one.tidy()
        return apply(plan, [one], parallel=parallel)

    def apply(self, catalog: Catalog, parallel: int = 4) -> tuple[Outcome, ...]:
        """Apply, and see that everything held."""
        outcomes = self.outcomes(catalog, parallel)
        unlucky = [told(outcome) for outcome in outcomes if not isinstance(outcome, Done)]
        assert not unlucky, "\n".join(unlucky)
        left = self.plan(catalog)
        assert not left, "\n".join(map(str, left))
        self.wait()
        return outcomes

    def wait(self) -> None:
        """Until the proxy has taken everything up that was written so far."""
        one = target(self.client(), 1)
        one.settle()

    def by_hand(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, self.server.admin_url + path, json=body, timeout=30)
        assert answer.ok, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def call(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request, its path sent byte for byte. Header names are written with `_` for `-`, and `__` for `_`."""
        where = urlsplit(self.server.proxy_url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        try:
            connection.request(method, path, body, {_header(name): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def key_of(self, service: str, tenant: str = "nasushiobara") -> str:
        return self.vault.value(Secret(f"services/{tenant}.{service}#api_key"))

    def empty(self) -> None:
        for collection in (
            "plugins", "routes", "services", "consumers", "upstreams", "certificates", "ca_certificates"
        ):  # fmt: skip
            while rows := self.by_hand("GET", f"/{collection}?size=1000")["data"]:
                for row in rows:
                    self.by_hand("DELETE", f"/{collection}/{row['id']}")


def _header(name: str) -> str:
    return name.replace("__", "\0").replace("_", "-").replace("\0", "_")


def told(outcome: Outcome) -> str:
    because = "; ".join(f"{p.message} ({p.note})" for p in outcome.problems) if isinstance(outcome, Failed) else ""
    return f"{type(outcome).__name__.lower()} {outcome.change.key} {because}"


def seen_by_upstream(answer: Answer) -> Mapping[str, Any]:
    """What the echo heard, header names in lower case."""
    assert answer.status_code == 200, (answer.status_code, answer.content)
    heard: dict[str, Any] = answer.json()
    heard["headers"] = {name.lower(): value for name, value in heard["headers"].items()}
    return heard


def lines(plan: Plan) -> list[str]:
    """The plan in words: `create kong.route ngsi-v2.v2 ngsi-v2.v2.read`."""
    return [f"{type(change).__name__.lower()} {change.key}" for change in plan]


def every(plan: Plan, verb: str, kind: str) -> Iterator[str]:
    return (line for line in lines(plan) if line.startswith(f"{verb} kong.{kind} "))


def is_chosen(upstream: str | Upstream) -> bool:
    """Whether a test names these servers, and not the example, whose network is out of reach here."""
    return isinstance(upstream, Upstream) and not any(".internal" in one.place for one in upstream.targets)
