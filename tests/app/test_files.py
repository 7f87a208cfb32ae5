"""Files that a command was asked to write."""

from __future__ import annotations

import pytest

from control_plane.cli.files import write
from control_plane.problems import Refused


def test_directories_above_a_file_are_made(tmp_path):
    write(tmp_path / "plans" / "today.json", b"{}\n")
    assert (tmp_path / "plans" / "today.json").read_bytes() == b"{}\n"


def test_a_place_that_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "a-file").write_text("")
    with pytest.raises(Refused, match=r"plan\.json cannot be written"):
        write(tmp_path / "a-file" / "plan.json", b"")
