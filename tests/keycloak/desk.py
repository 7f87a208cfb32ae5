"""People who administer a realm with their own token, as the console of Keycloak would with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from tests.keycloak.conftest import World

PASSWORD = "correct horse battery staple"
CLIENT = "hand-console"  # the realm's own flow takes no password without a browser; this client has another


@dataclass
class Desk:
    """One realm of the test's world; `asks` is a request by somebody who signed in there."""

    world: World
    realm: str
    _tokens: dict[str, str] = field(default_factory=dict)
    _objects: dict[str, dict[str, Any]] = field(default_factory=dict)

    def open(self) -> None:
        flows = self.world.get(self.realm, "/authentication/flows")
        assert isinstance(flows, list)
        direct = next(one["id"] for one in flows if one["alias"] == "direct grant")
        body = {
            "clientId": CLIENT,
            "publicClient": True,
            "fullScopeAllowed": True,
            "directAccessGrantsEnabled": True,
            "authenticationFlowBindingOverrides": {"direct_grant": direct},
            "attributes": {"access.token.lifespan": "1800"},
        }
        self.world.by_hand("POST", self.realm, "/clients", body)

    def lets_in(self, *names: str) -> None:
        """Set a password, as the first letter to the person would."""
        for name in names:
            body = {"type": "password", "value": PASSWORD, "temporary": False}
            self.world.by_hand("PUT", self.realm, f"/users/{self.user(name)}/reset-password", body)

    def asks(self, who: str, method: str, path: str, json: object = None) -> requests.Response:
        if who not in self._tokens:
            form = {"grant_type": "password", "client_id": CLIENT, "username": who, "password": PASSWORD}
            where = f"{self.world.server.url}/realms/{self.world.realm(self.realm)}/protocol/openid-connect/token"
            answer = requests.post(where, data=form, timeout=30)
            assert answer.ok, answer.text
            self._tokens[who] = answer.json()["access_token"]
        return requests.request(
            method,
            f"{self.world.server.url}/admin/realms/{self.world.realm(self.realm)}{path}",
            json=json,
            headers={"Authorization": f"Bearer {self._tokens[who]}"},
            timeout=60,
        )

    def sign_out(self, *names: str) -> None:
        """They sign in anew when they ask the next time."""
        for name in names:
            self._tokens.pop(name, None)

    def names(self, who: str, path: str = "/users?max=100") -> set[str]:
        answer = self.asks(who, "GET", path)
        assert answer.ok, answer.text
        return {one.get("username") or one["name"] for one in answer.json()}

    # ------------------------------------------------------------ ids, asked for once

    def user(self, name: str) -> str:
        return str(self._known(f"/users?username={name}&exact=true")["id"])

    def group(self, path: str) -> str:
        return str(self._known(f"/group-by-path{path}")["id"])

    def role(self, name: str) -> dict[str, str]:
        found = self._known(f"/roles/{name}")
        return {"id": found["id"], "name": found["name"]}

    def client(self, name: str) -> str:
        return str(self._known(f"/clients?clientId={name}")["id"])

    def power(self, name: str) -> tuple[str, dict[str, str]]:
        """The client of the administration, and one of its roles as mappings take it."""
        client = self.client("realm-management")
        found = self._known(f"/clients/{client}/roles/{name}")
        return client, {"id": found["id"], "name": name}

    def permits(self) -> str:
        return f"/clients/{self.client('admin-permissions')}/authz/resource-server"

    def forget(self, path: str) -> None:
        """What was made under this path anew has another id."""
        self._objects = {known: one for known, one in self._objects.items() if path not in known}

    def _known(self, path: str) -> dict[str, Any]:
        if path not in self._objects:
            found = self.world.get(self.realm, path)
            one = found[0] if isinstance(found, list) else found
            assert isinstance(one, dict)
            self._objects[path] = one
        return self._objects[path]
