"""accounts compare: a tenant's accounts beside the list of its personnel office, on the example."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from control_plane.app.accounts import Compared, compare
from control_plane.app.run import Ask
from control_plane.cli.main import run
from control_plane.problems import ConfigurationError, Refused
from tests.example.conftest import ROOT

TOKYO = ZoneInfo("Asia/Tokyo")
NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=TOKYO)
ROSTER = "rosters/ashikaga.csv"
HEADER = "username,family_name,given_name,email,groups,roles,from,until"


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """A copy of the example that a test may edit."""
    for name in ("tenants", "roles", "templates", "apis", "rosters", "keys"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "renkei.yaml", tmp_path)
    return tmp_path


def staff(platform: Path, *changed: tuple[str, str], text: str | None = None) -> Path:
    """The office's list: the roster with these replacements, or this text."""
    content = (platform / ROSTER).read_bytes().decode("cp932") if text is None else text
    for before, after in changed:
        assert before in content
        content = content.replace(before, after)
    path = platform / "staff.csv"
    path.write_text(content, "utf-8", newline="")
    return path


def asked(platform: Path, hr: Path, tenant: str | None = "ashikaga", at: datetime = NOVEMBER) -> Compared:
    return compare(Ask(platform, at=at), hr, tenant)


def told(found: Compared) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(edit.what, edit.who, edit.lines) for edit in found.edits]


def edit_roster(platform: Path, before: str, after: str) -> None:
    content = (platform / ROSTER).read_bytes().decode("cp932")
    assert before in content
    (platform / ROSTER).write_bytes(content.replace(before, after).encode("cp932"))


def test_the_roster_itself_asks_for_nothing(platform):
    found = asked(platform, platform / ROSTER)
    assert (found.people, found.accounts, found.edits) == (6, 6, ())


def test_who_is_new_in_the_list_is_a_line_to_add_and_adding_it_makes_the_lists_agree(platform):
    hr = staff(platform, text=staff(platform).read_text() + "ashikaga-77,足利,職員七七,,disaster;sewerage,,2026/4/1,\n")
    (edit,) = asked(platform, hr).edits
    assert (edit.what, edit.who, edit.where, edit.file) == ("joiner", "ashikaga-77", None, ROSTER)
    with (platform / ROSTER).open("a", encoding="cp932", newline="") as file:
        file.write(edit.lines[0] + "\r\n")
    assert asked(platform, hr).edits == ()


def test_the_line_to_add_has_the_columns_of_the_roster_in_its_order(platform):
    hr = staff(platform, text=staff(platform).read_text() + "ashikaga-77,足利,職員七七,,disaster,,,\n")
    lines = (platform / ROSTER).read_bytes().decode("cp932").splitlines()
    turned = [",".join(line.split(",")[::-1]) for line in lines]
    (platform / ROSTER).write_text("\n".join(turned) + "\n", "utf-8")
    assert told(asked(platform, hr)) == [("joiner", "ashikaga-77", (",,,disaster,,職員七七,足利,ashikaga-77",))]


def test_what_the_roster_has_no_column_for_is_left_out_of_the_line_and_told_once_it_is_there(platform):
    rows = staff(platform).read_text().splitlines()
    hr = staff(platform, text="\n".join([*rows, "ashikaga-77,足利,職員七七,,disaster,,,2027/3/31"]))
    without_dates = "\n".join(row.rsplit(",", 2)[0] for row in rows if not row.startswith("ashikaga-06"))
    (platform / ROSTER).write_text(without_dates + "\n", "utf-8")
    new = next(edit for edit in asked(platform, hr).edits if edit.who == "ashikaga-77")
    assert new.lines == ("ashikaga-77,足利,職員七七,,disaster,",)
    (platform / ROSTER).write_text(f"{without_dates}\n{new.lines[0]}\n", "utf-8")
    assert ("mover", "ashikaga-77", ("until: 2027-03-31",)) in told(asked(platform, hr))


def test_who_is_not_in_the_list_has_left_and_the_line_of_the_account_is_named(platform):
    rows = staff(platform).read_text().splitlines()
    (edit,) = asked(platform, staff(platform, text="\n".join([rows[0], *rows[2:]]))).edits
    assert (edit.what, edit.who) == ("leaver", "ashikaga-01")
    assert edit.where is not None
    assert (edit.where.file, edit.where.line) == (ROSTER, 2)


