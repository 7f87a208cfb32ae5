"""Lists of people from a spreadsheet: CSV, in which every cell keeps its line and column.

UTF-8 with or without BOM, or CP932, as Excel saves it. A cell that a spreadsheet would run as a formula is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.documents.tenants import UserEntry
from control_plane.catalog.source import Node, Source
from control_plane.catalog.syntax import LARGEST, UTF8_BOM, whole
from control_plane.catalog.words import nearest
from control_plane.problems import Origin, Problem

COLUMNS = {
    "ユーザー名": "username",
    "姓": "family_name",
    "名": "given_name",
    "メール": "email",
    "グループ": "groups",
    "役割": "roles",
    "開始日": "from",
    "終了日": "until",
    "旧ユーザー名": "previously",
}
REQUIRED = ("username", "family_name", "given_name")
LISTS = ("groups", "roles")
CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|\Z)')
SLASHED = re.compile(r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})(?: 0?0:00(?::00)?)?", re.ASCII)


class RosterDocument(Entry):
    """The rows of a roster."""

    rows: list[UserEntry] = Field(description="One person each.")


@dataclass(frozen=True)
class Cell:
    text: str
    line: int
    column: int
    width: int

    def origin(self, file: str) -> Origin:
        return Origin(file, self.line + 1, self.column + 1, max(1, self.width))


@dataclass(frozen=True)
class Roster:
    source: Source
    problems: tuple[Problem, ...] = ()


def read_roster(file: str, content: bytes) -> Roster:
    """The people of the file as data with their places; what they must be, the model of a user says."""
    text = _text(file, content)
    if isinstance(text, Problem):
        return Roster(Source(file, "", {"rows": []}), (text,))
    empty = Source(file, text, {"rows": []})
    rows: list[list[Cell]] = []
    for row in _rows(empty):
        if isinstance(row, Problem):
            return Roster(empty, (row,))
        rows.append(row)
    if not rows or not any(cell.text for cell in rows[0]):
        help = "the first row names the columns: ユーザー名,姓,名,メール,グループ,役割,開始日,終了日"
        return Roster(empty, (empty.problem("the roster has no header", Origin(file, 1), help=help),))
    columns, problems = _columns(empty, rows[0])
    if problems:
        return Roster(empty, tuple(problems))
    return _people(empty, rows, columns)


def header(file: str, content: bytes) -> tuple[str | None, ...]:
    """The columns of a file that `read_roster` takes, in its order."""
    text = _text(file, content)
    source = Source(file, text if isinstance(text, str) else "", {})
    first = next(_rows(source), [])
    return tuple(_columns(source, first)[0]) if isinstance(first, list) and first else ()


def _text(file: str, content: bytes) -> str | Problem:
    if len(content) > LARGEST:
        return whole(file, f"the file is larger than {LARGEST // 1024 // 1024} MB", help="split it")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        return whole(file, "the roster is UTF-16 or no text", help="save it as CSV UTF-8")
    for codec in ("utf-8", "cp932"):
        try:
            return content.removeprefix(UTF8_BOM).decode(codec)
        except UnicodeDecodeError:
            continue
    return whole(file, "the roster is neither UTF-8 nor CP932", help="save it as CSV UTF-8")


def _rows(source: Source) -> Iterator[list[Cell] | Problem]:
    text, at, line, line_start = source.text, 0, 0, 0
    row: list[Cell] = []
    while at < len(text) or row:
        found = CELL.match(text, at)
        if not found:
            where = Origin(source.file, line + 1, at - line_start + 1)
            help = 'a cell with quotes is written "…", and a quote in it ""'
            yield source.problem("a quote stands inside a cell, or is never closed", where, help=help)
            return
        value = found[1].replace('""', '"') if found[1] is not None else found[2]
        row.append(Cell(value.strip(), line, at - line_start, found.start(3) - at))
        for inner in re.finditer(r"\r\n|\n|\r", found[0]):
            line, line_start = line + 1, at + inner.end()
        at = found.end()
        if found[3] != ",":
            yield row
            row = []
            if not found[3]:
                return


def _columns(source: Source, header: Sequence[Cell]) -> tuple[list[str | None], list[Problem]]:
    columns: list[str | None] = []
    problems = []
    for cell in header:
        name = COLUMNS.get(cell.text, cell.text if cell.text in COLUMNS.values() else None)
        where = cell.origin(source.file)
        if cell.text and name is None:
            known = ", ".join(COLUMNS)
            help = nearest(cell.text, [*COLUMNS, *COLUMNS.values()]) or f"known columns: {known}"
            problems.append(source.problem(f"unknown column '{cell.text}'", where, help=help))
        elif name and name in columns:
            problems.append(source.problem(f"the column '{cell.text}' stands twice", where))
        columns.append(name)
    where = header[0].origin(source.file)
    for name in REQUIRED:
        if name not in columns and not problems:
            japanese = next(key for key, value in COLUMNS.items() if value == name)
            problems.append(source.problem(f"the column '{japanese}' ({name}) is missing", where))
    return columns, problems


def _people(source: Source, rows: Sequence[Sequence[Cell]], columns: Sequence[str | None]) -> Roster:
    people: list[dict[str, Any]] = []
    nodes: list[Node] = []
    problems: list[Problem] = []
    for row in rows[1:]:
        if not any(cell.text for cell in row):
            continue
        person: dict[str, Any] = {}
        parts: dict[str, Any] = {}
        before = len(problems)
        for index, cell in enumerate(row):
            name = columns[index] if index < len(columns) else None
            if problem := _refused(source, cell, name):
                problems.append(problem)
            elif name and cell.text:
                mark = (cell.line, cell.column, cell.width)
                person[name], node = _value(name, cell)
                parts[name] = (mark, node)
        if len(problems) == before:
            people.append(person)
            nodes.append(Node(row[0].line, row[0].column, max(1, row[0].width), parts))
    rows_node = Node(0, 0, 1, {"rows": (Node(0, 0, 1), Node(0, 0, 1, nodes))})
    names = {name: cell.text for name, cell in zip(columns, rows[0], strict=True) if name and name != cell.text}
    return Roster(replace(source, data={"rows": people}, root=rows_node, names=names), tuple(problems))


def _refused(source: Source, cell: Cell, name: str | None) -> Problem | None:
    where = cell.origin(source.file)
    if name is None and cell.text:
        return source.problem("this cell is in a column without a name", where, help="name the column, or empty it")
    if cell.text.startswith(("=", "+", "-", "@")):
        note = "A spreadsheet takes what begins with '=', '+', '-' or '@' for a formula and would run it."
        return source.problem("a formula does not belong in a roster", where, note)
    return None


def _value(name: str, cell: Cell) -> tuple[Any, Node]:
    node = Node(cell.line, cell.column, max(1, cell.width))
    if name in LISTS:
        items = [piece for piece in re.split(r"\s*[;；]\s*", cell.text) if piece]
        inner = [Node(cell.line, cell.column + max(0, cell.text.find(item)), len(item)) for item in items]
        return items, node._replace(parts=inner)
    if name in ("from", "until") and (found := SLASHED.fullmatch(cell.text)):
        return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}", node
    return cell.text, node
