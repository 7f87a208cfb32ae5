"""`accounts unlink` on the real Keycloak: whom it refuses, what it asks, and that the link is gone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from control_plane.cli.main import run
from control_plane.secrets import Files
from tests.conftest import KeycloakServer

pytestmark = pytest.mark.servers

CONFIGURATION = """\
platform: {realm}
environments:
  test:
    keycloak: {{url: "{url}", client_id: {client}, client_secret: !secret keycloak/admin#client_secret}}
    kong: {{admin_url: "http://kong.invalid:8001"}}
    secrets: {{files: secrets}}
"""
TENANT = """\
tenant: {realm}
title: 見本市
type: municipality
realm: {{template: staff}}
users:
  - {{username: staff-07, family_name: 見本, given_name: 職員七, email: staff-07@example.jp}}
  - {{username: staff-08, family_name: 見本, given_name: 職員八, email: staff-08@example.jp}}
identity_providers:
  - provider: town-login
    title: 町の職員ログイン
    oidc:
      issuer: https://login.example.jp
      authorization_url: https://login.example.jp/auth
      token_url: https://login.example.jp/token
      keys_url: https://login.example.jp/certs
      client_id: platform
    first_login: existing-only
    sync: import
"""


@dataclass
class Place:
    directory: Path
    server: KeycloakServer
    realm: str

    def renkei(self, *words: str) -> int:
        return run(["-C", str(self.directory), *words])

    def unlink(self, *words: str) -> int:
        return self.renkei("accounts", "unlink", *words)

    def by_hand(self, method: str, path: str, body: object = None) -> Any:
        answer = self.server.by_hand(method, f"/realms/{self.realm}{path}", body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @property
    def account(self) -> str:
        return str(self.by_hand("GET", "/users?username=staff-07&exact=true")[0]["id"])

    def links(self) -> list[str]:
        return [one["userName"] for one in self.by_hand("GET", f"/users/{self.account}/federated-identity")]


@pytest.fixture(scope="module")
def made(keycloak_server: KeycloakServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A realm with two people and the login of a town."""
    directory, server = tmp_path_factory.mktemp("unlink"), keycloak_server
    realm = f"kc-{uuid.uuid4().hex[:6]}"
    (directory / "templates").mkdir()
    (directory / "tenants").mkdir()
    (directory / "renkei.yaml").write_text(CONFIGURATION.format(realm=realm, url=server.url, client=server.client_id))
    (directory / "templates/realms.yaml").write_text(
        "realm_templates: [{template: staff, mfa: {required: everyone}}]\n"
    )
    (directory / "tenants/city.yaml").write_text(TENANT.format(realm=realm))
    Files(directory / "secrets").update("keycloak/admin", lambda there: {"client_secret": server.client_secret})
    place = Place(directory, server, realm)
    assert place.renkei("apply", "--only", "keycloak", "--yes") == 0
    yield place
    server.by_hand("DELETE", f"/realms/{realm}")


@pytest.fixture
def place(made: Place, capsys: pytest.CaptureFixture[str]) -> Place:
    """Somebody else over there is linked to staff-07."""
    if not made.links():
        link = {"identityProvider": "town-login", "userId": "4711", "userName": "a-colleague"}
        made.by_hand("POST", f"/users/{made.account}/federated-identity/town-login", link)
    capsys.readouterr()
    return made


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("town", "staff-07", "town-login"), "there is no realm 'town'"),
        (("REALM", "staff-09", "town-login"), "has no account 'staff-09'"),
        (("REALM", "staff-08", "town-login"), "It is linked to nobody."),
        (("REALM", "staff-07", "city-login"), "It is linked to town-login."),
    ],
    ids=["realm", "account", "no link", "another provider"],
)
def test_what_is_not_there_is_named_and_nothing_is_undone(
    place: Place, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], why: str
) -> None:
    given = [place.realm if word == "REALM" else word for word in words]
    assert place.unlink(*given, "--yes") == 1
    assert why in capsys.readouterr().err
    assert place.links() == ["a-colleague"]


def test_without_a_terminal_and_without_yes_it_says_who_is_who_and_undoes_nothing(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert place.unlink(place.realm, "staff-07", "town-login") == 1
    said = capsys.readouterr()
    assert f"In realm {place.realm} whoever is 'a-colleague' at town-login signs in as 'staff-07'." in said.out
    assert "--yes" in said.err
    assert place.links() == ["a-colleague"]


def test_the_link_is_undone_and_there_is_nothing_to_undo_then(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.unlink(place.realm, "staff-07", "town-login", "--yes") == 0
    assert "The link is undone, and the account signed out." in capsys.readouterr().out
    assert place.links() == []
    assert place.unlink(place.realm, "staff-07", "town-login", "--yes") == 1
    assert "has no link to 'town-login'" in capsys.readouterr().err
    assert place.renkei("plan", "--only", "keycloak", "--exit-code") == 0, "links stand nowhere in the YAML"
