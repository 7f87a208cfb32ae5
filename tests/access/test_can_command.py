"""The command: what it prints, its exit codes, and that the reference page shows what it prints."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from control_plane.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/can.md"
NOON = ("--at", "2026-11-20T12:00")


@pytest.fixture
def can(capsys: pytest.CaptureFixture[str]):
    def call(*words: str) -> tuple[int, str, str]:
        code = run(["-C", str(ROOT), "can", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def examples() -> list[tuple[str, str]]:
    """Each command of the page that shows an answer, and the answer."""
    return re.findall(r"```\n\$ renkei can (.+)\n((?:.+\n)+)```", PAGE.read_text("utf-8"))


def without_lines(text: str) -> list[str]:
    """A line of the example may move in its file, and columns with it."""
    return [re.sub(r"(\.yaml):\d+", r"\1", re.sub(r" {2,}", "  ", line)) for line in text.splitlines()]


@pytest.mark.parametrize(("words", "shown"), examples())
def test_the_page_shows_what_is_printed(can, words, shown):
    _, out, err = can(*shlex.split(words))
    assert err == ""
    assert without_lines(out) == without_lines(shown)


def test_the_page_has_examples():
    assert len(examples()) == 4


def test_the_exit_code_tells_allowed_from_refused_and_from_an_error(can):
    assert can("nasushiobara.portal", "ngsi-v2.v2", "GET", "/entities", *NOON)[0] == 0
    assert can("nasushiobara.portal", "ngsi-v2.v2", "DELETE", "/entities", *NOON)[0] == 2
    assert can("nasushiobara.portal", "ngsi-v2.v2", "GET")[0] == 1
    assert can("--who", "ngsi-v2", "read", "extra")[0] == 1
    assert can("--who", "ngsi-v2", "read", "--scope", "road")[0] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nasushiobara.portl", "ngsi-v2", "GET", "/x"), "did you mean 'nasushiobara.portal'?"),
        (("nasushiobara.portal", "ngsi-v3", "GET", "/x"), "did you mean 'ngsi-v2'?"),
        (("nasushiobara.portal", "ngsi-v2.v3", "GET", "/x"), "There are v1, v2."),
        (("nasushiobara.portal", "ngsi-v2", "GET", "/x", "--scope", "raod"), "did you mean 'road'?"),
        (("nasushiobara.portal", "ngsi-v2", "GET", "/x", "--from", "here"), "'here' is no address"),
        (("nasushiobara.portal", "ngsi-v2", "GET", "x"), "does not begin with '/'"),
        (("nasushiobara.portal", "ngsi-v2.v2", "GET", "/ngsi/v1/x"), "/ngsi/v1 is the public path of v1"),
        (("tochigi.gis", "files", "GET", "/x", "--role", "data-usr"), "did you mean 'data-user'?"),
        (
            ("nasushiobara.line", "ngsi-v2", "GET", "/x", "--role", "data-user"),
            "nobody signs in through nasushiobara.line",
        ),
        (("tochigi.gis", "files", "GET", "/x", "--role", "data-user", "--credential", "key"), "leave --credential out"),
        (("--who", "ngsi-v2", "raed"), "did you mean 'read'?"),
        (("--who", "ngsi", "read"), "There are files, ngsi-ld, ngsi-v2"),
    ],
)
def test_an_unknown_name_is_an_error_that_says_what_was_meant(can, words, said):
    code, out, err = can(*words)
    assert (code, out) == (1, "")
    assert said in err


def test_without_a_version_each_one_is_answered_and_a_whole_path_names_its_own(can):
    def versions(*words: str) -> list[str]:
        return [one["version"] for one in json.loads(can(*words, *NOON, "--json")[1])["decisions"]]

    assert versions("nasushiobara.portal", "ngsi-v2", "GET", "/entities") == ["v1", "v2"]
    assert versions("nasushiobara.portal", "ngsi-v2", "GET", "/ngsi/v1/entities") == ["v1"]


def test_a_path_that_leads_to_another_version_is_judged_as_that_versions(can):
    code, out, _ = can("tochigi.gis", "ngsi-v2.v2", "GET", "/../v1/x", "--scope", "road", *NOON)
    assert code == 2  # the API has levels by path, so a path must be plain
    assert "leads to ngsi-v2.v1" in out
    assert "the path is not plain" in out


def test_letters_beyond_ascii_are_escaped_as_they_would_be_sent(can):
    said = json.loads(can("tochigi.gis", "files", "get", "/road/道路 1.csv?x=1", *NOON, "--json")[1])
    assert said["decisions"][0]["path"] == "/files/v1/road/%E9%81%93%E8%B7%AF%201.csv?x=1"
    assert said["allowed"]


def test_the_json_names_the_lines_that_decide_and_whose_limit_applies(can):
    said = json.loads(can("tochigi.gis", "ngsi-v2.v2", "GET", "/x", "--scope", "road", *NOON, "--json")[1])
    assert (said["format_version"], said["at"]) == (1, "2026-11-20T12:00:00+09:00")
    one = said["decisions"][0]
    assert {line["what"]: line["origin"]["file"] for line in one["because"]} == {
        "grant": "tenants/tochigi.yaml",
        "scope": "roles/scopes.yaml",
        "level": "apis/ngsi-v2.yaml",
    }
    assert [(limit["span"], limit["calls"], limit["of"]) for limit in one["limits"]] == [
        ("minute", 1800, "service"),
        ("month", 2000000, "service"),
    ]


@pytest.mark.parametrize(
    ("roles", "code"),
    [(("data-user",), 0), (("data-provider",), 0), (("dashboard-viewer",), 2), (("dashboard-viewer", "data-user"), 0)],
)
def test_a_person_may_be_asked_for_by_her_roles(can, roles, code):
    words = ("tochigi.dashboard", "files", "GET", "/road/x", *(word for role in roles for word in ("--role", role)))
    assert can(*words, *NOON)[0] == code
    said = json.loads(can(*words, *NOON, "--json")[1])
    assert (said["roles"], said["credential"], said["allowed"]) == (list(roles), "token", code == 0)


def test_who_may_names_the_roles_and_those_that_include_them(can):
    said = json.loads(can("--who", "files", "read", *NOON, "--json")[1])
    by_service = {(one["service"], *one["roles"]) for one in said["holders"]}
    assert ("tochigi.gis",) in by_service
    assert ("tochigi.gis", "data-user", "data-provider", "tenant-administrator") in by_service
    out = can("--who", "files", "read", *NOON)[1]
    assert "data-user: also people who are data-provider, tenant-administrator" in out
    assert out.endswith("services may, people through 2 services\n")


@pytest.mark.parametrize(("credential", "code"), [("key", 0), ("token", 0), ("none", 2)])
def test_what_the_service_shows_may_be_said(can, credential, code):
    words = ("nasushiobara.portal", "ngsi-v2.v2", "GET", "/entities", "--credential", credential)
    assert can(*words, *NOON)[0] == code


def test_an_error_as_json_is_json_too(can):
    code, out, _ = can("nobody.nothing", "ngsi-v2", "GET", "/x", "--json")
    assert code == 1
    assert json.loads(out)["problems"][0]["message"] == "there is no service 'nobody.nothing'"
