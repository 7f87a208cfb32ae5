"""The page of promises: every sentence has its scenario, and no scenario is named that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/reference/gateway.md").read_text("utf-8")
TESTS = Path(__file__).parents[1]
PROMISES = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| promise ")]


@pytest.mark.parametrize("line", PROMISES, ids=lambda line: line.split(" | ")[0].strip("| "))
def test_a_promise_of_the_gateway_has_a_scenario_of_its_name(line: str) -> None:
    scenario = line.rsplit(" | ", 1)[1]
    tests, mistakes = re.findall(r"`(test_\w+)`", scenario), re.findall(r"mistake `([\w-]+)`", scenario)
    assert tests or mistakes, line
    written = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in tests if f"def {name}(" not in written] == []
    assert [name for name in mistakes if not (TESTS / "mistakes" / name).is_dir()] == []


def test_every_file_of_scenarios_has_its_promises() -> None:
    for path in sorted((TESTS / "gateway").glob("test_*.py")):
        names = re.findall(r"^def (test_\w+)\(", path.read_text("utf-8"), re.M)
        assert any(f"`{name}`" in PAGE for name in names), path.name
