"""The messages on the how-to pages are the ones that renkei gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from control_plane.catalog.load import load
from control_plane.problems import ConfigurationError
from control_plane.render.problems import render_problems

from .conftest import NOVEMBER, ROOT

APPROVAL = '        approval: {application: "2026-0024", by: utsunomiya, on: 2026-06-05}'


@pytest.fixture
def copy(tmp_path) -> Path:
    """The example in a directory of its own, to make mistakes in."""
    for folder in ("tenants", "apis", "roles", "templates", "rosters", "keys"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "renkei.yaml", tmp_path)
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def message(directory: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(directory, "sandbox", NOVEMBER)
    return render_problems(refused.value.problems).strip()


def page(name: str) -> str:
    """The page with the blocks of its lists moved to the left."""
    return "\n".join(line.removeprefix("  ") for line in (ROOT / "docs/how-to" / name).read_text().splitlines())


def test_a_missing_approval_is_told_as_the_page_shows_it(copy):
    change(copy / "tenants/haga.yaml", APPROVAL, "        #")
    assert message(copy) in (ROOT / "docs/how-to/add-a-city.md").read_text()


def test_an_unknown_group_in_a_roster_is_told_as_the_page_shows_it(copy):
    change(copy / "rosters/nasushiobara.csv", "tourism,data-user", "tourizm,data-user")
    assert message(copy) in page("roster-from-excel.md")
