"""Text as it is on the wire: bytes 0 to 255 as characters, so that nothing is lost and nothing can fail to encode.

Paths, header values and all that Lua sees are wire text. What comes from the store is Unicode and is turned by `wire`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote_to_bytes


def wire(text: object) -> str:
    """Unicode text as wire text, encoded in UTF-8."""
    return str(text).encode("utf-8", "surrogatepass").decode("latin-1")


def unwire(text: str) -> str:
    """Wire text as Unicode; bytes that are no UTF-8 become U+FFFD."""
    return text.encode("latin-1").decode("utf-8", "replace")


def wired(value: Any) -> Any:
    """A JSON value with all its texts as wire text."""
    match value:
        case str():
            return wire(value)
        case dict():
            return {wire(key): wired(item) for key, item in value.items()}
        case list() | tuple():
            return [wired(item) for item in value]
        case _:
            return value


def unwired(value: Any) -> Any:
    """The opposite of `wired`."""
    match value:
        case str():
            return unwire(value)
        case dict():
            return {unwire(str(key)): unwired(item) for key, item in value.items()}
        case list() | tuple():
            return [unwired(item) for item in value]
        case _:
            return value


class Headers:
    """Header lines in their order; names compare without case and keep the case they came with."""

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = list(lines)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str) -> str | None:
        """The first value."""
        low = name.lower()
        return next((value for other, value in self._lines if other.lower() == low), None)

    def all(self, name: str) -> list[str]:
        """Every value of this name."""
        low = name.lower()
        return [value for other, value in self._lines if other.lower() == low]

    def add(self, name: str, value: str) -> None:
        self._lines.append((name, clean(value)))

    def set(self, name: str, *values: str) -> None:
        """These values instead of those that the name had, in the place of the first."""
        low = name.lower()
        place = next((i for i, (other, _) in enumerate(self._lines) if other.lower() == low), len(self._lines))
        kept = [line for line in self._lines if line[0].lower() != low]
        self._lines = [*kept[:place], *((name, clean(value)) for value in values), *kept[place:]]

    def remove(self, name: str) -> None:
        low = name.lower()
        self._lines = [line for line in self._lines if line[0].lower() != low]

    def copy(self) -> Headers:
        return Headers(self._lines)

    def grouped(self) -> dict[str, str | list[str]]:
        """Names in lower case; a list where a name has several values."""
        found: dict[str, list[str]] = {}
        for name, value in self._lines:
            found.setdefault(name.lower(), []).append(value)
        return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def clean(value: str) -> str:
    """A header value without what would end the line."""
    return value.replace("\r", " ").replace("\n", " ").replace("\0", "").strip(" \t")


Query = dict[str, str | bool | list[str | bool]]


def parse_query(raw: str) -> Query:
    """Arguments as `ngx.req.get_uri_args` shows them: `true` for a name alone, a list where a name comes again."""
    found: Query = {}
    for part in raw.split("&"):
        if not part:
            continue
        name, equals, text = part.partition("=")
        key = unescape(name)
        value: str | bool = unescape(text) if equals else True
        if not key:
            continue
        before = found.get(key)
        if before is None:
            found[key] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            found[key] = [before, value]
    return found


def unescape(text: str) -> str:
    """Percent-escapes and plus signs decoded, as wire text."""
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("latin-1")
