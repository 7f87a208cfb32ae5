from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from control_plane.catalog.load import load
from control_plane.catalog.model import Catalog

ROOT = Path(__file__).parents[2]
NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.fixture(scope="session")
def tochigi() -> Catalog:
    """The example at the repository's root, in the sandbox, on a fixed day."""
    return load(ROOT, "sandbox", NOVEMBER)
