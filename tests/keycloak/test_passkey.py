"""A passkey as the second factor, with a real browser and a virtual authenticator."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from control_plane.catalog.model import Auth
from control_plane.engine.read import have
from control_plane.keycloak import credentials, target
from tests.building import a_platform, with_service, with_tenant, with_user
from tests.keycloak.conftest import World
from tests.keycloak.doors import with_a_phone
from tests.keycloak.stage import PASSWORD, Stage

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: passkeys need a browser"),
]
REALM = "nikko"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Application(BaseHTTPRequestHandler):
    """Where a login returns to."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"signed in")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def callback() -> Iterator[str]:
    with HTTPServer(("localhost", 0), Application) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/callback"
        server.shutdown()


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of headless Chromium; its device answers every question for a passkey."""
    browsers = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: see CONTRIBUTING.md")
    with browsers.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("dialog", lambda dialog: dialog.accept("my device"))  # how the new passkey shall be called
        yield page
        browser.close()


def a_device(page: Any) -> Any:
    """A virtual authenticator without any passkey."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session


@pytest.mark.parametrize("factors", [("passkey",), ("totp", "passkey")], ids=" or ".join)
def test_who_has_no_passkey_yet_sets_one_up_and_signs_in_with_it_and_with_no_other_device(
    world: World, page: Any, callback: str, factors: tuple[str, ...]
) -> None:
    catalog = world.here(
        a_platform(
            with_tenant(REALM, factors=factors, passkey={"domain": "localhost"}),
            with_user(f"{REALM}-first", tenant=REALM),
            with_service("web", tenant=REALM, auth=[Auth.TOKEN], redirect_uris=(callback,)),
        )
    )
    world.apply(catalog)
    stage = Stage(world, catalog)
    stage.with_password(REALM, "first")

    device = a_device(page)
    if factors[0] == "totp":
        _sets_up_a_passkey_beside_codes_and_loses_the_phone(stage, page, callback)
    else:
        _gives_the_password(stage, page, callback)
        _presses(page, "#registerWebAuthn")
        assert _code(page, callback)
    page.context.clear_cookies()
    _gives_the_password(stage, page, callback)
    _presses(page, "#authenticateWebAuthnButton")
    assert _code(page, callback)

    server = world.keycloak(catalog)
    have([target(server)])
    account = (world.realm(REALM), f"{REALM}-first")
    assert [kind for kind, _ in credentials.factors(server, [account])[account]] == ["passkey"]
    assert stage.user(REALM, "first")["totp"] is False  # the list of users alone does not tell

    device.send("WebAuthn.disable")
    a_device(page)
    page.context.clear_cookies()
    _gives_the_password(stage, page, callback)
    _presses(page, "#authenticateWebAuthnButton")
    page.locator("#kc-try-again").wait_for(timeout=60_000)  # the page that says that it did not work
    assert page.url.startswith(server.settings.url)


def _sets_up_a_passkey_beside_codes_and_loses_the_phone(stage: Stage, page: Any, callback: str) -> None:
    """Who has no factor is led to the first one, codes; a passkey is set up by the action of that name."""
    code = with_a_phone(stage, "first", REALM)
    id = stage.user(REALM, "first")["id"]
    stage.world.by_hand("PUT", REALM, f"/users/{id}", {"requiredActions": ["webauthn-register"]})
    _gives_the_password(stage, page, callback)
    page.locator("#otp").fill(code())
    page.locator("#kc-login").click()
    _presses(page, "#registerWebAuthn")
    assert _code(page, callback)
    for one in stage.world.by_hand("GET", REALM, f"/users/{id}/credentials").json():
        if one["type"] == "otp":
            stage.world.by_hand("DELETE", REALM, f"/users/{id}/credentials/{one['id']}")


def _presses(page: Any, button: str) -> None:
    """Once the page's scripts have come: before that the button does nothing."""
    page.locator(button).wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle", timeout=60_000)
    page.locator(button).click()


def _gives_the_password(stage: Stage, page: Any, callback: str) -> None:
    person = stage.person(REALM)
    page.goto(f"{person.url}/protocol/openid-connect/auth?{urlencode(person.request(callback))}")
    page.locator("#username").fill(f"{REALM}-first")
    page.locator("#password").fill(PASSWORD)
    page.locator("#kc-login").click()


def _code(page: Any, callback: str) -> str | None:
    page.wait_for_url(f"{callback}?*", timeout=60_000)
    found = parse_qs(urlsplit(page.url).query).get("code")
    return found[0] if found else None
