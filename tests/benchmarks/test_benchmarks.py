"""The benchmark runs through and tells what it should. None of its figures is asserted: they are a machine's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.synthetic import SIZES, Size, write
from control_plane.catalog.load import load
from tests.conftest import KeycloakServer

ROOT = Path(__file__).parents[2]
TINY = Size(users=4, services=3, tenants=2, apis=1, roles=2, scopes=2, realms=1)
STAGES = ("start", "load", "compile", "apply", "plan", "command", "bare", "grant", "user", "posts")
KEYS = ("--size", "keys", "--services", "12", "--tenants", "2", "--apis", "4", "--repeat", "1", "--json")


def files(directory: Path) -> dict[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    "size", [TINY, SIZES["small"], Size(users=1, services=1, tenants=1, apis=1, roles=1, scopes=1)]
)
def test_a_synthetic_platform_is_valid_and_as_large_as_it_was_asked_for(tmp_path, size):
    write(tmp_path, size)
    catalog = load(tmp_path)
    assert len(list(catalog.users())) == size.users
    assert len(list(catalog.services())) == size.services
    assert (len(catalog.tenants), len(catalog.apis)) == (size.tenants, size.apis)
    assert len(catalog.realms) == min(size.realms, size.tenants)
    assert len(files(tmp_path)) == size.files


def test_the_same_size_gives_the_same_files(tmp_path):
    for name in ("one", "other"):
        write(tmp_path / name, SIZES["small"])
    assert files(tmp_path / "one") == files(tmp_path / "other")


def run(*words: str, named: KeycloakServer | None = None) -> subprocess.CompletedProcess[str]:
    """`named`: with this Keycloak, and everything else from a sandbox of its own."""
    command, env = [sys.executable, "-m", "benchmarks", *words], dict(os.environ)
    if named:
        command.append("--real")
        env |= {
            "RENKEI_TEST_KEYCLOAK": named.url,
            "RENKEI_TEST_KEYCLOAK_CLIENT_ID": named.client_id,
            "RENKEI_TEST_KEYCLOAK_CLIENT_SECRET": named.client_secret,
        }
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200, check=False)


def test_without_servers_only_loading_is_measured():
    done = run("--size", "small", "--offline", "--repeat", "1")
    assert done.returncode == 0, done.stderr
    assert "load and validate" in done.stdout
    assert "first apply" not in done.stdout


def test_named_servers_that_are_not_named_are_a_clear_error(monkeypatch):
    for name in ("RENKEI_TEST_KEYCLOAK", "RENKEI_TEST_KONG_ADMIN"):
        monkeypatch.delenv(name, raising=False)
    done = run("--real", "--repeat", "1")
    assert done.returncode == 1
    assert "RENKEI_TEST_KEYCLOAK" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.servers
def test_every_stage_of_a_tiny_platform_gives_its_figures(keycloak_server):
    numbers = {name: value for name, value in vars(TINY).items() if value and not isinstance(value, bool)}
    sizes = [word for name, number in numbers.items() for word in (f"--{name}", str(number))]
    done = run(*sizes, "--repeat", "1", "--json", named=keycloak_server)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["size"] == vars(TINY)
    assert {"cores", "memory", "python"} <= document["machine"].keys()
    found = {stage["stage"]: stage for stage in document["stages"]}
    assert tuple(found) == STAGES
    for stage in found.values():
        assert stage["median"]["seconds"] > 0
        assert stage["median"]["memory"] > 0
    requests = {name: stage["runs"][0]["requests"] for name, stage in found.items()}
    assert requests["load"] == requests["compile"] == requests["command"] == {}
    assert requests["bare"]["Keycloak"]["GET"] == requests["plan"]["Keycloak"]["GET"]
    assert requests["bare"]["Kong"] == requests["plan"]["Kong"]
    assert {method for sent in requests["plan"].values() for method in sent} <= {"GET", "token"}
    assert requests["posts"]["Keycloak"]["POST"] == found["posts"]["runs"][0]["detail"]["objects"]


@pytest.mark.servers
def test_the_list_of_users_asks_for_pages_alone_of_people_whom_nobody_declares(keycloak_server):
    words = ("--size", "people", "--users", "2", "--strangers", "200", "--repeat", "1", "--json")
    done = run(*words, named=keycloak_server)
    assert done.returncode == 0, done.stderr
    found = {stage["stage"]: stage["runs"][0] for stage in json.loads(done.stdout)["stages"]}["report"]
    assert found["detail"]["rows"] == 202
    assert found["requests"]["Keycloak"]["GET"] < 100


@pytest.fixture(scope="module")
def kong_alone() -> dict[str, dict[str, object]]:
    """Each stage's first run, on APIs with keys alone and without a Keycloak."""
    done = run(*KEYS)
    assert done.returncode == 0, done.stderr
    return {stage["stage"]: stage["runs"][0] for stage in json.loads(done.stdout)["stages"]}


@pytest.mark.servers
def test_a_first_apply_writes_each_object_once_and_publishes_each_api_once(kong_alone):
    found = kong_alone["apply"]
    changes = {name.removeprefix("changes: "): n for name, n in found["detail"].items() if name.startswith("changes: ")}
    published = changes["kong.publication"]
    assert published == 4
    probes = 3  # of the one wait for the proxy: two markers and a plugin
    sent = found["requests"]["Kong"]
    assert sent["PUT"] == sum(changes.values()) - published + probes
    assert sent["PATCH"] == published
    assert "POST" not in sent


@pytest.mark.servers
def test_one_changed_grant_is_at_most_three_writes(kong_alone):
    sent = kong_alone["grant"]["requests"]["Kong"]
    assert 1 <= sum(number for method, number in sent.items() if method != "GET") <= 3


@pytest.mark.servers
def test_a_plan_of_kong_alone_asks_nobody_else_and_reads_each_page_once(kong_alone):
    found = kong_alone["plan"]
    assert found["requests"] == {"Kong": {"GET": found["detail"]["pages"]}}
    assert kong_alone["bare"]["requests"] == found["requests"]
