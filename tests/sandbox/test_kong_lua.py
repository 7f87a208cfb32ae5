"""The cage: functions may compute and ask, and can neither leave it, nor run for ever, nor eat the memory."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.sandbox.kong.proxy.lua import Cage, LuaFailed, to_python


def nothing(name: str, *given: Any) -> Any:
    raise LookupError(name)


def evaluated(source: str, *, requires: tuple[str, ...] = (), call: Any = nothing) -> Any:
    cage = Cage(call, requires)
    return to_python(cage.run(cage.load(source, "test")))


@pytest.mark.parametrize(
    "name",
    [
        "io",
        "os.execute",
        "os.exit",
        "os.getenv",
        "os.remove",
        "os.rename",
        "debug",
        "package",
        "python",
        "jit",
        "ffi",
        "load",
        "loadstring",
        "loadfile",
        "dofile",
        "getfenv",
        "setfenv",
        "rawset",
        "rawget",
        "newproxy",
        "getmetatable",
        "setmetatable",
        "collectgarbage",
        "module",
        "string.dump",
        "ngx.exec",
        "ngx.socket",
        "ngx.timer",
        "kong.db",
        "kong.vault",
        "kong.cache",
        "kong.configuration",
    ],
)
def test_what_could_leave_the_cage_is_not_there(name: str) -> None:
    table, dot, field = name.partition(".")
    assert evaluated(f"return {name}" if not dot else f"return {table} and {table}.{field}") is None


def test_a_string_does_not_lead_out_either() -> None:
    assert evaluated("return ('').dump") is None
    with pytest.raises(LuaFailed):
        evaluated("('').format = nil")


@pytest.mark.parametrize("module", ["cjson", "cjson.safe", "ffi", "os", "socket", "python", "bit", "jit.util"])
def test_no_module_is_loaded_that_the_node_does_not_allow(module: str) -> None:
    with pytest.raises(LuaFailed, match="not allowed within sandbox"):
        evaluated(f"require('{module}')")


def test_ffi_stays_out_even_if_a_setting_names_it() -> None:
    with pytest.raises(LuaFailed, match="not allowed"):
        evaluated("require('ffi')", requires=("ffi",))


@pytest.mark.parametrize(
    "source",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "local f = coroutine.wrap(function() while true do pcall(function() while true do end end) end end) f()",
        "xpcall(function() while true do end end, function() while true do end end)",
    ],
)
def test_a_loop_without_end_is_ended(source: str) -> None:
    with pytest.raises(LuaFailed):
        evaluated(source)


def test_a_cage_serves_again_after_a_loop_was_ended() -> None:
    cage = Cage(nothing, ())
    with pytest.raises(LuaFailed):
        cage.run(cage.load("while true do end", "test"))
    assert cage.run(cage.load("return 1 + 1", "test")) == 2


def test_memory_has_a_bound() -> None:
    with pytest.raises(LuaFailed):
        evaluated("local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(100000) .. i end")


def test_bytecode_is_no_source() -> None:
    with pytest.raises(LuaFailed):
        Cage(nothing, ()).load("\x1bLJ\x02", "test")


def test_globals_of_one_function_are_not_those_of_another() -> None:
    cage = Cage(nothing, ())
    cage.run(cage.load("secret = 1", "one"))
    assert cage.run(cage.load("return secret", "two")) is None


def test_a_function_that_the_text_gives_keeps_its_upvalues() -> None:
    cage = Cage(nothing, ())
    function = cage.run(cage.load("local n = 0 return function() n = n + 1 return n end", "test"))
    assert [cage.run(function) for _ in range(3)] == [1, 2, 3]


def test_python_is_asked_by_name_and_its_mistakes_are_lua_errors() -> None:
    def call(name: str, *given: Any) -> Any:
        if name == "request.get_header":
            return f"{given[0]}!"
        raise ValueError("not in this phase")

    assert evaluated("return kong.request.get_header('x')", call=call) == "x!"
    assert evaluated("local ok, why = pcall(kong.request.get_path) return why", call=call).endswith("not in this phase")


def test_tables_become_lists_and_dicts_and_cjson_null_is_none() -> None:
    source = "return {list = {1, 'a', {}}, null = require('cjson.safe').null, deep = {x = {y = true}}}"
    assert evaluated(source, requires=("cjson.safe",)) == {
        "list": [1, "a", {}],
        "null": None,
        "deep": {"x": {"y": True}},
    }


def test_cjson_safe_gives_nil_where_the_text_is_no_json() -> None:
    from control_plane.sandbox.kong.proxy.pdk.ngx import FUNCTIONS

    def call(name: str, *given: Any) -> Any:
        return FUNCTIONS[name](None, *given)

    source = "local json = require('cjson.safe') return {json.decode('[1,{\"a\":2}]')[2].a, json.decode('{') == nil}"
    assert evaluated(source, requires=("cjson.safe",), call=call) == [2, True]


def test_a_number_that_lua_cannot_hold_becomes_the_nearest_it_can() -> None:
    found = {"x": 10**400, "y": 2**60}
    assert evaluated("return kong.request.get_query().y == 2^60", call=lambda name, *_: found) is True
    assert evaluated("return kong.request.get_query().x == math.huge", call=lambda name, *_: found) is True


@pytest.mark.parametrize("value", ["function() end", "coroutine.create(function() end)"])
def test_a_function_does_not_cross_the_border(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be used here"):
        evaluated(f"return {{ {value} }}")


def test_a_table_within_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be used here"):
        evaluated("local t = {} t.t = t return t")
