"""A person signs in through a portal on the real Keycloak and calls the gateway with the token that she gets.

Keycloak expands her roles and says those that the portal may know; the gateway lets through what both may.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import jwt
import pytest
import requests

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.engine.publickey import key_digest
from control_plane.engine.values import RealmKey, Secret
from control_plane.keycloak import Keycloak
from tests.building import (
    SERVICE,
    TOKEN,
    USER,
    a_grant,
    a_platform,
    a_version,
    with_api,
    with_role,
    with_scope,
    with_service,
    with_tenant,
    with_user,
)
from tests.conftest import KeycloakServer, KongServer
from tests.keycloak import conftest as keycloak
from tests.keycloak.browser import CALLBACK, Person
from tests.kong import world as kong
from tests.kong.tokens import bearer

pytestmark = pytest.mark.servers

CITY = "nasushiobara"
PASSWORD = "correct horse battery staple"
PATH = "/ngsi/v2/entities"


def a_portal_and_its_users() -> Catalog:
    return a_platform(
        with_tenant(CITY, mfa=MfaMode.BY_ROLE),
        with_scope("road"),
        with_scope("river"),
        with_api("ngsi-v2", auth=(TOKEN,), callers=(SERVICE, USER)),
        with_api("other", a_version("v1", "/other/v1"), auth=(TOKEN,), callers=(SERVICE, USER)),
        with_role("data-user", a_grant("ngsi-v2", "read", "update", scopes=["road"])),
        with_role("data-provider", includes=["data-user"]),
        with_role("of-another-api", a_grant("other")),
        with_role("auditor"),
        with_user("reader", roles=["data-user", "auditor"]),
        with_user("provider", roles=["data-provider", "of-another-api"]),
        with_user("stranger", roles=["auditor"]),
        with_service("portal", a_grant("ngsi-v2", scopes=["road", "river"]), auth=(TOKEN,), redirect_uris=(CALLBACK,)),
        with_service("desk", auth=(TOKEN,), redirect_uris=(CALLBACK,)),
    )


@dataclass
class Vault(kong.Vault):
    """The real signing keys of the realms."""

    keycloak: Keycloak | None = None

    def value(self, reference: Secret | RealmKey) -> str:
        if isinstance(reference, RealmKey):
            assert self.keycloak
            return self.keycloak.public_key(reference.realm)
        return super().value(reference)

    def version(self, reference: Secret | RealmKey) -> str | None:
        return key_digest(self.value(reference)) if isinstance(reference, RealmKey) else super().version(reference)


@dataclass
class Platform:
    keycloak: keycloak.World
    kong: kong.World
    catalog: Catalog

    def signs_in(self, username: str, client: str = "portal") -> dict[str, Any]:
        """What the application gets for the person's code."""
        (found,) = self.get(f"/users?username={username}&exact=true")
        body = {"type": "password", "value": PASSWORD, "temporary": False}
        self.keycloak.by_hand("PUT", CITY, f"/users/{found['id']}/reset-password", body)
        person = Person(self.url, f"{CITY}.{client}", f"value of services/{CITY}.{client}#client_secret")
        page = person.sends(person.opens(), username=username, password=PASSWORD)
        answer: dict[str, Any] = person.token(page).json()
        return answer

    def own_token(self) -> str:
        form = {"grant_type": "client_credentials", "client_id": f"{CITY}.portal",
                "client_secret": f"value of services/{CITY}.portal#client_secret"}  # fmt: skip
        answer = requests.post(f"{self.url}/protocol/openid-connect/token", data=form, timeout=30)
        token: str = answer.json()["access_token"]
        return token

    @property
    def url(self) -> str:
        return f"{self.keycloak.server.url}/realms/{self.keycloak.realm(CITY)}"

    def get(self, path: str) -> Any:
        return self.keycloak.get(CITY, path)

    def call(self, token: str, method: str = "GET", **headers: str) -> tuple[int, str | None]:
        answer = self.kong.call(PATH, method, **bearer(token), **headers)
        return answer.status_code, answer.json().get("reason")


@pytest.fixture(scope="module")
def platform(keycloak_server: KeycloakServer, kong_server: KongServer) -> Iterator[Platform]:
    for world in keycloak.a_world(keycloak_server):
        catalog = world.here(a_portal_and_its_users())
        settings = catalog.environment.keycloak
        assert settings
        here = replace(settings, url=keycloak_server.url)
        catalog = replace(catalog, environment=replace(catalog.environment, keycloak=here))
        world.apply(catalog)
        gateway = kong.World(kong_server, Vault(keycloak=world.keycloak(catalog)))
        gateway.empty()
        gateway.apply(catalog)
        yield Platform(world, gateway, catalog)


def roles_in(token: str) -> set[str]:
    claims = jwt.decode(token, options={"verify_signature": False})
    return set(claims.get("realm_access", {}).get("roles", ()))


def test_what_was_applied_leaves_nothing_to_do(platform: Platform) -> None:
    assert keycloak.told(platform.keycloak.plan(platform.catalog)) == []


def test_she_may_what_her_role_and_the_portal_may_and_the_portal_itself_may_more(platform: Platform) -> None:
    token = platform.signs_in("reader")["access_token"]
    assert platform.call(token, X_Data_Scope="road") == (200, None)
    assert platform.call(token, X_Data_Scope="river") == (403, "data scope not granted")
    assert platform.call(platform.own_token(), X_Data_Scope="river") == (200, None)


