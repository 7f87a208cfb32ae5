"""renkei init: a configuration to begin with."""

from __future__ import annotations

import pytest

from control_plane.app.start import init
from control_plane.app.systems import SANDBOX
from control_plane.problems import Refused


def test_what_the_sandbox_keeps_is_never_committed(tmp_path):
    init(tmp_path)
    assert f"{SANDBOX.parts[0]}/" in (tmp_path / ".gitignore").read_text().splitlines()


def test_nothing_is_written_where_something_is_already(tmp_path):
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants" / "city.yaml").write_text("tenant: mine\n")
    with pytest.raises(Refused, match="is there already"):
        init(tmp_path)
    assert not (tmp_path / "renkei.yaml").exists()
    assert (tmp_path / "tenants" / "city.yaml").read_text() == "tenant: mine\n"
