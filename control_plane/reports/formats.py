"""A list as bytes, in one of four formats."""

from __future__ import annotations

from importlib import import_module

from control_plane.problems import Problem, Refused
from control_plane.reports.report import Locale, Report

FORMATS = ("csv", "xlsx", "html", "json")  # each a module with `rendered`


def render(report: Report, format: str, locale: Locale = "ja") -> bytes:
    """The whole file. Raises Refused for a format that there is none of."""
    if format not in FORMATS:
        raise Refused(Problem(f"there is no format '{format}'", help=f"one of {', '.join(FORMATS)}"))
    module = import_module(f"control_plane.reports.{format}")  # not before: most commands need no Excel and no HTML
    rendered: bytes = module.rendered(report, locale)
    return rendered


def file_name(report: Report, format: str) -> str:
    """A name that sorts by list, environment and day: users-production-2026-10-01.xlsx."""
    day = report.source.as_of.astimezone(report.source.zone).date().isoformat()
    return f"{report.name}-{report.source.environment}-{day}.{format}"
