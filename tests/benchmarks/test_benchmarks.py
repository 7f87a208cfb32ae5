"""The benchmark runs through and tells what it should. None of its figures is asserted: they are a machine's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.synthetic import SIZES, Size, write
from control_plane.catalog.load import load

ROOT = Path(__file__).parents[2]
TINY = Size(users=4, services=3, tenants=2, apis=1, roles=2, scopes=2, realms=1)
STAGES = ("start", "load", "compile", "apply", "plan", "bare", "grant", "user")


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


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)


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
def test_every_stage_of_a_tiny_platform_gives_its_figures():
    sizes = [word for name, number in vars(TINY).items() for word in (f"--{name}", str(number))]
    done = run(*sizes, "--repeat", "1", "--json")
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
    assert requests["load"] == requests["compile"] == {}
    assert requests["bare"]["Keycloak"]["GET"] == requests["plan"]["Keycloak"]["GET"]
    assert requests["bare"]["Kong"] == requests["plan"]["Kong"]
    assert {method for sent in requests["plan"].values() for method in sent} <= {"GET", "token"}
