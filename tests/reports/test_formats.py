"""The four formats: complete, verifiable, harmless."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from control_plane.problems import Refused
from control_plane.reports import FORMATS, Report, apis, file_name, render, services, users
from control_plane.reports.evidence import ABOUT_SHEET
from control_plane.reports.report import Locale

from . import world

HOSTILE = [
    '=HYPERLINK("http://evil.example.jp","x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "＝１＋１",
    "#N/A",
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a\x00b\x0bc",
    "\udcff",
    "x" * 40_000,
    "{{ 7*7 }}",
    "</script><script>alert(1)</script>",
]


def the_users(**more: object) -> Report:
    return users(world.platform(**more), world.live(), world.source())  # type: ignore[arg-type]


def the_services() -> Report:
    return services(world.platform(), world.live(), world.source())


def the_apis() -> Report:
    return apis(world.platform(), world.live(), world.source())


def hostile() -> Report:
    people = tuple(world.person(f"staff-{n:02}", family=text, email=text) for n, text in enumerate(HOSTILE))
    return users(world.platform(people), None, world.source(False, commit="=1+1"))


def sheet(report: Report, locale: Locale = "ja") -> Worksheet:
    found = load_workbook(io.BytesIO(render(report, "xlsx", locale))).worksheets[0]
    assert isinstance(found, Worksheet)
    return found


def table(report: Report, locale: Locale = "ja") -> list[list[str]]:
    text = render(report, "csv", locale).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    "report", [the_users(), the_services(), the_apis(), hostile()], ids=["users", "services", "apis", "hostile"]
)
@pytest.mark.parametrize("locale", ["ja", "en"])
@pytest.mark.parametrize("format", FORMATS)
def test_every_list_has_every_format_in_both_languages(report: Report, format: str, locale: Locale) -> None:
    assert len(render(report, format, locale)) > 1000


@pytest.mark.parametrize("format", ["csv", "html", "json"])  # a workbook holds the time at which it was saved
def test_the_same_list_is_the_same_file(format: str) -> None:
    assert render(the_users(), format) == render(the_users(), format)


def test_a_format_that_there_is_none_of_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="no format 'pdf'"):
        render(the_users(), "pdf")


def test_a_file_is_named_by_list_environment_and_day() -> None:
    assert file_name(the_users(), "xlsx") == "users-production-2026-10-01.xlsx"


EVIDENCE = ["本番環境", "production", "2026-10-01 09:30:00+09:00", "2026-10-01 09:31:12+09:00", "4f2a91c0b7de"]


@pytest.mark.parametrize("format", ["csv", "html", "xlsx"])
def test_every_list_states_what_proves_it(format: str) -> None:
    report = the_users()
    content = render(report, format)
    if format == "xlsx":
        about = load_workbook(io.BytesIO(content))[ABOUT_SHEET]
        text = "\n".join(str(cell.value) for row in about.iter_rows() for cell in row)
    else:
        text = content.decode("utf-8")
    for told in (
        *EVIDENCE,
        report.sha256,
        "一覧 5 件、サーバー 5 件（一致）",
        "個人情報を含む",
        "設定ファイルと稼働中のサーバー",
    ):
        assert told in text


def test_a_list_of_the_configuration_alone_says_so() -> None:
    text = render(hostile(), "html", "en").decode()
    assert "configuration only, servers not read" in text


def test_a_count_that_differs_stands_at_the_top_of_the_page() -> None:
    live = replace(world.live(), user_counts={"nasushiobara": 9})
    text = render(users(world.platform(), live, world.source()), "html").decode()
    assert "一覧 5 件、サーバー 9 件（不一致）" in text.split("<main>")[0]


# ---------------------------------------------------------------- JSON


def test_the_digest_can_be_computed_from_the_json_by_anybody() -> None:
    for report in (the_users(), the_services(), replace(hostile(), rows=hostile().rows[:10])):
        document = json.loads(render(report, "json"))
        rows = json.dumps(document["rows"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(rows.encode()).hexdigest() == document["sha256"] == report.sha256


def test_the_json_has_the_bare_values_and_says_its_version() -> None:
    document = json.loads(render(the_users(), "json", "en"))
    first = next(row for row in document["rows"] if row["account"] == "staff-01")
    assert document["format_version"] == 1 and document["proven"] is True
    assert document["count"] == len(document["rows"])
    assert first["until"] == "2027-03-31" and first["state"] == "active" and first["groups"] == ["digital"]
    assert first["roles"][1] == "dashboard-viewer < dashboard-editor < group:digital"
    assert [column["name"] for column in document["columns"]] == list(first)


def test_rows_are_the_same_in_both_languages() -> None:
    ja, en = (json.loads(render(the_services(), "json", locale)) for locale in ("ja", "en"))
    assert ja["rows"] == en["rows"] and ja["columns"] != en["columns"]


# ---------------------------------------------------------------- CSV


def test_the_csv_begins_with_a_bom_and_its_header() -> None:
    assert render(the_users(), "csv").startswith(b"\xef\xbb\xbf" + "団体,アカウント,姓,名,状態".encode())
    assert table(the_users(), "en")[0][:3] == ["Organization", "Account", "Family name"]


def test_the_csv_has_a_line_for_every_row() -> None:
    report = the_services()
    found = table(report)
    assert [line[2] for line in found[1 : len(report.rows) + 1]] == [row[2] for row in report.rows]
    assert found[len(report.rows) + 1] == []


def test_no_cell_of_the_csv_begins_a_formula() -> None:
    cells = [cell for line in table(hostile()) for cell in line]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert "'=1+1" in cells, "the evidence too"
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))]


# ---------------------------------------------------------------- Excel


def test_the_header_of_the_sheet_stays_and_filters() -> None:
    found = sheet(the_users())
    assert found.title == "利用者一覧"
    assert found.freeze_panes == "C2"
    assert found.auto_filter.ref == f"A1:Q{len(the_users().rows) + 1}"
    assert [cell.value for cell in found[1]][:2] == ["団体", "アカウント"]


def test_days_and_times_of_the_sheet_are_real_ones() -> None:
    heads = [cell.value for cell in sheet(the_users(), "en")[1]]
    found = {cell.value: row for row in sheet(the_users(), "en").iter_rows() for cell in row[1:2]}["staff-01"]
    until, created = found[heads.index("Until")], found[heads.index("Created")]
    assert until.is_date and until.value == datetime(2027, 3, 31) and until.number_format == "yyyy-mm-dd"  # noqa: DTZ001  Excel has no zones
    assert created.is_date and created.value == datetime(2026, 3, 28, 10, 2, 3)  # noqa: DTZ001  Excel has no zones


def test_no_cell_of_the_workbook_is_a_formula_and_a_text_that_looks_like_one_stays_a_text() -> None:
    book = load_workbook(io.BytesIO(render(hostile(), "xlsx")))
    cells = [cell for found in book.worksheets for row in found.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    looks = [
        cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@", "\t"))
    ]
    assert len(looks) >= 10 and all(cell.quotePrefix for cell in looks)


def test_columns_are_as_wide_as_japanese_text_needs() -> None:
    found = sheet(the_users())
    widths = {
        found.cell(1, n).value: found.column_dimensions[found.cell(1, n).column_letter].width for n in range(1, 16)
    }
    assert widths["団体"] >= 2 * len("那須塩原市")
    assert widths["利用終了日"] >= len("2027-03-31")
    assert max(widths.values()) <= 80


def test_rows_are_high_enough_for_their_lines() -> None:
    found = sheet(the_users())
    lines = {n: max(str(cell.value or "").count("\n") + 1 for cell in found[n]) for n in range(2, found.max_row + 1)}
    assert max(lines.values()) >= 4
    assert all(found.row_dimensions[n].height >= 12 * number for n, number in lines.items())


def test_the_workbook_holds_every_row() -> None:
    report = the_services()
    assert [row[2].value for row in sheet(report).iter_rows(min_row=2)] == [row[2] for row in report.rows]


# ---------------------------------------------------------------- HTML


class Page(HTMLParser):
    """What a browser would make of the page: its elements, its attributes, the text of its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def test_what_comes_from_data_is_text_and_never_an_element() -> None:
    page = Page(render(hostile(), "html").decode())
    assert page.tags.count("script") == 1 and "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.cells and "{{ 7*7 }}" in page.cells


