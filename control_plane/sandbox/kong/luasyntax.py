"""What LuaJIT says of a piece of Lua that it cannot compile. Nothing is run here."""

from __future__ import annotations

from functools import cache
from typing import Any

from lupa.luajit21 import LuaRuntime


@cache
def _loadstring() -> Any:
    return LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True).eval("loadstring")


def syntax_error(code: str) -> str | None:
    """LuaJIT's message, as `[string "…"]:1: …`, or None if the code compiles. Bytecode is no code."""
    if code.startswith("\x1b"):
        return "attempt to load chunk with wrong mode"
    answer = _loadstring()(code)
    return str(answer[1]) if isinstance(answer, tuple) else None
