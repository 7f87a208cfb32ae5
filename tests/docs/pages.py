"""The documentation as text: its pages, their links, and the command lines in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^([ \t]*)```.*?^\1```[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)">')
_COMMAND = re.compile(
    r"(?:^[ \t]*|\$ |&& |; |\()(?:- )?(?:run: )?(?:renkei|(?:\S*python )cli\.py) (.*)$",
    re.MULTILINE,
)
_INLINE = re.compile(r"`(?:renkei|python cli\.py) ([^`\n]+)`")
_ENDS = re.compile(r"[;|&)]|>|\s#\s|\s{3,}|…")


def links(page: Path) -> Iterator[str]:
    """Relative links, outside of fenced blocks."""
    for link in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        if "://" not in link and not link.startswith("mailto:"):
            yield link


def anchors(page: Path) -> set[str]:
    """What `#…` may name on a page: headings as GitHub spells them, and explicit anchors."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return {_slug(heading) for heading in _HEADING.findall(text)} | set(_ANCHOR.findall(text))


def command_lines(page: Path) -> Iterator[list[str]]:
    """The arguments of every call of renkei in fenced blocks and between backticks."""
    text = page.read_text("utf-8")
    fenced = "\n".join(match.group() for match in _FENCE.finditer(text))
    for found in [*_COMMAND.findall(fenced), *_INLINE.findall(_FENCE.sub("", text))]:
        rest = _ENDS.split(found.strip(), maxsplit=1)[0].strip()
        if rest and rest[0] not in "=:":
            yield shlex.split(rest)


def sections(page: Path) -> dict[str, str]:
    """The text under each heading, up to the next."""
    parts = re.split(r"^#{1,6} (.+)$", _FENCE.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def first_cells(text: str) -> list[str]:
    """The first cell of every row of the tables in the text, without their headings."""
    rows = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    cells = [row.strip("|").split("|")[0].strip() for row in rows]
    return [cell for index, cell in enumerate(cells) if "`" in cell or (index > 1 and cell.strip("-"))]


def _slug(heading: str) -> str:
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
