"""What a list says of itself: where and when it comes from, how complete it is, and the digest of its rows."""

from __future__ import annotations

from control_plane.reports.report import Count, Locale, Report, Tone, Word

LABELS = {
    "list": ("一覧", "List"),
    "audience": ("対象と取扱い", "For, and handling"),
    "platform": ("基盤", "Platform"),
    "environment": ("環境", "Environment"),
    "as_of": ("基準日時", "As of"),
    "read_at": ("サーバー読取日時", "Servers read at"),
    "source": ("情報源", "Source"),
    "commit": ("設定の版（Git）", "Configuration (Git)"),
    "rows": ("行数", "Rows"),
    "summary": ("内訳", "Of these"),
    "counts": ("サーバーの件数との照合", "Against the servers' own count"),
    "sha256": ("内容の SHA-256", "SHA-256 of the content"),
    "notes": ("備考", "Notes"),
}
ABOUT = Word("about", "この一覧について", "About this list")
ABOUT_SHEET = "この一覧について・About"
AGREES = Word("agrees", "一致", "agrees", Tone.GOOD)
DIFFERS = Word("differs", "不一致", "differs", Tone.BAD)
HOW_TO_VERIFY = Word(
    "how-to-verify",
    "SHA-256 は行の内容だけから計算され、形式や言語によらない。"
    "JSON 形式の rows を、キー順・空白なし・UTF-8 の JSON にして計算すると同じ値になる。",
    "The SHA-256 is that of the rows alone, whatever the format and language: of `rows` in the JSON format, written as "
    "JSON with sorted keys, no spaces, in UTF-8.",
)


def evidence(report: Report, locale: Locale) -> list[tuple[str, str]]:
    """Label and text, in the order in which they are read."""
    source = report.source
    title = source.environment_title
    told = {
        "list": report.title.said(locale),
        "audience": report.audience.said(locale),
        "platform": source.platform,
        "environment": f"{title} ({source.environment})" if title else source.environment,
        "as_of": instant(report, locale),
        "read_at": source.read_at.astimezone(source.zone).isoformat(" ", "seconds") if source.read_at else "",
        "source": origin(report).said(locale),
        "commit": source.commit or Word("no-git", "なし（Git 管理外）", "none (not in Git)").said(locale),
        "rows": str(len(report.rows)),
        "summary": "\n".join(f"{word.said(locale)}: {number}" for word, number in report.summary),
        "counts": "\n".join(count(one).said(locale) for one in report.counts),
        "sha256": report.sha256,
        "notes": "\n".join(note.said(locale) for note in (*report.notes, HOW_TO_VERIFY)),
    }
    return [(LABELS[name][locale == "en"], text) for name, text in told.items() if text]


def instant(report: Report, locale: Locale) -> str:
    return report.source.as_of.astimezone(report.source.zone).isoformat(" ", "seconds")


def origin(report: Report) -> Word:
    if report.source.read_at is None:
        return Word(
            "configuration", "設定ファイルのみ（サーバー未照合）", "configuration only, servers not read", Tone.WARN
        )
    return Word("live", "設定ファイルと稼働中のサーバー", "configuration and the live servers")


def count(one: Count) -> Word:
    agrees = AGREES if one.agrees else DIFFERS
    return Word(
        f"{one.realm}:{one.listed}/{one.server}",
        f"{one.realm}: 一覧 {one.listed} 件、サーバー {one.server} 件（{agrees.ja}）",
        f"{one.realm}: listed {one.listed}, server {one.server} ({agrees.en})",
        agrees.tone,
    )
