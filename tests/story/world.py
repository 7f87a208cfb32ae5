"""A small platform on real servers: YAML in a directory, the command line, and hands that change things behind it."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from control_plane.cli.main import run
from tests.conftest import KeycloakServer, KongServer

RENKEI = """\
platform: {platform}
title: 試験プラットフォーム
locale: ja
timezone: Asia/Tokyo
environments:
  test:
    keycloak: {{url: {keycloak}, client_id: {client_id}, client_secret: !secret keycloak/admin#client_secret}}
    kong: {{admin_url: {kong_admin}, proxy_url: {kong_proxy}}}
    secrets: {{files: secrets}}
    upstreams: {{orion: {upstream}}}
"""

ROLES = """\
roles:
  - {role: dashboard-editor, title: ダッシュボード作成者, mfa: required}
  - {role: dashboard-viewer, title: ダッシュボード閲覧者}
data_scopes:
  - scope: road
    title: 道路管理データ
    owner: {tenant}
    disclosure: limited
    fiware: {service: {tenant}, paths: [/road/#]}
"""

API = """\
api: ngsi-v2
title: FIWARE NGSIv2
owner: {tenant}
upstream: orion
auth: [api-key, token]
scoping: fiware-headers
plan: standard
versions:
  - {version: v2, path: /{tenant}/ngsi/v2, state: published, upstream_path: /v2}
levels:
  read: {methods: [GET, HEAD]}
  update: {methods: [POST, PATCH, DELETE]}
"""

TEMPLATES = """\
realm_templates:
  - template: staff
    mfa: {required: by-role, factors: [totp]}
    password: {length: 12}
    brute_force: {failures: 5, wait: 5m}
    events: {days: 365}
api_plans:
  - plan: standard
    title: 標準
    levels: {read: {minute: 900}, update: {minute: 300}}
"""

TENANT = """\
tenant: {tenant}
title: 試験市
type: municipality
realm: {template: staff}
groups:
  - {group: digital, title: デジタル推進課, roles: [dashboard-editor]}
  - {group: public, title: 広報課, roles: [dashboard-viewer]}
users:
  - {username: staff-01, family_name: 見本, given_name: 職員一, email: staff-01@example.jp, groups: [digital]}
  - {username: staff-02, family_name: 見本, given_name: 職員二, email: staff-02@example.jp, groups: [public]}
services:
  - service: portal
    title: 地域ポータル
    auth: [api-key, token]
    grants:
      - {api: ngsi-v2, levels: [read], scopes: [road], until: 2099-03-31}
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class World:
    """One platform of its own name, so that tests may share the servers."""

    directory: Path
    keycloak: KeycloakServer
    kong: KongServer
    tenant: str = field(default_factory=lambda: f"t{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        values = {
            "platform": f"p-{self.tenant}",
            "keycloak": self.keycloak.url,
            "client_id": self.keycloak.client_id,
            "kong_admin": self.kong.admin_url,
            "kong_proxy": self.kong.proxy_url,
            "upstream": self.kong.upstream_url,
        }
        self.write("renkei.yaml", RENKEI.format(**values))
        self.write("roles/platform.yaml", ROLES)
        self.write("apis/ngsi-v2.yaml", API)
        self.write("templates/realms.yaml", TEMPLATES)
        self.write("tenants/city.yaml", TENANT)
        self.secret("keycloak/admin", client_secret=self.keycloak.client_secret)

    def write(self, path: str, text: str) -> None:
        """A file of the configuration; {tenant} stands for the tenant's name."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{tenant}", self.tenant), encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """One edit of a file, as a person makes it; the old text must be there."""
        text = (self.directory / path).read_text("utf-8")
        old, new = old.replace("{tenant}", self.tenant), new.replace("{tenant}", self.tenant)
        assert old in text, f"{old!r} is not in {path}"
        (self.directory / path).write_text(text.replace(old, new), encoding="utf-8")

    def secret(self, path: str, **fields: str) -> None:
        """Put a secret into the store, as an operator does."""
        from control_plane.secrets import Files

        store = Files(self.directory / "secrets")
        store.update(path, lambda there: {**there, **fields})

    def value(self, path: str, name: str) -> str:
        """A secret's value, as its owner gets it."""
        from control_plane.secrets import Files

        found = Files(self.directory / "secrets").read(path)
        assert found
        return found[name]

    def renkei(self, *words: str) -> Said:
        """The command line, in this directory."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["-C", str(self.directory), *words])
        return Said(code, out.getvalue(), err.getvalue())

    def apply(self, *words: str) -> Said:
        said = self.renkei("apply", "--yes", *words)
        assert said.code == 0, said.err + said.out
        return said

    def call(self, method: str = "GET", path: str = "entities", key: str | None = None, **headers: str) -> int:
        """The status of a call through the gateway, optionally with the portal's key."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["apikey"] = key
        url = f"{self.kong.proxy_url}/{self.tenant}/ngsi/v2/{path}"
        return requests.request(method, url, headers=sent, timeout=30).status_code

    @property
    def portal_key(self) -> str:
        return self.value(f"services/{self.tenant}.portal", "api_key")

    def kong_by_hand(self, method: str, path: str, body: object = None) -> requests.Response:
        answer = requests.request(method, self.kong.admin_url + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer

    def keycloak_by_hand(self, method: str, path: str, body: object = None) -> requests.Response:
        """A request below the tenant's realm, with all rights."""
        answer = self.keycloak.by_hand(method, f"/realms/{self.tenant}{path}", body)
        answer.raise_for_status()
        return answer

    def asks_for_a_token(self, form: dict[str, str]) -> Any:
        """What the realm's token endpoint answers."""
        url = f"{self.keycloak.url}/realms/{self.tenant}/protocol/openid-connect/token"
        return requests.post(url, data=form, timeout=30).json()

    def clean_up(self) -> None:
        self.keycloak.by_hand("DELETE", f"/realms/{self.tenant}")
        self.empty_kong()

    def empty_kong(self) -> None:
        """Nothing is left there, whoever made it: tests of other folders use the same names."""
        for collection in ("plugins", "routes", "services", "consumers"):
            for row in self.kong_by_hand("GET", f"/{collection}?size=1000").json()["data"]:
                self.kong_by_hand("DELETE", f"/{collection}/{row['id']}")
