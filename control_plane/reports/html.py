"""A list as one HTML file that needs nothing else: to read, to search, to sort, to print on A4 landscape.

Every text is escaped by the template, and the page's own policy lets no script run but the one that came with it.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

from control_plane.reports.evidence import ABOUT, count, evidence, origin
from control_plane.reports.report import Cell, Locale, Report, Tone, Word
from control_plane.reports.words import said, text

LABELS = {
    "search": ("一覧を検索（空白で区切ると絞り込み）", "Search (several words narrow it down)"),
    "print": ("印刷", "Print"),
    "shown": ("件を表示", "shown"),
    "of": ("／", "of"),
    "as_of": ("基準日時", "As of"),
    "sort": ("並べ替え", "Sort"),
    "empty": ("該当する行はありません。", "No row matches."),
}


def rendered(report: Report, locale: Locale) -> bytes:
    folder = files("control_plane.reports")
    page, style, script = ((folder / f"page.{end}").read_text("utf-8") for end in ("html", "css", "js"))
    environment = Environment(
        loader=DictLoader({"page": page}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    told = environment.get_template("page").render(
        report=report,
        locale=locale,
        title=report.title.said(locale),
        audience=report.audience.said(locale),
        environment=report.source.environment_title or report.source.environment,
        instant=report.source.as_of.astimezone(report.source.zone).strftime("%Y-%m-%d %H:%M"),
        origin=origin(report),
        counts=[(count(one).said(locale), one.agrees) for one in report.counts],
        about=ABOUT.said(locale),
        evidence=evidence(report, locale),
        labels={name: both[locale == "en"] for name, both in LABELS.items()},
        parts=lambda cell: _parts(cell, locale),
        said=lambda part: said(part, locale),
        style=style,
        script=script,
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; "
        "form-action 'none'",
    )
    return told.encode("utf-8", "replace")


def _parts(cell: Cell, locale: Locale) -> list[tuple[str, Tone]]:
    """Each part of a cell and its tone; a plain value as one part."""
    parts = cell if isinstance(cell, tuple) else (cell,)
    return [
        (text(part, locale), part.tone if isinstance(part, Word) else Tone.PLAIN) for part in parts if part is not None
    ]


def _hash(content: str) -> str:
    """The content as a Content-Security-Policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
