"""LuaJIT in a cage: functions of untrusted text, with Kong's PDK and nothing else of this process.

Every plugin instance has a Lua state of its own, bounded in memory and in instructions. Values cross the border as
copies: no Python object is handed to Lua but the one function `call`, whose attributes are refused. LuaJIT's compiler
is off, as compiled code would not be counted. What cannot be stopped is a single call into one of Lua's C functions,
as a pattern that backtracks for long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from importlib.resources import files
from typing import Any, NoReturn

from lupa import luajit21

MEMORY = 256 * 2**20  # bytes that one state may use; a guard of 100,000 grants needs some 40 MB
INSTRUCTIONS = 5000  # times 100,000, for one call
_DEPTH = 50  # of tables within tables

Call = Callable[..., Any]


class LuaFailed(Exception):
    """Lua text that does not compile or that failed; the message is Lua's."""


class Cage:
    """One Lua state. `call(name, *arguments)` answers what functions ask; what it raises becomes a Lua error."""

    def __init__(self, call: Call, requires: Iterable[str]) -> None:
        self._call = call
        self._lua = luajit21.LuaRuntime(
            encoding="latin-1",
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_refuse,
            max_memory=MEMORY,
        )
        self._lua.execute("jit.off() jit.flush()")
        self._stop = self._lua.eval("debug.sethook")
        source = files(__package__).joinpath("cage.lua").read_text(encoding="utf-8")
        made = self._lua.execute(source, self._answer, self._lua.table_from(list(requires)))
        self._begin, self._load, self._run = made["begin"], made["load"], made["run"]
        self._context, self._null = made["context"], made["null"]

    def load(self, source: str, name: str) -> Any:
        """A function of this text.

        Raises:
            LuaFailed: it is no Lua.
        """
        found = self._load(source, f"={name}")
        if isinstance(found, tuple):
            raise LuaFailed(str(found[1]))
        return found

    def run(self, function: Any) -> Any:
        """What the function gives: a Lua value, None where it left by `kong.response.exit`.

        Raises:
            LuaFailed: it failed, or used more than it may.
        """
        self._begin(INSTRUCTIONS)
        try:
            found = self._run(function)
        except (luajit21.LuaError, MemoryError) as error:
            raise LuaFailed("out of bounds") from error
        finally:
            self._stop()
        ok, value = found if isinstance(found, tuple) else (found, None)
        if not ok:
            raise LuaFailed(str(value))
        return value

    def context(self, shared: Any, plugin: Any) -> None:
        """Set `kong.ctx.shared` and `kong.ctx.plugin`, both Lua tables."""
        self._context(shared, plugin)

    def to_lua(self, value: Any) -> Any:
        """A copy of a JSON-like value; None inside a table is `cjson.null`."""
        match value:
            case Mapping():
                return self._lua.table_from({key: self._inner(item) for key, item in value.items()})
            case list() | tuple():
                return self._lua.table_from([self._inner(item) for item in value])
            case int() if abs(value) > 2**53:
                return float(value) if abs(value) < 2**1023 else math.inf  # every number of LuaJIT is a double
            case _:
                return value

    def _inner(self, value: Any) -> Any:
        return self._null if value is None else self.to_lua(value)

    def _answer(self, name: str, *arguments: Any) -> tuple[Any, ...]:
        try:
            given = [to_python(argument) for argument in arguments]
            found = self._call(name, *given)
        except (LookupError, ValueError, TypeError, RecursionError) as error:
            return False, str(error) if isinstance(error, ValueError) else f"{name}: invalid use"
        values = found if isinstance(found, tuple) else (found,)
        return True, *(self.to_lua(value) for value in values)


def is_function(value: Any) -> bool:
    """Whether Lua gave a function."""
    return bool(luajit21.lua_type(value) == "function")


def to_python(value: Any, depth: int = 0) -> Any:
    """A copy of a Lua value: a table of 1 to n is a list, any other a dict; userdata is `cjson.null`.

    Raises:
        ValueError: a function or a thread, or tables too deep.
    """
    kind = luajit21.lua_type(value)
    if kind is None:
        return value
    if kind == "userdata":
        return None
    if kind != "table" or depth > _DEPTH:
        raise ValueError(f"a {kind} cannot be used here")
    entries = {key: to_python(item, depth + 1) for key, item in value.items()}
    if entries and all(isinstance(key, int) and 1 <= key <= len(entries) for key in entries):
        return [entries[place] for place in range(1, len(entries) + 1)]
    return {name if isinstance(name, str) else str(name): item for name, item in entries.items()}


def _refuse(_object: Any, _name: Any, _setting: bool) -> NoReturn:
    raise AttributeError("no attributes")
