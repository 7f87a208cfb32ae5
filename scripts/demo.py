"""Every command is shown before it runs, every outcome is checked; exit code 1 when one is not as it should be.

It begins with an empty sandbox. One that an earlier demo made is wiped for that; any other is left alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import requests

from control_plane.app.run import Ask, catalog_of
from control_plane.catalog.model import (
    Api,
    Auth,
    Catalog,
    FileSecretsSettings,
    Grant,
    Scoping,
    SecretRef,
    Service,
    State,
    Version,
)
from control_plane.problems import RenkeiError
from control_plane.sandbox import run
from control_plane.sandbox.state import Sandbox, load
from control_plane.secrets import credential, open_store

ROOT = Path(__file__).resolve().parent.parent
SANDBOX = ROOT / ".renkei" / "sandbox"
LISTS = ROOT / ".renkei" / "lists"
MARK = SANDBOX / "made-by-the-demo"
HEAD, TAIL = 12, 8  # lines of a long output that are shown
TIMEOUT = 30


class NotAsExpected(Exception):
    """The demo shows something else than it should."""


def main() -> int:
    keep = sys.argv[1:] == ["--keep"]
    if sys.argv[1:] and not keep:
        print(f"error: the demo knows no {' '.join(sys.argv[1:])}\n  help: ./scripts/demo [--keep]", file=sys.stderr)
        return 1
    try:
        began = time.monotonic()
        demonstrate(keep)
        print(f"\nThe demo took {time.monotonic() - began:.0f} s. Nothing was other than it should be.")
    except NotAsExpected as why:
        print(f"error: {why}", file=sys.stderr)
        return 1
    except RenkeiError as error:
        for problem in error.problems:
            print(f"error: {problem}" + (f"\n  help: {problem.help}" if problem.help else ""), file=sys.stderr)
        return 1
    except requests.RequestException as why:
        print(f"error: no answer where one was expected: {type(why).__name__}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the sandbox may still run: .venv/bin/python cli.py sandbox down", file=sys.stderr)
        return 1
    return 0


def demonstrate(keep: bool) -> None:
    title("Is the configuration right?")
    renkei("validate", "-e", "sandbox")

    title("A real Keycloak, a stand-in Kong and an upstream that echoes, on this machine")
    if not keep:
        begin_empty()
    renkei("sandbox", "up")
    MARK.touch()
    sandbox = the_sandbox()

    title("What would be done? And then: do it")
    renkei("plan", "-e", "sandbox")
    renkei("apply", "-e", "sandbox", "--yes")
    title("Done is done: the same plan again is empty")
    renkei("plan", "-e", "sandbox", "--exit-code")

    title("Calls through the gateway")
    catalog = catalog_of(Ask(directory=ROOT, environment="sandbox"))
    for call in calls(catalog):
        make(call, sandbox)

    title("Somebody changes something by hand, in Keycloak and in Kong")
    change_keycloak(sandbox, catalog)
    change_kong(sandbox)
    title("Drift finds both: what was expected, and what was found")
    renkei("drift", "-e", "sandbox", code=2)
    title("And apply mends both")
    renkei("apply", "-e", "sandbox", "--yes")
    renkei("drift", "-e", "sandbox")

    title("Who are the users? Which services are connected?")
    lists = []
    LISTS.mkdir(parents=True, exist_ok=True)
    for what in ("users", "services"):
        for form in ("xlsx", "html"):
            lists.append(LISTS / f"{what}.{form}")
            renkei("report", what, "-e", "sandbox", "--format", form, "--out", str(lists[-1].relative_to(ROOT)))
    finish(sandbox, lists)


def finish(sandbox: Sandbox, lists: list[Path]) -> None:
    title("What there is now")
    for path in lists:
        if not path.is_file():
            raise NotAsExpected(f"{path} was not written")
        print(f"  {path}")
    print(f"  Keycloak's console      {sandbox.keycloak_console}")
    print(f"                          user {sandbox.admin_user}, password in {sandbox.admin_password_file}")
    print(f"  Kong's proxy            {sandbox.kong_proxy_url}   (a stand-in, not Kong)")
    print(f"  Kong's Admin API        {sandbox.kong_admin_url}")
    print("  All of it stops by itself after 8 hours, or with: .venv/bin/python cli.py sandbox down")


# ---------------------------------------------------------------- commands


def title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def renkei(*arguments: str, code: int = 0) -> None:
    """Show a command, run it, show its output (of a long one the beginning and the end), check its exit code."""
    print(f"$ .venv/bin/python cli.py {' '.join(arguments)}", flush=True)
    done = subprocess.run(
        [sys.executable, "cli.py", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    lines = done.stdout.splitlines()
    if len(lines) > HEAD + TAIL + 1:
        lines = [*lines[:HEAD], f"  … {len(lines) - HEAD - TAIL} more lines …", *lines[-TAIL:]]
    print("\n".join(lines))
    if code:
        print(f"(exit code {done.returncode})", flush=True)
    if done.returncode != code:
        raise NotAsExpected(f"`{' '.join(arguments)}` ended with exit code {done.returncode}, {code} was expected")


def begin_empty() -> None:
    if not SANDBOX.exists():
        return
    if not MARK.exists():
        raise NotAsExpected(
            "there is a sandbox here that no demo made, and the demo would wipe it\n"
            "  help: ./scripts/demo --keep uses it as it is; .venv/bin/python cli.py sandbox down --wipe removes it"
        )
    print("The sandbox of the last demo is wiped: this one begins with an empty Keycloak and an empty Kong.")
    renkei("sandbox", "down", "--wipe")


def the_sandbox() -> Sandbox:
    state = load(SANDBOX)
    if state is None or not run.status(SANDBOX).running:
        raise NotAsExpected("the sandbox does not run")
    return state.sandbox


# ---------------------------------------------------------------- calls


@dataclass(frozen=True)
class Call:
    """One request through the gateway, and the status that it must have."""

    why: str
    method: str
    path: str
    service: Service | None  # whose key is shown
    status: int


def calls(catalog: Catalog) -> Iterator[Call]:
    """A granted call, one without a key, one to a level that was not granted, one outside of its period."""
    now = datetime.now(UTC)
    usable = list(by_key(catalog))
    current = [found for found in usable if holds(catalog, found[0], found[1], now)]
    # A grant for reading alone shows both what it opens and what it leaves shut.
    granted = next((found for found in current if found[1].levels == ("read",)), None)
    if granted is None:
        raise NotAsExpected(f"no service with a key and without fixed addresses may read anything on {now:%Y-%m-%d}")
    service, grant, api, version = granted
    path = a_path(catalog, grant, api, version)
    yield Call("granted", "GET", path, service, 200)
    yield Call("no key", "GET", path, None, 401)
    other = next(level for level in api.levels if level.name not in grant.levels)
    method = "POST" if "POST" in other.methods else other.methods[0]
    yield Call(f"the level {other.name} was not granted", method, path, service, 403)
    over = [found for found in usable if not found[1].period.holds(now)]
    if not over:
        raise NotAsExpected(f"every grant of a service with a key is in its period on {now:%Y-%m-%d}")
    service, grant, api, version = next((found for found in over if found[0] == service), over[0])
    yield Call("outside of the access period", "GET", a_path(catalog, grant, api, version), service, 403)


def by_key(catalog: Catalog) -> Iterator[tuple[Service, Grant, Api, Version]]:
    """The grants that this machine can use with a key, the portal of 那須塩原市 first."""
    services = sorted(catalog.services(), key=lambda service: (service.name != "nasushiobara.portal", service.name))
    for service in services:
        for grant in service.grants:
            api = catalog.apis[grant.api]
            versions = [api.version(name) for name in grant.versions]
            live = next((version for version in versions if version.state is State.PUBLISHED), None)
            key = Auth.API_KEY in service.auth and Auth.API_KEY in api.auth
            if key and live and "read" in grant.levels and not service.allowed_ips and not api.allowed_ips:
                yield service, grant, api, live


def holds(catalog: Catalog, service: Service, grant: Grant, now: datetime) -> bool:
    scopes = [catalog.scopes[name].period for name in grant.scopes]
    return all(period.holds(now) for period in (service.period, grant.period, *scopes))


def a_path(catalog: Catalog, grant: Grant, api: Api, version: Version) -> str:
    """An address inside the data that was granted."""
    inner = [path for name in grant.scopes for path in catalog.scopes[name].paths if api.scoping is Scoping.PATH]
    return version.path.rstrip("/") + (inner[0].rstrip("/") + "/list" if inner else "/entities")


def make(call: Call, sandbox: Sandbox) -> None:
    """Call through the proxy and say what came of it; the key itself is never shown."""
    headers = {"apikey": key_of(call.service, sandbox)} if call.service else {}
    answer = requests.request(call.method, f"{sandbox.kong_proxy_url}{call.path}", headers=headers, timeout=TIMEOUT)
    who = f"with the key of {call.service.name}" if call.service else "without a key"
    print(f"  {call.method} {call.path} {who} → {answer.status_code}  ({call.why})")
    print(f"      {reason(answer)}")
    if answer.status_code != call.status:
        raise NotAsExpected(f"the gateway answered {answer.status_code}, {call.status} was expected")


def reason(answer: requests.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return f"{len(answer.content)} bytes"
    if "upstream" in body:
        heard = {name.lower(): value for name, value in body["headers"].items()}
        fiware = [f"{name}: {heard[name]}" for name in ("fiware-service", "fiware-servicepath") if name in heard]
        line = f"{body['method']} {body['path']}"
        return f"the upstream heard {', '.join([line, *fiware])}"
    said = body.get("reason") or body.get("detail") or body.get("message") or body
    return f"the gateway said {json.dumps(said, ensure_ascii=False)}"


def key_of(service: Service, sandbox: Sandbox) -> str:
    store = open_store(FileSecretsSettings(str(sandbox.secrets_directory)), ROOT)
    return credential(store, SecretRef(f"services/{service.name}", "api_key"))


# ---------------------------------------------------------------- changes by hand


def change_keycloak(sandbox: Sandbox, catalog: Catalog) -> None:
    """As a person with all rights might do it in the console."""
    realm = "nasushiobara" if "nasushiobara" in catalog.realms else next(iter(catalog.realms))
    password = sandbox.admin_password_file.read_text("utf-8")
    form = {"grant_type": "password", "client_id": "admin-cli", "username": sandbox.admin_user, "password": password}
    url = f"{sandbox.keycloak_url}/realms/master/protocol/openid-connect/token"
    token = answered(requests.post(url, data=form, timeout=TIMEOUT)).json()["access_token"]
    answered(
        requests.put(
            f"{sandbox.keycloak_url}/admin/realms/{realm}",
            json={"bruteForceProtected": False},
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
        )
    )
    print(f"  Keycloak: the protection against guessed passwords is switched off in the realm {realm}")


def change_kong(sandbox: Sandbox) -> None:
    """As somebody with access to the Admin API might do it."""
    plugins = f"{sandbox.kong_admin_url}/plugins"
    found = answered(requests.get(plugins, params={"size": 1000}, timeout=TIMEOUT)).json()["data"]
    limits = [row for row in found if row["name"] == "rate-limiting" and row["config"].get("minute")]
    if not limits:
        raise NotAsExpected("Kong has no rate limit per minute")
    limit = min(
        limits, key=lambda row: (row["instance_name"] != "ngsi-v2.v2.read.rate-limiting", row["instance_name"] or "")
    )
    body = {"config": {"minute": 100 * int(limit["config"]["minute"])}}
    answered(requests.patch(f"{plugins}/{limit['id']}", json=body, timeout=TIMEOUT))
    print(f"  Kong: the limit {limit['instance_name']} is a hundred times what it was")


def answered(response: requests.Response) -> requests.Response:
    if not response.ok:
        raise NotAsExpected(
            f"{response.request.method} {response.request.url} was answered with {response.status_code}"
        )
    return response


if __name__ == "__main__":
    sys.exit(main())
