"""The complete example on empty servers: applied once, nothing is left to do, in whatever order files are read."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
import yaml

from tests.story.world import Said, World

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("tenants", "apis", "roles", "templates", "rosters", "keys")


@pytest.fixture
def tochigi(world: World):
    """The example's files, with the test's servers as its one environment."""
    for folder in FOLDERS:
        shutil.rmtree(world.directory / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, world.directory / folder)
    environment = (world.directory / "renkei.yaml").read_text("utf-8").partition("environments:")[2]
    head = (ROOT / "renkei.yaml").read_text("utf-8").partition("environments:")[0]
    world.write("renkei.yaml", f"{head}environments:{environment}")
    upstreams = {yaml.safe_load(file.read_text("utf-8"))["upstream"] for file in (ROOT / "apis").glob("*.yaml")}
    every = ", ".join(f"{name}: {world.kong.upstream_url}" for name in sorted(upstreams))
    world.edit("renkei.yaml", f"{{orion: {world.kong.upstream_url}}}", f"{{{every}}}")
    yield world
    for realm in yaml_ids(world.directory / "tenants"):
        world.keycloak.by_hand("DELETE", f"/realms/{realm}")


def yaml_ids(folder: Path) -> list[str]:
    found = [yaml.safe_load(file.read_text("utf-8")) for file in sorted(folder.glob("*.yaml"))]
    return [one["tenant"] for one in found if "shared" not in one["realm"]]


def reorder(folder: Path) -> None:
    """The same files under other names, so that they are read in another order."""
    files = sorted(folder.glob("*.yaml"))
    for number, file in enumerate(random.sample(files, len(files))):
        file.rename(folder / f"{number:03}-{file.name}")


def test_the_example_applies_to_empty_servers_and_then_nothing_is_left(tochigi):
    before = fingerprint(tochigi.renkei("plan", "--json"))
    for folder in ("tenants", "apis", "roles", "templates"):
        reorder(tochigi.directory / folder)
    assert fingerprint(tochigi.renkei("plan", "--json")) == before
    applied = tochigi.renkei("apply", "--expect", before)
    assert applied.code == 0, applied.err
    again = tochigi.renkei("plan", "--exit-code")
    assert again.code == 0, again.out
    assert tochigi.renkei("drift").code == 0


def fingerprint(said: Said) -> str:
    assert said.code == 0, said.err
    found: str = said.json["fingerprint"]
    return found
