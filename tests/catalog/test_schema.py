"""The schemas for editors, and the reference: both say what the models say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from control_plane.catalog.documents import KINDS
from control_plane.catalog.schema import DIALECT, schemas

ROOT = Path(__file__).parents[2]


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (one for one in [schema, *schema["$defs"].values()] if "properties" in one)


def test_every_kind_of_file_has_a_schema():
    found = schemas()
    assert list(found) == ["renkei", "roles", "api", "tenant", "templates"]
    assert {schema["$schema"] for schema in found.values()} == {DIALECT}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_key_is_described_and_no_other_key_is_allowed(kind):
    for one in objects(schemas()[kind.name]):
        assert one["additionalProperties"] is False
        assert one["description"]
        assert all(field.get("description") for field in one["properties"].values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_nothing_is_a_value_of_the_language(kind):
    assert "null" not in json.dumps(schemas()[kind.name])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_patterns_mean_the_same_outside_of_our_loader(kind):
    for pattern in re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(schemas()[kind.name])):
        re.compile(json.loads(pattern))
        assert r"\x{" not in pattern


def test_from_is_called_from_and_not_by_the_name_in_our_code():
    grant = schemas()["tenant"]["$defs"]["GrantEntry"]["properties"]
    assert {"from", "until"} <= grant.keys() and "start" not in grant


def test_every_key_stands_in_the_reference():
    text = (ROOT / "docs/reference/language.md").read_text(encoding="utf-8")
    keys = {key for schema in schemas().values() for one in objects(schema) for key in one["properties"]}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []
