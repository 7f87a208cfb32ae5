"""A person at a browser, over HTTP: signs in by the authorization code flow (RFC 6749, 4.1) and reads the pages."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

CALLBACK = "http://localhost:9/callback"  # nothing listens there: the code is read from the redirect


@dataclass
class Page:
    """What the person sees, or what the application gets: a code, or why there is none."""

    text: str
    code: str | None = None
    error: str | None = None

    @property
    def asks_for_password(self) -> bool:
        return 'name="password"' in self.text

    @property
    def asks_to_set_up_otp(self) -> bool:
        return 'id="kc-totp-settings-form"' in self.text

    @property
    def asks_for_otp(self) -> bool:
        return 'id="kc-otp-login-form"' in self.text

    @property
    def asks_for_recovery_code(self) -> bool:
        return 'name="recoveryCodeInput"' in self.text

    @property
    def asks_for_consent(self) -> bool:
        return 'name="accept"' in self.text

    @property
    def recovery_codes(self) -> list[str]:
        """The codes that the person is to print, in the order in which they are asked for."""
        found = re.search(r'name="generatedRecoveryAuthnCodes"[^>]*value="([^"]+)"', self.text)
        return html.unescape(found[1]).split(",") if found else []

    @property
    def number_of_the_code(self) -> int:
        """Which of the recovery codes the page wants, from 1."""
        found = re.search(r'<label[^>]*for="recoveryCodeInput".*?#(\d+)', self.text, re.DOTALL)
        assert found, self.text
        return int(found[1])

    @property
    def hidden(self) -> dict[str, str]:
        """The fields of the form that the person does not see."""
        fields = re.findall(r'<input[^>]*type="hidden"[^>]*>', self.text)
        pairs = ((re.search(r'name="([^"]+)"', one), re.search(r'value="([^"]*)"', one)) for one in fields)
        return {name[1]: html.unescape(value[1]) for name, value in pairs if name and value}

    @property
    def totp_secret(self) -> str:
        found = re.search(r'name="totpSecret"[^>]*value="([^"]+)"', self.text)
        assert found
        return html.unescape(found[1])

    @property
    def action(self) -> str:
        found = re.search(r'<form[^>]*\baction="([^"]+)"', self.text)
        assert found, self.text[:2000]
        return html.unescape(found[1])


@dataclass
class Person:
    url: str  # of the realm: http://…/realms/NAME
    client_id: str
    client_secret: str  # empty: of a public client
    scope: str = "openid"
    verifier: str = "what-only-the-application-that-began-the-login-knows"  # RFC 7636; empty: it sends none
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)  # by the realm whose path they are for

    def opens(self, callback: str = CALLBACK) -> Page:
        return self._follow(self._request("GET", self._endpoint("auth"), params=self.request(callback)))

    def request(self, callback: str = CALLBACK) -> dict[str, str]:
        """What the application asks when it sends the person to the login."""
        query = {"client_id": self.client_id, "redirect_uri": callback, "response_type": "code", "scope": self.scope}
        if self.verifier:
            digest = hashlib.sha256(self.verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return query

    def signs_in(self, username: str, password: str) -> Page:
        """From the application to what comes after the password."""
        return self.sends(self.opens(), username=username, password=password)

    def sends(self, page: Page, **form: str) -> Page:
        return self._follow(self._request("POST", urljoin(self.url, page.action), data=form))

    def visits(self, address: str) -> Page:
        """Opens a link, as of a mail."""
        return self._follow(self._request("GET", address))

    def goes_to(self, page: Page, place: str) -> Page:
        """Follows the link of the page that holds this."""
        found = re.search(rf'href="([^"]*{re.escape(place)}[^"]*)"', page.text)
        assert found, f"no link to {place}"
        return self._follow(self._request("GET", urljoin(self.url, html.unescape(found[1]))))

    def tries_another_way(self, page: Page, title: str) -> Page:
        """Chooses another factor from the list behind "Try another way", by what the list calls it."""
        chosen = self.sends(page, tryAnotherWay="on")
        offered = r'name="authenticationExecution" value="([^"]+)".*?select-auth-box-headline[^>]*>\s*([^<]+?)\s*<'
        options = {name: id for id, name in re.findall(offered, chosen.text, re.DOTALL)}
        return self.sends(chosen, authenticationExecution=options[title])

    def token(self, page: Page) -> requests.Response:
        """What the application gets for the code."""
        form = {
            "grant_type": "authorization_code",
            "code": page.code or "",
            "redirect_uri": CALLBACK,
            **self._client(),
        }
        if self.verifier:
            form["code_verifier"] = self.verifier
        return requests.post(self._endpoint("token"), data=form, timeout=30)

    def refreshed(self, refresh_token: str) -> requests.Response:
        """What the application gets for its refresh token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **self._client()}
        return requests.post(self._endpoint("token"), data=form, timeout=30)

    def _client(self) -> dict[str, str]:
        """How the application proves who it is."""
        secret = {"client_secret": self.client_secret} if self.client_secret else {}
        return {"client_id": self.client_id, **secret}

    def userinfo(self, access_token: str) -> requests.Response:
        header = {"Authorization": f"Bearer {access_token}"}
        return requests.get(self._endpoint("userinfo"), headers=header, timeout=30)

    def _endpoint(self, name: str) -> str:
        return f"{self.url}/protocol/openid-connect/{name}"

    def _follow(self, answer: requests.Response) -> Page:
        while answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            if target.startswith(CALLBACK):
                said = parse_qs(urlsplit(target).query)
                code, error, why = (said.get(name, [None])[0] for name in ("code", "error", "error_description"))
                return Page("", code, why or error)
            answer = self._request("GET", target)
        return Page(answer.text)

    def _request(self, method: str, url: str, **more: Any) -> requests.Response:
        """With all cookies: Keycloak marks them Secure on http too, and browsers send those to the loopback."""
        realm = urlsplit(url).path.removeprefix("/realms/").partition("/")[0]
        held = self.cookies.setdefault(realm, {})
        header = {"Cookie": "; ".join(f"{name}={value}" for name, value in held.items())}
        answer = requests.request(method, url, headers=header, allow_redirects=False, timeout=30, **more)
        held |= {name: value for name, value in answer.cookies.items() if value is not None}
        return answer
