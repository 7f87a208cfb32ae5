"""One Keycloak of a sandbox: its home, its start on loopback, and the two accounts that it gets.

Its home is a directory of links to the shared distribution, and its own `data`. Accounts:
    renkei    a client of the realm `master` with a service account whose only role is `create-realm`. Whoever creates
              a realm has all rights in it, and none in others: that is all that renkei needs.
    admin     a person with all rights, for the console; renkei never uses it.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from control_plane.problems import RenkeiError, ServerError
from control_plane.sandbox.cache import cannot_write, private_directory, write_private
from control_plane.sandbox.distribution import BOOTSTRAP_CLIENT, DATABASE, Distribution, command, environment
from control_plane.sandbox.processes import Process, spawn

CLIENT_ID = "renkei"
ADMIN = "admin"
TIMEOUT = 30
MEMORY = 1024  # MiB; -Xmx1g is rarely used up, measured are 0.45 GB after the start and 1 GB after a long test run


@dataclass(frozen=True)
class Ports:
    http: int
    management: int

    @property
    def url(self) -> str:
        return f"http://localhost:{self.http}"

    @property
    def ready_url(self) -> str:
        """Answers 200 when Keycloak has finished its bootstrap; its HTTP port is open seconds before that."""
        return f"http://127.0.0.1:{self.management}/health/ready"


def make_home(distribution: Distribution, home: Path) -> None:
    """Link the shared distribution, and copy the prepared database when there is none yet."""
    private_directory(home)
    data = private_directory(home / "data" / "h2")
    try:
        for shared in sorted(distribution.home.iterdir()):
            link = home / shared.name
            if link.is_symlink():
                link.unlink()
            link.symlink_to(shared)
        if not (data / DATABASE).exists():
            unfinished = data / "unfinished"
            shutil.copyfile(distribution.database, unfinished)
            unfinished.rename(data / DATABASE)
    except OSError as why:
        raise cannot_write(home, why) from why


def start(distribution: Distribution, home: Path, ports: Ports, log: Path) -> Process:
    """Start it on loopback; it takes some seconds until `ports.ready_url` says so."""
    arguments = [
        "start",
        "--optimized",
        "--cache=local",  # of the start: given to the build it has no effect, and a cluster's ports are opened
        "--http-enabled=true",
        "--http-host=127.0.0.1",
        f"--http-port={ports.http}",
        f"--hostname={ports.url}",
        f"--http-management-port={ports.management}",
        "--log-level=INFO,io.smallrye.health:ERROR",  # else every question whether it is ready leaves a line
    ]
    return spawn("Keycloak", [*command(distribution.java, home), *arguments], log, environment())


@dataclass(frozen=True)
class Accounts:
    """Where the secrets of the two accounts are kept, a file each (0600)."""

    client_secret: Path
    admin_password: Path


def ensure_accounts(url: str, bootstrap_secret: str, accounts: Accounts) -> None:
    """Make both accounts with random secrets and remove the temporary one; nothing when that was done before.

    Each step may be repeated: a run that was killed in the middle is mended by the next.
    """
    bootstrap = _token(url, BOOTSTRAP_CLIENT, bootstrap_secret)
    if bootstrap is None:
        if accounts.client_secret.exists() and _token(url, CLIENT_ID, accounts.client_secret.read_text("utf-8")):
            return
        raise RenkeiError(
            f"the Keycloak at {url} does not know the secret in {accounts.client_secret}; wipe the sandbox"
        )
    for file in (accounts.client_secret, accounts.admin_password):
        if not file.exists():
            write_private(file, secrets.token_urlsafe(24))
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {bootstrap}"
        master = _Master(f"{url}/admin/realms/master", session)
        master.ensure_service_client(CLIENT_ID, accounts.client_secret.read_text("utf-8"), role="create-realm")
        master.ensure_admin(ADMIN, accounts.admin_password.read_text("utf-8"))
        master.remove_client(BOOTSTRAP_CLIENT)


@dataclass(frozen=True)
class _Master:
    """The few writes to the realm `master` that nobody but its administrator may do."""

    url: str
    session: requests.Session

    def ensure_service_client(self, client_id: str, secret: str, role: str) -> None:
        wanted = {
            "clientId": client_id,
            "secret": secret,
            "description": "The account of renkei: it may create realms, and has all rights in those that it created.",
            "protocol": "openid-connect",
            "publicClient": False,
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "directAccessGrantsEnabled": False,
        }
        self.call("POST", "/clients", wanted, also=409)
        key = self.call("GET", f"/clients?clientId={client_id}")[0]["id"]
        account = self.call("GET", f"/clients/{key}/service-account-user")["id"]
        roles = f"/users/{account}/role-mappings/realm"
        self.call("POST", roles, [self.call("GET", f"/roles/{role}")])
        others = [found for found in self.call("GET", roles) if found["name"] != role]
        if others:
            self.call("DELETE", roles, others)

    def ensure_admin(self, username: str, password: str) -> None:
        credential = {"type": "password", "value": password, "temporary": False}
        person = {"username": username, "enabled": True, "credentials": [credential]}
        # Without a name and an address Keycloak asks for them at the first login.
        person |= {"firstName": "Sandbox", "lastName": "Admin", "email": "admin@example.jp", "emailVerified": True}
        self.call("POST", "/users", person, also=409)
        key = self.call("GET", f"/users?username={username}&exact=true")[0]["id"]
        self.call("POST", f"/users/{key}/role-mappings/realm", [self.call("GET", "/roles/admin")])

    def remove_client(self, client_id: str) -> None:
        for found in self.call("GET", f"/clients?clientId={client_id}"):
            self.call("DELETE", f"/clients/{found['id']}")

    def call(self, method: str, path: str, body: object = None, also: int = 0) -> Any:
        """One request; a status of 400 or more that is not `also` is an error that does not quote the body."""
        answer = self.session.request(method, self.url + path, json=body, timeout=TIMEOUT)
        if answer.status_code >= 400 and answer.status_code != also:
            raise ServerError(
                f"Keycloak answered {answer.status_code} to {method} {self.url}{path} while the sandbox was set up"
            )
        return answer.json() if answer.content and method == "GET" else None


def _token(url: str, client_id: str, secret: str) -> str | None:
    """An access token of a service account, or None when the client or the secret is not known."""
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    answer = requests.post(f"{url}/realms/master/protocol/openid-connect/token", data=form, timeout=TIMEOUT)
    if answer.status_code in (400, 401):
        return None
    if answer.status_code != 200:
        raise ServerError(
            f"Keycloak answered {answer.status_code} when it was asked for a token while the sandbox was set up"
        )
    token: str = answer.json()["access_token"]
    return token
