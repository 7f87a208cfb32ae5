"""The editor's part: each example file names its schema, and the schemas are those of the loader."""

from __future__ import annotations

import json
import re

import pytest

from control_plane.catalog.documents import KINDS
from control_plane.catalog.schema import schemas

from .conftest import ROOT

FILES = [
    (kind.name, path)
    for kind in KINDS
    for path in (sorted((ROOT / kind.folder).glob("*.yaml")) if kind.folder else [ROOT / "renkei.yaml"])
]


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.name for _, path in FILES])
def test_an_example_file_begins_with_the_schema_of_its_kind(kind, path):
    first = path.read_text().splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named
    assert (path.parent / named[1]).resolve() == ROOT / f"docs/schema/{kind}.json"


def test_the_schemas_in_docs_are_what_renkei_schema_writes():
    written = {path.stem: json.loads(path.read_text()) for path in (ROOT / "docs/schema").glob("*.json")}
    assert written == schemas(), "make them anew: renkei schema --out docs/schema"


def test_the_editors_settings_know_the_secret_tag_and_every_kind_of_file():
    settings = json.loads((ROOT / ".vscode/settings.json").read_text())
    assert settings["yaml.customTags"] == ["!secret scalar"]
    assert set(settings["yaml.schemas"]) == {f"docs/schema/{kind.name}.json" for kind in KINDS}
