"""Whatever stands in a file: a catalog or problems for people, never another error."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from control_plane.catalog.documents import KINDS
from control_plane.catalog.schema import schemas
from control_plane.render.problems import render_problems

from .worlds import CITY, WORLD, messages, problems

FILES = ["renkei", "city", "roles", "scopes", "api", "templates", "roster"]
ROSTER = CITY + "users: {csv: rosters/city.csv}\n"
QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)

KEYS = sorted(
    {key for kind in schemas().values() for one in kind["$defs"].values() for key in one.get("properties", {})}
)
SCALARS = st.one_of(
    st.sampled_from(["city", "staff", "editor", "v1", "v2", "/ngsi/v2", "2027-03-31", "none", "limited", "sandbox"]),
    st.integers(-3, 10**20),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


def holds(name: str, content: bytes | str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        files: dict[str, bytes | str] = {name: content}
        if name == "roster":
            files["city"] = ROSTER
        render_problems(problems(Path(directory), **files)).encode("utf-8")


@QUICK
@given(st.sampled_from(FILES), st.binary(max_size=200))
def test_any_bytes(name, content):
    holds(name, content)


@QUICK
@given(st.sampled_from(FILES), st.text(max_size=200))
def test_any_text(name, content):
    holds(name, content.encode("utf-8", "replace"))


@QUICK
@given(st.sampled_from(FILES[:-1]), VALUES)
def test_any_data_with_the_keys_of_the_language(name, data):
    holds(name, yaml.safe_dump(data, allow_unicode=True))


@settings(QUICK, max_examples=150)
@given(st.data())
def test_any_value_in_the_place_of_a_right_one(data):
    """One or two values of a valid file are replaced: what follows from a mistake must not fail either."""
    name, place = data.draw(st.sampled_from([("city", "tenants/city.yaml"), ("api", "apis/ngsi-v2.yaml")]))
    text = WORLD[place] + (MORE if name == "city" else "")
    document = yaml.load(text, yaml.BaseLoader)
    for _ in range(data.draw(st.integers(1, 2))):
        at = document
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(at[key], dict | list) and data.draw(st.booleans()):
                at = at[key]
                continue
            at[key] = data.draw(VALUES)
            break
    holds(name, yaml.safe_dump(document, allow_unicode=True))


MORE = """\
groups:
  - {group: digital, title: デジタル推進課, roles: [editor]}
users:
  - {username: staff-01, family_name: 見本, given_name: 職員一, email: staff-01@example.jp, groups: [digital]}
services:
  - service: portal
    title: 地域ポータル
    auth: [api-key]
    limits: {ngsi-v2: {read: {minute: 60}}}
    grants:
      - {api: ngsi-v2, levels: [read], scopes: [facility], versions: [v2], from: 2026-04-01, until: 2027-03-31}
"""


def test_the_file_that_the_replacements_begin_with_is_valid(tmp_path):
    assert messages(tmp_path, city=CITY + MORE) == []


def test_a_problem_cannot_steer_the_terminal(tmp_path):
    found = problems(tmp_path, roles='roles:\n  - {role: "\\e]0;x\\a\\u202e", title: x, "\\e[31m": y}\n')
    assert found
    text = render_problems(found)
    assert not [letter for letter in text if letter in "\x1b\x07\u202e"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_of_a_file_with_thousands_of_mistakes_every_one_is_told(kind, tmp_path):
    name = {"renkei": "renkei", "tenant": "city", "api": "api", "roles": "roles", "templates": "templates"}[kind.name]
    found = problems(tmp_path, **{name: "".join(f"wrong-{number}: {{x: [1, 2]}}\n" for number in range(3_000))})
    assert len(found) >= 3_000
