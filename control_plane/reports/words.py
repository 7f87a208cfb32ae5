"""What cells say, in Japanese and in English; times as officers read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from control_plane.catalog.model import Disclosure, Period
from control_plane.catalog.model import State as Lifecycle
from control_plane.reports.report import Cell, Locale, Part, Tone, Word

ACTIVE = Word("active", "有効", "active", Tone.GOOD)
NOT_YET = Word("not-yet", "開始前", "not yet", Tone.QUIET)
ENDED = Word("ended", "期間終了", "ended", Tone.QUIET)
DISABLED = Word("disabled", "停止中", "disabled", Tone.WARN)
NOT_APPLIED = Word("not-applied", "未反映", "not yet applied", Tone.WARN)
DORMANT = Word("dormant", "長期未使用", "not used for long", Tone.WARN)
LEFT = Word("left", "設定から削除済み", "no longer declared", Tone.QUIET)
LEFT_LONG_AGO = Word(
    "left-long-ago", "設定から削除済み（保存期間満了）", "no longer declared, may be deleted", Tone.WARN
)
LEFT_OPEN = Word("left-enabled", "設定から削除済み（未停止）", "no longer declared, still enabled", Tone.BAD)
UNMANAGED = Word("unmanaged", "管理外（サーバーのみ）", "only on the server", Tone.BAD)
NO_GRANT = Word("no-grant", "利用許可なし", "no grant", Tone.QUIET)
API_DRAFT = Word("api-draft", "API 公開前", "API not published", Tone.QUIET)
API_RETIRED = Word("api-retired", "API 廃止", "API retired", Tone.QUIET)

YES = Word("yes", "はい", "yes")
NO = Word("no", "いいえ", "no")
UNKNOWN = Word("unknown", "未確認", "not known", Tone.QUIET)
ENABLED = Word("yes", "有効", "enabled")
NOT_ENABLED = Word("no", "無効", "disabled")
REGISTERED = Word("yes", "登録済み", "registered", Tone.GOOD)
NOT_REGISTERED = Word("no", "未登録", "not registered")
MFA_MISSING = Word("no", "未登録", "not registered", Tone.BAD)
NOT_DEMANDED = Word("no", "不要", "not required", Tone.QUIET)
ADMINISTERS = Word("administers-people", "団体の利用者の管理", "administers the tenant's people")
AUDITS = Word("audits-people", "団体の利用者の監査", "audits the tenant's people")

DISCLOSURES = {
    Disclosure.OPEN: Word("open", "公開", "open"),
    Disclosure.LIMITED: Word("limited", "限定公開", "limited"),
    Disclosure.CLOSED: Word("closed", "非公開", "closed"),
}
DEPRECATED = Word("deprecated", "廃止予定", "deprecated")
LIFECYCLE = {
    Lifecycle.DRAFT: Word("draft", "公開前", "draft"),
    Lifecycle.PUBLISHED: Word("published", "公開", "published"),
    Lifecycle.DEPRECATED: DEPRECATED,
    Lifecycle.RETIRED: Word("retired", "廃止", "retired"),
}
UNITS = {
    "second": Word("second", "秒", "s"),
    "minute": Word("minute", "分", "min"),
    "hour": Word("hour", "時", "h"),
    "day": Word("day", "日", "day"),
    "month": Word("month", "月", "month"),
    "year": Word("year", "年", "year"),
}


def said(part: Part, locale: Locale) -> str:
    return part.said(locale) if isinstance(part, Word) else part


def text(cell: Cell, locale: Locale) -> str:
    """The cell as text; several parts on lines of their own."""
    match cell:
        case None:
            return ""
        case tuple():
            return "\n".join(said(part, locale) for part in cell)
        case datetime():
            return cell.strftime("%Y-%m-%d %H:%M")
        case date():
            return cell.isoformat()
        case int():
            return str(cell)
        case _:
            return said(cell, locale)


def starts(period: Period, zone: ZoneInfo) -> date | datetime | None:
    """The first day; with the time when it does not begin with the day."""
    if period.start is None:
        return None
    return _day(period.start.astimezone(zone))


def ends(period: Period, zone: ZoneInfo) -> date | datetime | None:
    """The last day that is in the period, as it is agreed on paper; the exclusive end when it is within a day."""
    if period.end is None:
        return None
    local = period.end.astimezone(zone)
    return (local - timedelta(days=1)).date() if _midnight(local) else local


def _day(local: datetime) -> date | datetime:
    return local.date() if _midnight(local) else local


def _midnight(local: datetime) -> bool:
    return (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)


def span(period: Period, zone: ZoneInfo) -> str:
    """`2026-04-01–2027-03-31`, with an open side left empty; nothing for a period without bounds."""
    if period.start is None and period.end is None:
        return ""
    return f"{text(starts(period, zone), 'en')}–{text(ends(period, zone), 'en')}"


def together(parts: Iterable[Word], mark: str = ", ") -> Word:
    """Several words in one line."""
    found = list(parts)
    return Word(
        mark.join(one.code for one in found),
        "、".join(one.ja for one in found) if mark == ", " else mark.join(one.ja for one in found),
        mark.join(one.en for one in found),
    )
