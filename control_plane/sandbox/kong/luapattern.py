"""Lua's patterns, as Kong's schemas use them, as Python regular expressions (Lua 5.1 manual, section 5.4.1)."""

from __future__ import annotations

import re
from functools import cache

_CLASSES = {
    "a": "a-zA-Z",
    "c": r"\x00-\x1f\x7f",
    "d": "0-9",
    "l": "a-z",
    "p": r"!-/:-@\[-`{-~",
    "s": r"\t-\r ",
    "u": "A-Z",
    "w": "a-zA-Z0-9",
    "x": "a-fA-F0-9",
}


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression; balanced matches (`%b`) and frontiers (`%f`) occur in no schema."""
    return re.compile("".join(_translated(pattern)), re.DOTALL)


def found(pattern: str, text: str) -> bool:
    """Whether the pattern occurs in the text, as `string.find` says."""
    return compiled(pattern).search(text) is not None


def _translated(pattern: str) -> list[str]:
    out, inside, position = [], False, 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "%":
            out.append(_escaped(pattern[position], inside))
            position += 1
        elif inside:
            inside = character != "]"
            out.append("\\[" if character == "[" else "\\\\" if character == "\\" else character)
        elif character == "[":
            inside = True
            out.append("[")
        elif character == "$":
            out.append(r"\Z" if position == len(pattern) else r"\$")
        elif character == "-":
            out.append("*?")
        else:
            out.append("\\" + character if character in "\\{}|" else character)
    return out


def _escaped(letter: str, inside: bool) -> str:
    members = _CLASSES.get(letter.lower())
    if members is None:
        return re.escape(letter)
    if letter.islower():
        return members if inside else f"[{members}]"
    return f"[^{members}]"
