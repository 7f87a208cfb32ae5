"""A list as CSV that Excel opens by double click: UTF-8 with BOM, CRLF (RFC 4180).

The header row comes first and the evidence last, behind `#`. A cell that a spreadsheet would run as a formula gets an
apostrophe before it; who wants the bare values takes JSON.
"""

from __future__ import annotations

import csv
import io

from control_plane.reports.evidence import evidence
from control_plane.reports.report import Locale, Report
from control_plane.reports.words import text

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # Japanese Excel takes the wide ones too


def rendered(report: Report, locale: Locale) -> bytes:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n")
    write.writerow(column.title.said(locale) for column in report.columns)
    write.writerows([harmless(text(cell, locale)) for cell in row] for row in report.rows)
    write.writerow(())
    for label, told in evidence(report, locale):
        write.writerow((f"# {label}", *(harmless(line) for line in told.split("\n"))))
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")


def harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
