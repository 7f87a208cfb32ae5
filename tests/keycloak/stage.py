"""People who sign in to the realms of a test: who has a password, and who stands before which page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from control_plane.catalog.model import Catalog
from tests.keycloak.browser import Page, Person
from tests.keycloak.conftest import World

PASSWORD = "correct horse battery staple"


@dataclass
class Stage:
    world: World
    catalog: Catalog

    def user(self, realm: str, name: str) -> dict[str, Any]:
        found = self.world.get(realm, f"/users?username={realm}-{name}&exact=true")
        assert isinstance(found, list)
        user: dict[str, Any] = found[0]
        return user

    def with_password(self, realm: str, name: str) -> str:
        """The person's user name, a password set by an administrator, nothing enrolled."""
        id = self.user(realm, name)["id"]
        body = {"type": "password", "value": PASSWORD, "temporary": False}
        self.world.by_hand("PUT", realm, f"/users/{id}/reset-password", body)
        credentials = self.world.get(realm, f"/users/{id}/credentials")
        assert isinstance(credentials, list)
        for one in credentials:
            if one["type"] != "password":
                self.world.by_hand("DELETE", realm, f"/users/{id}/credentials/{one['id']}")
        return f"{realm}-{name}"

    def person(self, realm: str) -> Person:
        url = f"{self.world.server.url}/realms/{self.world.realm(realm)}"
        return Person(url, f"{realm}.web", f"value of services/{realm}.web#client_secret")

    def after_the_password(self, realm: str, name: str) -> tuple[Person, Page]:
        username = self.with_password(realm, name)
        person = self.person(realm)
        page = person.opens()
        assert page.asks_for_password
        return person, person.sends(page, username=username, password=PASSWORD)


def base32(secret: str) -> str:
    return base64.b32encode(secret.encode()).decode()
