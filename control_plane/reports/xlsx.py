"""A list as an Excel workbook: the rows with a header that stays and filters, and a sheet with the evidence.

Texts are written as texts and marked so, thus none of them becomes a formula, whatever it begins with and even when
somebody edits the cell. Rows are streamed: memory does not grow with the workbook's XML.
"""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter

from control_plane.reports.csv import FORMULA
from control_plane.reports.evidence import ABOUT_SHEET, evidence, instant
from control_plane.reports.report import Cell, Column, Locale, Report, Tone, Word
from control_plane.reports.words import text

LONGEST = 32_000  # characters of a cell; Excel ends at 32,767
FONT = "Yu Gothic"
INK = {Tone.PLAIN: "1F2937", Tone.GOOD: "1B6E3C", Tone.QUIET: "6B7280", Tone.WARN: "9A5B00", Tone.BAD: "B3261E"}
LINE = Side(style="thin", color="D5D9DF")
LINE_HEIGHT = 15.0  # points
DAY, MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"


def rendered(report: Report, locale: Locale) -> bytes:
    book = Workbook(write_only=True)
    at = report.source.as_of.astimezone(report.source.zone).replace(tzinfo=None, microsecond=0)
    book.properties.title = report.title.said(locale)
    book.properties.creator = report.source.platform
    book.properties.created = at
    for style in _styles():
        book.add_named_style(style)
    _list(book, report, locale)
    _about(book, report, locale)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _styles() -> Iterator[NamedStyle]:
    edge = Border(bottom=LINE)
    top = Alignment(vertical="top", wrap_text=True)
    for tone, color in INK.items():
        bold = tone in (Tone.WARN, Tone.BAD)
        yield NamedStyle(
            f"renkei {tone}", font=Font(name=FONT, size=10, color=color, bold=bold), alignment=top, border=edge
        )
    for name, form in (("day", DAY), ("minute", MINUTE)):
        plain = Font(name=FONT, size=10, color=INK[Tone.PLAIN])
        left = Alignment(vertical="top", horizontal="left")
        yield NamedStyle(f"renkei {name}", font=plain, alignment=left, border=edge, number_format=form)
    yield NamedStyle(
        "renkei header",
        font=Font(name=FONT, size=10, bold=True, color="FFFFFF"),
        fill=PatternFill("solid", fgColor="374151"),
        alignment=Alignment(vertical="center", wrap_text=True),
        border=Border(right=Side(style="thin", color="6B7280")),
    )
    yield NamedStyle(
        "renkei label", font=Font(name=FONT, size=10, bold=True, color="374151"), alignment=top, border=edge
    )


def _list(book: Workbook, report: Report, locale: Locale) -> None:
    sheet: Any = book.create_sheet(report.title.said(locale)[:31])
    width, last = len(report.columns), len(report.rows) + 1
    widths = [_width(column, (row[n] for row in report.rows), locale) for n, column in enumerate(report.columns)]
    for number, one in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = one
    sheet.row_dimensions[1].height = 2 * LINE_HEIGHT
    sheet.freeze_panes = "C2"  # the header, and whose row it is
    sheet.auto_filter.ref = f"A1:{get_column_letter(width)}{last}"
    sheet.print_title_rows = "1:1"
    _page(sheet, report, locale)
    sheet.append([_text(sheet, column.title.said(locale), "header") for column in report.columns])
    for number, row in enumerate(report.rows, 2):
        sheet.row_dimensions[number].height = _height((text(cell, locale) for cell in row), widths)
        sheet.append([_cell(sheet, cell, locale) for cell in row])
        del sheet.row_dimensions[number]  # it is written; a list may have 100,000 rows


def _about(book: Workbook, report: Report, locale: Locale) -> None:
    sheet: Any = book.create_sheet(ABOUT_SHEET)
    widths = (30.0, 100.0)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = widths
    _page(sheet, report, locale)
    for number, (label, told) in enumerate(evidence(report, locale), 1):
        sheet.row_dimensions[number].height = _height((label, told), widths)
        sheet.append([_text(sheet, label, "label"), _text(sheet, told, Tone.PLAIN)])


def _page(sheet: Any, report: Report, locale: Locale) -> None:
    """A3 landscape, as wide as the paper, each page saying what it is."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 8  # A3
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddHeader.left.text = f"{report.source.platform.replace('&', '&&')}  {report.title.said(locale)}"
    sheet.oddHeader.right.text = instant(report, locale)
    sheet.oddFooter.left.text = f"SHA-256 {report.sha256}"
    sheet.oddFooter.right.text = "&P / &N"


def _cell(sheet: Any, cell: Cell, locale: Locale) -> Any:
    match cell:
        case datetime():
            return _styled(sheet, cell.replace(tzinfo=None), "minute")
        case date():
            return _styled(sheet, cell, "day")
        case int() | None:
            return _styled(sheet, cell, Tone.PLAIN)
        case _:
            return _text(sheet, text(cell, locale), _tone(cell))


def _text(sheet: Any, content: str, style: str) -> Any:
    content = ILLEGAL_CHARACTERS_RE.sub("?", content.encode("utf-8", "replace").decode())[:LONGEST]
    cell = _styled(sheet, None, style)
    if content:
        cell.value = content
        cell.data_type = "s"  # also where it looks like a formula or an error
        if content.startswith(FORMULA):
            cell.quotePrefix = True  # and stays a text when somebody edits it
    return cell


def _styled(sheet: Any, content: datetime | date | int | None, style: str) -> Any:
    cell: Any = WriteOnlyCell(sheet)
    cell.value = content
    cell.style = f"renkei {style}"
    return cell


def _tone(cell: Cell) -> Tone:
    """The tone of a word; of several the first that asks to be looked at."""
    parts = cell if isinstance(cell, tuple) else (cell,)
    tones = [part.tone for part in parts if isinstance(part, Word)]
    return next((tone for tone in (Tone.BAD, Tone.WARN) if tone in tones), tones[0] if len(tones) == 1 else Tone.PLAIN)


def _width(column: Column, cells: Iterable[Cell], locale: Locale) -> float:
    """Enough for the longest line, within the column's bound; the filter's button needs room in the header."""
    heading = min(_columns(column.title.said(locale)), 16) + 4
    longest = max((_columns(line) for cell in cells for line in text(cell, locale).split("\n")), default=0)
    return max(8, heading, longest + 2 if column.narrow else min(longest + 2, column.widest))


def _height(cells: Iterable[str], widths: Sequence[float]) -> float:
    """Room for every line, in points; spreadsheets do not work it out for a file that they have not written."""
    return LINE_HEIGHT * max(_lines(cell, width) for cell, width in zip(cells, widths, strict=True)) + 3


def _lines(cell: str, width: float) -> int:
    return sum(max(1, math.ceil(_columns(line) / (width - 1))) for line in cell.split("\n"))


def _columns(line: str) -> int:
    """Characters of the alphabet that the line is wide; a Japanese character is two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in line)