def test_she_may_nothing_that_the_portal_lacks_whatever_her_role_says(platform: Platform) -> None:
    token = platform.signs_in("reader")["access_token"]
    assert platform.call(token, "POST", X_Data_Scope="road") == (403, None)  # the portal is in no such group


def test_without_the_role_nobody_gets_in_through_the_portal(platform: Platform) -> None:
    token = platform.signs_in("stranger")["access_token"]
    assert platform.call(token, X_Data_Scope="road") == (403, "no role with a grant for this level of access")


def test_a_role_that_includes_the_role_is_enough(platform: Platform) -> None:
    token = platform.signs_in("provider")["access_token"]
    assert platform.call(token, X_Data_Scope="road") == (200, None)


def test_a_token_names_the_roles_that_decide_here_and_no_other(platform: Platform) -> None:
    assert roles_in(platform.signs_in("reader")["access_token"]) == {"data-user"}
    assert roles_in(platform.signs_in("provider")["access_token"]) == {"data-user"}
    assert roles_in(platform.signs_in("stranger")["access_token"]) == set()
    assert roles_in(platform.signs_in("reader", "desk")["access_token"]) == set()  # it may call nothing for users
    assert roles_in(platform.own_token()) == set()


@pytest.mark.parametrize("other", ["id_token", "refresh_token"])
def test_no_other_token_of_the_login_is_taken(platform: Platform, other: str) -> None:
    assert platform.call(platform.signs_in("reader")[other], X_Data_Scope="road")[0] == 401


def test_a_token_that_she_got_through_another_client_is_of_no_use(platform: Platform) -> None:
    token = platform.signs_in("reader", "desk")["access_token"]
    assert platform.call(token, X_Data_Scope="road")[0] == 403  # the desk itself was granted nothing


def test_roles_that_are_given_to_the_portal_by_hand_are_found_and_taken_away(platform: Platform) -> None:
    (client,) = platform.get(f"/clients?clientId={CITY}.portal")
    (account,) = platform.get("/clients?clientId=account")
    where = f"/clients/{client['id']}/scope-mappings"
    platform.keycloak.by_hand("POST", CITY, f"{where}/realm", [platform.get("/roles/auditor")])
    view = platform.get(f"/clients/{account['id']}/roles/view-profile")
    platform.keycloak.by_hand("POST", CITY, f"{where}/clients/{account['id']}", [view])
    platform.keycloak.by_hand("DELETE", CITY, f"{where}/realm", [platform.get("/roles/data-user")])
    plan = platform.keycloak.plan(platform.catalog)
    (change,) = plan
    assert {field.path[0] for field in change.changes} == {"roles", "client_roles"}  # type: ignore[union-attr]
    platform.keycloak.apply(platform.catalog)
    assert roles_in(platform.signs_in("reader")["access_token"]) == {"data-user"}
    assert keycloak.told(platform.keycloak.plan(platform.catalog)) == []


# ---------------------------------------------------------------- a client that passes for the portal


def _forging(claim: str, value: str, kind: str = "String") -> dict[str, Any]:
    """A mapper that writes this into every token, as an administrator makes it in the console."""
    says = {"claim.name": claim, "claim.value": value, "jsonType.label": kind, "access.token.claim": "true"}
    mapper = "oidc-hardcoded-claim-mapper"
    return {"name": f"made-{claim}", "protocol": "openid-connect", "protocolMapper": mapper, "config": says}


def test_a_client_made_by_hand_that_passes_for_the_portal_is_security_drift_until_its_mappers_are_gone(
    platform: Platform,
) -> None:
    """The guard can not tell: the realm has signed it. So it must be seen before anybody calls with it."""
    world = platform.keycloak
    forged = [("azp", f"{CITY}.portal"), ("aud", platform.catalog.platform.name), ("service", f"{CITY}.portal")]
    body = {
        "clientId": "hand-made",
        "secret": "s",
        "serviceAccountsEnabled": True,
        "protocolMappers": [_forging(claim, value) for claim, value in forged],
    }
    world.by_hand("POST", CITY, "/clients", body)

    def token() -> str:
        form = {"grant_type": "client_credentials", "client_id": "hand-made", "client_secret": "s"}
        answer = requests.post(f"{platform.url}/protocol/openid-connect/token", data=form, timeout=30)
        return str(answer.json()["access_token"])

    assert platform.call(token(), X_Data_Scope="river") == (200, None)  # all that the portal itself may
    for left in (["aud", "azp", "service"], ["azp", "service"], ["service"]):
        (found,) = (one for one in world.plan(platform.catalog).unmanaged if one.danger)
        assert found.key.name == "hand-made"
        assert str(found.danger).endswith(", ".join(f"made-{claim} ({claim})" for claim in left))
        method, path = str(found.remove).split(" ")
        world.by_hand(method, CITY, path.removeprefix(f"/admin/realms/{world.realm(CITY)}"))
    assert platform.call(token(), X_Data_Scope="river")[0] == 401
    assert not world.plan(platform.catalog).dangers
    (client,) = platform.get("/clients?clientId=hand-made")
    world.by_hand("DELETE", CITY, f"/clients/{client['id']}")
