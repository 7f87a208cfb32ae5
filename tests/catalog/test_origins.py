"""YAML to data: values stay what they are, and each knows where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from control_plane.catalog import origins
from control_plane.catalog.model import SecretRef
from control_plane.catalog.origins import read_yaml
from control_plane.catalog.source import Source

ROOT = Path(__file__).parents[2]
WORDS = st.text(st.sampled_from("abc-123 那須塩原市ｶﾅ𠮷é:#'\"{}[],&*!|>%@`"), min_size=1, max_size=12)
DATA = st.dictionaries(
    WORDS,
    st.recursive(WORDS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4)),
    min_size=1,
    max_size=4,
)


def read(text: str) -> Source:
    found = read_yaml("x.yaml", text)
    assert not found.problems
    return found.source


def scalars(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from scalars(value, (*path, key))
    else:
        yield path, data


def underlined(source: Source, origin: Any) -> Any:
    """What stands at the place, read as YAML by itself."""
    line = source.text.split("\n")[origin.line - 1]
    return yaml.safe_load(line[origin.column - 1 : origin.column - 1 + origin.width])


@given(DATA, st.sampled_from([True, False, None]), st.integers(2, 5))
def test_the_place_of_every_value_and_key_is_its_own_text(data, flow, indent):
    text = yaml.safe_dump(data, allow_unicode=True, width=10**6, default_flow_style=flow, indent=indent)
    source = read(text)
    for path, value in scalars(source.data):
        assert underlined(source, source.at(*path)) == value
        if isinstance(path[-1], str):
            assert underlined(source, source.key(*path)) == path[-1]


@given(DATA, st.sampled_from([True, False, None]))
def test_texts_come_out_as_they_were_dumped(data, flow):
    assert read(yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow)).data == data


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "No",
        "TRUE",
        "True",
        "012",
        "0o14",
        "0x1F",
        "1:30",
        "1_000",
        "+1",
        "--",
        "1.5",
        "1e3",
        ".inf",
        ".nan",
        "2026-13-01",
        "2027-03-31",
        "2026-04-01T09:00:00Z",
        "=",
        "12345678901234567890",
    ],
)
def test_what_other_versions_of_yaml_would_convert_stays_text(text):
    assert read(f"key: {text}\n").data == {"key": text}


def test_only_true_false_and_whole_numbers_are_anything_but_text():
    found = read("a: true\nb: false\nc: 0\nd: 900\ne: -3\nf: 'true'\ng: \"900\"\n").data
    assert found == {"a": True, "b": False, "c": 0, "d": 900, "e": -3, "f": "true", "g": "900"}


def test_a_key_is_always_text():
    assert read("1: a\ntrue: b\nno: c\n2027-03-31: d\n").data == {"1": "a", "true": "b", "no": "c", "2027-03-31": "d"}


def test_a_secret_is_a_reference_of_path_and_field():
    assert read("x: !secret keycloak/admin#client_secret\n").data == {"x": SecretRef("keycloak/admin", "client_secret")}


@pytest.mark.parametrize(
    "text", ["", "a", "a#", "#b", "../a#b", "/a#b", "a//b#c", "a/../b#c", "a#b#c", "a b#c", "見本#b"]
)
def test_a_secret_that_does_not_say_path_and_field_is_a_problem(text):
    assert len(read_yaml("x.yaml", f"x: !secret '{text}'\n").problems) == 1


def test_an_alias_stands_where_it_is_used_and_its_parts_where_they_are_written():
    source = read("a: &x {b: 那須}\nc: *x\n")
    assert source.data == {"a": {"b": "那須"}, "c": {"b": "那須"}}
    assert (source.at("c").line, source.at("c").column) == (2, 4)
    assert (source.at("c", "b").line, source.at("c", "b").column) == (1, 11)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_alike_with_every_line_break(line_break):
    source = read(line_break.join(["a: 1", "那須: 2", "c: {d: 3}", ""]))
    assert (source.at("c", "d").line, source.at("c", "d").column) == (3, 8)
    assert source.line(3) == "c: {d: 3}"


def test_a_place_that_is_not_there_is_that_of_what_holds_it():
    source = read("a:\n  - {b: 1}\n")
    assert source.at("a", 0, "missing") == source.at("a", 0)
    assert source.at("a", 7) == source.at("a")


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/*.yaml")), ids=lambda path: path.name)
def test_without_libyaml_the_same_data_and_places_are_read(path, monkeypatch):
    text = path.read_text(encoding="utf-8")
    fast = read_yaml(path.name, text)
    monkeypatch.setattr(origins, "LOADER", yaml.SafeLoader)
    slow = read_yaml(path.name, text)
    assert (slow.source.data, slow.problems) == (fast.source.data, fast.problems)
    for where, _ in scalars(fast.source.data):
        assert slow.source.at(*where) == fast.source.at(*where)
