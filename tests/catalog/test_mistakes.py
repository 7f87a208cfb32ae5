"""The corpus of mistakes: one directory each, the files a person wrote and the message that he gets."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from control_plane.catalog.load import load
from control_plane.problems import ConfigurationError
from control_plane.render.problems import render_problems

CORPUS = Path(__file__).parents[1] / "mistakes"
MISTAKES = sorted(path for path in CORPUS.iterdir() if path.is_dir())
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)


def told(directory: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(directory, "sandbox", AS_OF)
    return render_problems(raised.value.problems).replace(str(directory), "DIRECTORY")


@pytest.mark.parametrize("directory", MISTAKES, ids=lambda path: path.name)
def test_a_mistake_gives_its_message(directory):
    assert told(directory) == (directory / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("directory", MISTAKES, ids=lambda path: path.name)
def test_no_mistake_gives_a_traceback_or_another_error(directory):
    try:
        load(directory, "sandbox", AS_OF)
    except ConfigurationError as error:
        assert error.problems
        assert "Traceback" not in render_problems(error.problems)
    except Exception:
        pytest.fail(traceback.format_exc())


def test_there_are_a_hundred_and_fifty_mistakes_and_each_shows_a_place_or_needs_none():
    assert len(MISTAKES) >= 150
    placeless = [path.name for path in MISTAKES if " --> " not in (path / "expected.txt").read_text(encoding="utf-8")]
    assert placeless == ["configuration-without-renkei-yaml"]


def test_a_secret_that_was_written_in_clear_is_in_no_message():
    texts = {path.name: told(path) for path in MISTAKES}
    assert [name for name, text in texts.items() if "hunter2" in text] == []
    written = (file for path in MISTAKES for file in path.rglob("*.yaml"))
    files = [file for file in written if file.is_file() and b"hunter2" in file.read_bytes()]
    assert len(files) >= 3