def test_who_has_changed_is_told_field_by_field(platform):
    hr = staff(
        platform, ("足利,職員三,ashikaga-03@example.jp,disaster,,,", "佐野,職員三,,sewerage,data-user,,2027/3/31")
    )
    expected = (
        "family_name: 佐野",
        "email: take it away",
        "groups: [sewerage]",
        "roles: [data-user]",
        "until: 2027-03-31",
    )
    assert told(asked(platform, hr)) == [("mover", "ashikaga-03", expected)]


def test_a_column_that_the_list_lacks_is_not_compared(platform):
    rows = staff(platform).read_text().splitlines()
    text = "\n".join(",".join(row.split(",")[:3]) for row in rows)
    assert asked(platform, staff(platform, text=text)).edits == ()


def test_a_column_that_is_there_and_empty_is_compared(platform):
    rows = staff(platform).read_text().splitlines()
    text = "\n".join(",".join(row.split(",")[:4]) for row in rows).replace("ashikaga-01@example.jp", "")
    assert told(asked(platform, staff(platform, text=text))) == [("mover", "ashikaga-01", ("email: take it away",))]


def test_an_end_in_the_list_that_has_passed_means_left(platform):
    hr = staff(platform, ("ashikaga-03@example.jp,disaster,,,", "ashikaga-03@example.jp,disaster,,,2026/11/19"))
    found = asked(platform, hr)
    assert (found.people, [(edit.what, edit.who) for edit in found.edits]) == (5, [("leaver", "ashikaga-03")])
    before = asked(platform, hr, at=datetime(2026, 11, 19, 12, tzinfo=TOKYO))
    assert told(before) == [("mover", "ashikaga-03", ("until: 2026-11-19",))]


def test_an_account_that_has_ended_is_no_leaver_and_nobody_is_added_in_its_place(platform):
    rows = staff(platform).read_text().splitlines()
    edit_roster(platform, "ashikaga-01@example.jp,information,,,", "ashikaga-01@example.jp,information,,,2026/11/19")
    assert asked(platform, staff(platform, text="\n".join([rows[0], *rows[2:]]))).edits == ()
    back = asked(platform, staff(platform, text="\n".join(rows)))
    assert told(back) == [("mover", "ashikaga-01", ("until: take it away",))]
    without = "\n".join(row.rsplit(",", 1)[0] for row in rows)
    (edit,) = asked(platform, staff(platform, text=without)).edits
    assert edit.lines[0].startswith("until: the account has ended")


def test_who_is_found_by_address_keeps_the_user_name(platform):
    renamed = ("ashikaga-03,足利,職員三", "a-third,足利,職員三")
    assert asked(platform, staff(platform, renamed)).edits == ()
    also = staff(platform, renamed, ("ashikaga-03@example.jp,disaster", "ashikaga-03@example.jp,sewerage"))
    assert told(asked(platform, also)) == [("mover", "ashikaga-03", ("groups: [sewerage]",))]


def test_an_address_that_a_newcomer_has_from_somebody_in_the_list_is_not_that_person(platform):
    text = staff(platform, ("ashikaga-01@example.jp", "")).read_text()
    hr = staff(platform, text=f"{text}ashikaga-77,足利,職員七七,ashikaga-01@example.jp,disaster,,,\n")
    assert [(edit.what, edit.who) for edit in asked(platform, hr).edits] == [
        ("joiner", "ashikaga-77"),
        ("mover", "ashikaga-01"),
    ]


@pytest.mark.parametrize(
    ("realm", "username"),
    [("{template: staff}", "ashikaga-77"), ("{shared: ashikaga}", "elsewhere-77")],
    ids=["another realm: another account", "the same realm: the same account"],
)
def test_who_comes_from_another_tenant_has_moved(platform, realm, username):
    tenant = f"tenant: elsewhere\ntitle: 別の市\ntype: municipality\nrealm: {realm}\nusers:\n"
    person = "  - {username: elsewhere-77, family_name: 日光, given_name: 職員七七, email: e-77@example.jp}\n"
    (platform / "tenants" / "elsewhere.yaml").write_text(tenant + person)
    text = staff(platform).read_text() + "ashikaga-77,日光,職員七七,e-77@example.jp,disaster,,,\n"
    (edit,) = asked(platform, staff(platform, text=text)).edits
    assert (edit.what, edit.who, edit.file) == ("mover", "elsewhere-77", "tenants/elsewhere.yaml")
    line = f"{username},日光,職員七七,e-77@example.jp,disaster,,,"
    assert edit.lines == (f"remove this entry of elsewhere, and add to {ROSTER}:", line)


