"""A hub with doors to the login of a city, which is another realm of the same Keycloak, and who comes through them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyotp

from control_plane.catalog.model import Auth, Catalog, MfaMode, Oidc
from tests.building import Part, a_platform, with_provider, with_role, with_service, with_tenant, with_user
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import World
from tests.keycloak.stage import PASSWORD, Stage, base32

HUB, CITY = "tochigi", "nikko"
LINKS, JOINS, KEY = "city", "city-create", "city-by-key"  # doors to one login; the second for everybody
SECRET = "value of providers/city#client_secret"  # as the store of these tests has it
SIGNS_IN = {"auth": [Auth.TOKEN], "redirect_uris": (CALLBACK,)}


def by_key(issuer: str) -> Part:
    """The third door to the same login: the realm proves itself with its own key."""
    there = f"{issuer}/protocol/openid-connect"
    places = (issuer, f"{there}/auth", f"{there}/token", f"{there}/certs")
    protocol = Oidc(*places, "hub-by-key", userinfo_url=f"{there}/userinfo")
    return with_provider(KEY, tenant=HUB, protocol=protocol)


def the_platform(world: World, *doors: str, **more: Any) -> Catalog:
    issuer = f"{world.server.url}/realms/{world.realm(CITY)}"
    ways = {LINKS: "existing-only", JOINS: "create"}
    return world.here(
        a_platform(
            with_role("editor", mfa=True),
            with_tenant(HUB, mfa=MfaMode.BY_ROLE, step_up=60),
            with_tenant(CITY, mfa=MfaMode.BY_ROLE),
            with_user(f"{HUB}-known", tenant=HUB, email=f"{CITY}-known@example.jp"),
            with_user(f"{HUB}-editor", tenant=HUB, roles=["editor"], email=f"{CITY}-editor@example.jp"),
            *(with_user(f"{CITY}-{name}", tenant=CITY) for name in ("known", "editor", "stranger", "new")),
            with_service("web", tenant=HUB, **SIGNS_IN),
            with_service("safe", tenant=HUB, assurance=2, **SIGNS_IN),
            *(with_provider(name, tenant=HUB, at=issuer, first_login=ways[name], **more) for name in doors),
            by_key(issuer),
        )
    )


def through(stage: Stage, door: str, name: str, person: Person | None = None) -> tuple[Person, Page]:
    """What the person sees in the hub when the city's login is done."""
    stage.with_password(CITY, name)
    who = person or stage.person(HUB)
    page = who.goes_to(who.opens(), f"/broker/{door}/login")
    return who, who.sends(page, username=f"{CITY}-{name}", password=PASSWORD)


def accounts(stage: Stage) -> set[str]:
    found = stage.world.get(HUB, "/users?max=100")
    assert isinstance(found, list)
    return {one["username"] for one in found}


def links(stage: Stage, name: str) -> list[str]:
    found = stage.world.get(HUB, f"/users/{stage.user(HUB, name)['id']}/federated-identity")
    assert isinstance(found, list)
    return [one["identityProvider"] for one in found]


def unlinked(stage: Stage, name: str) -> None:
    for door in links(stage, name):
        stage.world.by_hand("DELETE", HUB, f"/users/{stage.user(HUB, name)['id']}/federated-identity/{door}")


def with_a_phone(stage: Stage, name: str, realm: str = HUB) -> Callable[[], str]:
    """Give the person a one-time password; the answer tells the code of now."""
    secret = "of twenty characters"
    totp = {"subType": "totp", "digits": 6, "period": 30, "counter": 0, "algorithm": "HmacSHA1"}
    credential = {
        "type": "otp",
        "secretData": json.dumps({"value": secret}),
        "credentialData": json.dumps(totp),
    }
    stage.world.by_hand("PUT", realm, f"/users/{stage.user(realm, name)['id']}", {"credentials": [credential]})
    return pyotp.TOTP(base32(secret)).now
