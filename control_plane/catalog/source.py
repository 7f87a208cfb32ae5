"""One file as it was read: its data, where each value stands in it, and its lines for messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from control_plane.problems import Origin, Problem

Part: TypeAlias = str | int
LINE_BREAK = re.compile(r"\r\n|\n|\r")
HIDDEN = re.compile(
    r"""((?:secret|token|passw[a-z]*|credential|api_?key)(?!_url)[a-z_]*["']?\s*:\s*)   # a key that promises a secret
        (?!!secret\s+[^\s,}]+[#]|[\[{&*|>]|true\b|false\b                       # and not a reference after it,
          |(?:none|store|mail)\s*(?:[,}\#]|$))                                 # nor a word for how one is made
        ("[^"]*"?|'[^']*'?|[^\s,}\#][^,}]*)""",
    re.IGNORECASE | re.VERBOSE,
)
USER_INFO = re.compile(r"(://)([^/@\s]+)(?=@)")


class Node(NamedTuple):
    """Where a value stands (counted from 0, in characters) and, in a mapping or list, where its parts do."""

    line: int
    column: int
    width: int
    parts: Any = None  # of a mapping dict[str, tuple[Node, Node]], key and value; of a list list[Node]


@dataclass(frozen=True)
class Source:
    """A file's data with the place of each value."""

    file: str  # relative to the configuration directory
    text: str
    data: Any = None
    root: Node = Node(0, 0, 1)  # noqa: RUF009  a tuple, never changed
    whole: bool = False  # known to hold no value that is nothing; otherwise it may or may not
    names: Mapping[str, str] = field(default_factory=dict)  # a field's name in this file, where it has another

    def at(self, *path: Part) -> Origin:
        """Where the value stands; where it is not there, the nearest that holds it."""
        node = self.root
        for part in path:
            inner = _into(node, part)
            if inner is None:
                break
            node = inner
        return Origin(self.file, node.line + 1, node.column + 1, node.width)

    def key(self, *path: Part) -> Origin:
        """Where the key of the value stands; for an item of a list, the item."""
        node = self.root
        for part in path[:-1]:
            inner = _into(node, part)
            if inner is None:
                return self.at(*path)
            node = inner
        if isinstance(node.parts, dict) and path and path[-1] in node.parts:
            mark = node.parts[path[-1]][0]
            return Origin(self.file, mark.line + 1, mark.column + 1, mark.width)
        return self.at(*path)

    def problem(
        self, message: str, origin: Origin | None = None, note: str | None = None, help: str | None = None
    ) -> Problem:
        """A mistake in this file, with the user's own line."""
        origin = origin or self.at()
        return Problem(message, origin, note, help, self.line(origin.line))

    def line(self, number: int) -> str:
        """A line as the user wrote it, save for what looks like a secret."""
        lines = lines_of(self.text)
        return conceal(lines[number - 1]) if 1 <= number <= len(lines) else ""


def _into(node: Node, part: Part) -> Node | None:
    found: Node | None = None
    inner = node.parts
    if type(inner) is dict:
        if part in inner:
            found = inner[part][1]
    elif type(inner) is list and isinstance(part, int) and 0 <= part < len(inner):
        found = inner[part]
    return found


_last: tuple[str, Sequence[str]] = ("", [""])


def lines_of(text: str) -> Sequence[str]:
    """The lines, kept for the next question: problems of one file come together."""
    global _last
    if _last[0] is not text:
        _last = (text, LINE_BREAK.split(text))
    return _last[1]


def conceal(line: str) -> str:
    """The line with the value after a key such as `client_secret` blotted out, as long as before."""

    def blot(found: re.Match[str]) -> str:
        return found[1] + "*" * len(found[2])

    return USER_INFO.sub(blot, HIDDEN.sub(blot, line))
