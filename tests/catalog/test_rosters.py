"""Lists of people from a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.catalog.rosters import read_roster

from .worlds import CITY, messages, problems, world

GROUPS = "groups:\n  - {group: digital, title: デジタル推進課}\n  - {group: road, title: 道路課}\n"
TENANT = CITY + GROUPS + "users: {csv: rosters/city.csv}\n"
HEADER = "ユーザー名,姓,名,メール,グループ,役割,開始日,終了日"
ROWS = f"""{HEADER}
staff-01,見本,職員一,staff-01@example.jp,digital;road,viewer,2026/4/1,2027/3/31
staff-02,見本,職員二,,digital,,,2027-03-31
"""


def users(directory, roster):
    found = world(directory, city=TENANT, roster=roster).users()
    return [(u.username, u.family_name, u.given_name, u.email, u.groups, u.roles, u.period) for u in found]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_a_roster_reads_the_same_in_every_encoding_that_a_spreadsheet_saves(codec, line_break, tmp_path):
    found = users(tmp_path / "one", ROWS.replace("\n", line_break).encode(codec))
    assert found == users(tmp_path / "two", ROWS)
    assert found[0][:4] == ("staff-01", "見本", "職員一", "staff-01@example.jp")
    assert found[0][4:6] == (("digital", "road"), ("viewer",))
    assert found[0][6].end == found[1][6].end == datetime(2027, 4, 1, tzinfo=ZoneInfo("Asia/Tokyo"))


def test_columns_may_be_in_english_and_in_any_order(tmp_path):
    roster = "given_name,username,family_name\n職員一,staff-01,見本\n"
    assert users(tmp_path, roster)[0][:3] == ("staff-01", "見本", "職員一")


def test_empty_rows_and_empty_columns_at_the_end_are_left_out(tmp_path):
    roster = f"{HEADER},,\nstaff-01,見本,職員一,,,,,,,\n,,,,,,,,,\n\nstaff-02,見本,職員二\n"
    assert [user[0] for user in users(tmp_path, roster)] == ["staff-01", "staff-02"]


def test_people_of_a_roster_and_others_stand_side_by_side(tmp_path):
    also = "  also:\n    - {username: extra-01, family_name: 見本, given_name: 支援員一}\n"
    city = CITY + GROUPS + "users:\n  csv: rosters/city.csv\n" + also
    assert [user.username for user in world(tmp_path, city=city, roster=ROWS).users()] == [
        "staff-01",
        "staff-02",
        "extra-01",
    ]


def test_a_person_from_a_roster_stands_in_its_row(tmp_path):
    [one, two] = world(tmp_path, city=TENANT, roster=ROWS).users()
    assert (str(one.origin), str(two.origin)) == ("rosters/city.csv:2", "rosters/city.csv:3")


@pytest.mark.parametrize("cell", ["=1+1", "+81", "-1", "@SUM(A1)", '"=HYPERLINK(""x"")"'])
def test_a_cell_that_a_spreadsheet_would_run_is_refused(cell, tmp_path):
    roster = f"{HEADER}\nstaff-01,見本,{cell},,,,,\n"
    assert messages(tmp_path, city=TENANT, roster=roster) == ["a formula does not belong in a roster"]


def test_every_wrong_cell_is_told_at_once(tmp_path):
    roster = f"{HEADER}\nStaff,見本,職員一,,,,,\nstaff-02,,職員二,x,nobody,nothing,2026/2/30,\n"
    found = problems(tmp_path, city=TENANT, roster=roster)
    assert [(problem.origin.line, problem.message.partition(";")[0]) for problem in found if problem.origin] == [
        (2, "'ユーザー名': a username has lower-case letters, digits and '.', '_', '-', and at least 3 characters"),
        (3, "'姓' is missing"),
        (3, "'メール': an e-mail address is like name@example.jp"),
        (3, "'開始日': there is no such day in the calendar"),
    ]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", "\ufeff".encode(), ROWS.encode("utf-16"), b"\x00\x01", b"\xff\xff\xff"]
)
def test_what_is_no_roster_is_one_problem(content, tmp_path):
    assert len(problems(tmp_path, city=TENANT, roster=content)) == 1


@pytest.mark.parametrize("header", ["姓,名", "ユーザー名,姓,名,姓", "ユーザー名;姓;名", "ユーザー名,姓,名,年齢"])
def test_a_header_that_does_not_fit_is_a_problem_and_hides_no_rows_behind_others(header, tmp_path):
    found = problems(tmp_path, city=TENANT, roster=f"{header}\na,b,c,d\n")
    assert found and all(problem.origin and problem.origin.line == 1 for problem in found)


CELLS = st.text(st.sampled_from('ab,"\n ;1那須'), max_size=6)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=5))
def test_the_cells_are_those_that_the_csv_module_reads(rows):
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([("username", "family_name", "given_name"), *rows])
    found = read_roster("x.csv", written.getvalue().encode())
    assert not found.problems
    expected = [tuple(cell.strip() for cell in row) for row in rows]
    names = ("username", "family_name", "given_name")
    assert [tuple(row.get(name, "") for name in names) for row in found.source.data["rows"]] == [
        row for row in expected if any(row)
    ]


@given(st.lists(st.tuples(*[st.text(st.sampled_from("ab那須ｱ"), min_size=1, max_size=5)] * 3), min_size=1, max_size=5))
def test_the_place_of_a_cell_is_its_own_text(rows):
    text = "\n".join(["username,family_name,given_name", *map(",".join, rows)])
    source = read_roster("x.csv", text.encode()).source
    for number, row in enumerate(rows):
        for name, cell in zip(("username", "family_name", "given_name"), row, strict=True):
            at = source.at("rows", number, name)
            assert text.split("\n")[at.line - 1][at.column - 1 : at.column - 1 + at.width] == cell