def test_the_page_needs_nothing_else() -> None:
    text = render(the_users(), "html").decode()
    assert not re.findall(r"""(?:src|href)\s*=|url\(|@import|https?://""", text)


def test_the_pages_policy_names_exactly_its_own_script_and_style() -> None:
    text = render(the_users(), "html").decode()
    content = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert content
    named = content[1].replace("&#39;", "'")
    for tag in ("style", "script"):
        inner = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert inner
        digest = base64.b64encode(hashlib.sha256(inner[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in named
    assert named.startswith("default-src 'none'")


def test_the_page_is_in_the_language_that_was_asked_for() -> None:
    ja, en = (render(the_users(), "html", locale).decode() for locale in ("ja", "en"))
    assert '<html lang="ja">' in ja and "多要素認証の要否" in ja
    assert '<html lang="en">' in en and "MFA required" in en and "多要素認証" not in en


# ---------------------------------------------------------------- size


@pytest.mark.parametrize("format", ["csv", "json", "html", "xlsx"])
def test_a_list_of_two_thousand_accounts_is_whole(format: str) -> None:
    people = tuple(world.person(f"staff-{n:05}", groups=("digital",), period=world.YEAR) for n in range(2_000))
    report = users(world.platform(people), None, world.source(False))
    assert len(report.rows) == 2_002
    assert len(render(report, format)) > 50_000
