"""The interpreter of Kong's schemas, where the recordings are silent."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.sandbox.kong import checks, errors
from control_plane.sandbox.kong.entities import expand_url
from control_plane.sandbox.kong.luapattern import found
from control_plane.sandbox.kong.luasyntax import syntax_error
from control_plane.sandbox.kong.schema import load, load_plugin, names, parsed
from control_plane.sandbox.kong.validate import error_in, errors_in, filled, merged, shown


@pytest.mark.parametrize("name", sorted(names()))
def test_the_defaults_of_every_schema_are_filled_in_down_to_the_last_field(name: str) -> None:
    plugin = name.removeprefix("plugin-")
    record = (load(name) if plugin == name else load_plugin(plugin)).entity
    row = filled(record, {})
    assert row.keys() == record.fields.keys()
    assert filled(record, row) == row
    wrong = {field for field, error in errors_in(record, row).items() if error != "required field missing"}
    assert wrong <= {"config"}  # where it says what is missing


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^%u+$", "GET", True),
        ("^%u+$", "GET\n", False),
        ("^[^*]*%*?[^*]*$", "a.*.b", True),
        ("^[^*]*%*?[^*]*$", "*.a.*", False),
        ("%.%*$", "test.*", True),
        ("%.%*$", "test.*x", False),
        ("^[^:]+:.*$", "a:b\nc", True),
        ("^[^*&%%\\`]+$", "50%", False),
        ("^[^*&%%\\`]+$", "/var/log/x", True),
        ("a-b", "aaab", True),
        ("[%w_]+%$", "x_1$", True),
    ],
)
def test_patterns_mean_what_they_mean_in_lua(pattern: str, text: str, expected: bool) -> None:
    assert found(pattern, text) is expected


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer", "between": [1, 3]}, True, "expected an integer"),
        ({"type": "number", "gt": 0}, 0, "value must be greater than 0"),
        ({"type": "string", "len_min": 1}, None, None),
        ({"type": "string", "required": True}, None, "required field missing"),
        ({"type": "string", "match": "^a", "err": "not an a"}, "b", "not an a"),
        ({"type": "array", "elements": {"type": "integer"}}, [1, "x", 2], [None, "expected an integer"]),
        ({"type": "map", "keys": {"type": "string"}, "values": {"type": "integer"}}, {"a": "x"}, "expected an integer"),
        ({"type": "record", "fields": [{"a": {"type": "string"}}]}, {"b": 1}, {"b": "unknown field"}),
        ({"type": "foreign", "reference": "services", "eq": None}, {"id": "x"}, "value must be null"),
    ],
)
def test_a_value_is_judged_by_its_schema(schema: dict[str, Any], value: Any, expected: Any) -> None:
    assert error_in(parsed(schema, "test"), value) == expected


def test_an_old_name_of_a_field_sets_the_new_one_and_repeats_it() -> None:
    record = load_plugin("rate-limiting").entity
    row = shown(record, filled(record, {"config": {"minute": 5, "redis_host": "old.test"}}))
    assert (row["config"]["redis"]["host"], row["config"]["redis_host"]) == ("old.test", "old.test")
    changed = shown(record, filled(record, merged(record, row, {"config": {"redis": {"host": "new.test"}}})))
    assert (changed["config"]["redis"]["host"], changed["config"]["redis_host"]) == ("new.test", "new.test")
    assert changed["config"]["minute"] == 5


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h.test", {"protocol": "http", "host": "h.test", "port": 80, "path": None}),
        ("https://u:p@h.test:1/a?b#c", {"protocol": "https", "host": "h.test", "port": 1, "path": "/a"}),
        ("http://[::1]:8080/", {"protocol": "http", "host": "::1", "port": 8080, "path": "/"}),
        ("//h.test/x", {"host": "h.test", "port": 80, "path": "/x"}),
    ],
)
def test_a_url_stands_for_the_parts_of_a_service(url: str, expected: dict[str, Any]) -> None:
    assert expand_url({"url": url, "retries": 1}) == ({**expected, "retries": 1}, {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/", None),
        ("/", None),
        ("/a%2Fb%3A", None),
        ("/a%2fb", "non-normalized path, consider use '/a%2Fb' instead"),
        ("/日本", None),
        ("/a/./b/", "non-normalized path, consider use '/a/b/' instead"),
        ("/a/b/..", "non-normalized path, consider use '/a/' instead"),
        ("/%41", "non-normalized path, consider use '/A' instead"),
        ("/%4", "invalid url-encoded value: '%4'"),
        ("~/(?<id>[0-9]+)$", None),
    ],
)
def test_a_path_of_a_route_must_be_normal(path: str, expected: str | None) -> None:
    assert checks.route_path(path) == expected


def test_lua_is_compiled_and_never_run() -> None:
    assert syntax_error("while true do end") is None
    assert syntax_error("x = = 1") == "[string \"x = = 1\"]:1: unexpected symbol near '='"
    assert syntax_error("\x1bLJ\x02") is not None


def test_errors_are_said_as_kong_says_them() -> None:
    wrong = {"@entity": ["whole"], "a": "one", "b": [None, "two"], "c": {"d": {"e": ["x", None, 'y"']}, "f-g": "z"}}
    message = errors.schema_violation(wrong).body["message"]
    assert message == (
        '5 schema violations (whole; a: one; b.2: two; c.d: {\n  e = {\n    "x",\n    [3] = "y\\""\n  }\n}; c.f-g: z)'
    )