def test_a_user_name_of_another_realm_is_another_person(platform):
    text = staff(platform).read_text() + "nasu-0001,足利,職員七七,,disaster,,,\n"
    assert [edit.what for edit in asked(platform, staff(platform, text=text)).edits] == ["joiner"]


def test_in_a_tenants_own_file_the_line_is_yaml(platform):
    hr = staff(platform, text=f"{HEADER}\nnewcomer,那須,職員,,,,,2027/3/31\n")
    where = platform / "tenants" / "ashikaga.yaml"
    where.write_text(where.read_text().replace("users: {csv: rosters/ashikaga.csv}", "users: []"))
    (edit,) = asked(platform, hr).edits
    assert edit.file == "tenants/ashikaga.yaml"
    assert edit.lines == ("- {username: newcomer, family_name: 那須, given_name: 職員, until: '2027-03-31'}",)
    where.write_text(where.read_text().replace("users: []", f"users:\n  {edit.lines[0]}"))
    assert asked(platform, hr).edits == ()


def test_mistakes_in_the_list_are_told_with_their_place_all_at_once(platform):
    hr = staff(platform, text=f"{HEADER}\nA,足利,職員一,,,,,\nashikaga-02,足利,職員二,nowhere,,,,\n")
    with pytest.raises(ConfigurationError) as refused:
        asked(platform, hr)
    places = [(one.origin.line, one.origin.column) for one in refused.value.problems if one.origin]
    assert places == [(2, 1), (3, 20)]


@pytest.mark.parametrize(
    ("row", "column"),
    [("ashikaga-01,足利,職員一,,disaster,,,", 1), ("ashikaga-77,足利,職員七七,Ashikaga-01@example.jp,,,,", 21)],
    ids=["user name", "address"],
)
def test_who_is_in_the_list_twice_is_a_mistake(platform, row, column):
    with pytest.raises(ConfigurationError) as refused:
        asked(platform, staff(platform, text=f"{staff(platform).read_text()}{row}\n"))
    (problem,) = refused.value.problems
    assert problem.origin is not None
    assert (problem.origin.line, problem.origin.column) == (8, column)


@pytest.mark.parametrize(
    ("tenant", "sentence", "help"),
    [
        (None, "whose people are in the file?", "name the tenant: --tenant ashikaga"),
        ("ashikag", "there is no tenant 'ashikag'", "did you mean 'ashikaga'?"),
    ],
)
def test_a_tenant_that_is_not_clear_is_refused(platform, tenant, sentence, help):
    with pytest.raises(Refused) as refused:
        asked(platform, platform / ROSTER, tenant)
    (problem,) = refused.value.problems
    assert (problem.message, problem.help) == (sentence, help)


def test_a_file_that_is_not_there_is_refused(platform):
    with pytest.raises(Refused, match="cannot be read: no such file"):
        asked(platform, platform / "nowhere.csv")


def test_differences_are_exit_code_2_and_a_document(platform, capsys):
    hr = staff(platform, ("ashikaga-03@example.jp,disaster", "ashikaga-03@example.jp,sewerage"))
    words = ["-C", str(platform), "accounts", "compare", "--hr", str(hr), "--tenant", "ashikaga", "--at", "2026-11-20"]
    assert run([*words, "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"joiner": 0, "leaver": 0, "mover": 1}
    assert document["differences"] == [
        {"username": "ashikaga-03", "is": "mover", "file": ROSTER, "line": 4, "edits": ["groups: [sewerage]"]}
    ]
    assert run(words) == 2
    text = capsys.readouterr().out
    assert f"ashikaga-03  {ROSTER}:4\n      groups: [sewerage]\n" in text
    assert "6 people in the list, 6 accounts. 0 joiners, 0 leavers, 1 mover." in text


def test_lists_that_agree_are_exit_code_0_and_a_mistake_is_1(platform):
    words = ["accounts", "compare", "-C", str(platform), "--tenant", "ashikaga", "--hr"]
    assert run([*words, str(platform / ROSTER)]) == 0
    assert run([*words, str(platform / "nowhere.csv")]) == 1
