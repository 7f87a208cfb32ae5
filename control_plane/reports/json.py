"""A list as JSON: the bare rows, and the digest that can be computed from them again."""

from __future__ import annotations

import json

from control_plane.reports.evidence import origin
from control_plane.reports.report import Locale, Report

FORMAT_VERSION = 1


def rendered(report: Report, locale: Locale) -> bytes:
    """The document; `locale` decides on the headings only, rows are the same in both languages."""
    source = report.source
    document = {
        "format_version": FORMAT_VERSION,
        "list": report.name,
        "title": report.title.said(locale),
        "audience": report.audience.said(locale),
        "platform": source.platform,
        "environment": source.environment,
        "as_of": source.as_of.astimezone(source.zone).isoformat(),
        "read_at": source.read_at.astimezone(source.zone).isoformat() if source.read_at else None,
        "source": origin(report).code,
        "commit": source.commit,
        "count": len(report.rows),
        "server_counts": [
            {"realm": one.realm, "listed": one.listed, "server": one.server, "agrees": one.agrees}
            for one in report.counts
        ],
        "proven": report.proven,
        "sha256": report.sha256,
        "summary": {word.code: number for word, number in report.summary},
        "columns": [{"name": one.title.code, "title": one.title.said(locale)} for one in report.columns],
        "rows": list(report.plain()),
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")
