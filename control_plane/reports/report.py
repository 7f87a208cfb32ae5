"""A list: its columns, its rows, and what proves it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from control_plane.engine.values import canonical

Locale: TypeAlias = Literal["ja", "en"]


class Tone(StrEnum):
    """How much a word asks to be looked at. Never part of the content."""

    PLAIN = "plain"
    GOOD = "good"
    QUIET = "quiet"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Word:
    """Something that is said in both languages; `code` is what JSON and the digest hold."""

    code: str
    ja: str
    en: str
    tone: Tone = Tone.PLAIN

    def said(self, locale: Locale) -> str:
        return self.ja if locale == "ja" else self.en


Part: TypeAlias = str | Word
Cell: TypeAlias = Part | int | datetime | date | tuple[Part, ...] | None
Row: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    title: Word  # its code is the column's name in JSON
    widest: int = 36  # of a page: characters of the alphabet, a Japanese one counts two
    narrow: bool = False  # no line of it is ever broken: a date, a flag


@dataclass(frozen=True)
class Count:
    """The rows that stand for accounts on one server's realm, against the number that the server itself gives."""

    realm: str
    listed: int
    server: int

    @property
    def agrees(self) -> bool:
        return self.listed == self.server


@dataclass(frozen=True)
class Source:
    """Where the rows come from."""

    platform: str  # its title
    environment: str
    environment_title: str
    as_of: datetime  # the instant at which periods were judged
    zone: ZoneInfo
    commit: str | None = None  # of the configuration; with `+changes` when its files differ from it
    read_at: datetime | None = None  # when the servers were read; None: the configuration alone


@dataclass(frozen=True)
class Report:
    """A list, the same in every format. Rows are in a fixed order, whatever the order of files."""

    name: str  # users, services, apis
    title: Word
    audience: Word  # who it is for, and how it is to be handled
    source: Source
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    summary: tuple[tuple[Word, int], ...] = ()
    counts: tuple[Count, ...] = ()
    notes: tuple[Word, ...] = ()

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the rows as canonical JSON: UTF-8, keys sorted, no spaces; the same in every format."""
        digest = hashlib.sha256(b"[")
        for number, row in enumerate(self.plain()):  # row by row: a list may be long
            digest.update(f"{',' if number else ''}{canonical(row)}".encode("utf-8", "surrogatepass"))
        digest.update(b"]")
        return digest.hexdigest()

    def plain(self) -> Iterator[Mapping[str, object]]:
        """The rows as JSON takes them: times in UTC offsets, words by their code."""
        names = [column.title.code for column in self.columns]
        for row in self.rows:
            yield {name: _plain(cell) for name, cell in zip(names, row, strict=True)}

    @property
    def proven(self) -> bool | None:
        """Whether every realm's own count agrees with the rows; None when no server was asked."""
        return all(count.agrees for count in self.counts) if self.counts else None


def _plain(cell: Cell) -> object:
    match cell:
        case Word(code=code):
            return code
        case datetime() | date():
            return cell.isoformat()
        case tuple():
            return [_plain(part) for part in cell]
        case _:
            return cell
