"""Text in columns, where a Japanese character is two columns wide."""

from __future__ import annotations

import unicodedata


def width(text: str) -> int:
    """Columns that a terminal gives to the text."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def pad(text: str, columns: int) -> str:
    """The text, followed by blanks up to the column."""
    return text + " " * max(0, columns - width(text))


def shorten(text: str, columns: int) -> str:
    """The text, cut with an ellipsis where it would take more columns than that."""
    if width(text) <= columns:
        return text
    kept = ""
    for letter in text:
        if width(kept + letter) >= columns:
            break
        kept += letter
    return kept + "…"
