"""Problems as text, for the person who reads them at night."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_plane.problems import Origin, Problem
from control_plane.render.columns import width
from control_plane.render.problems import LONGEST, render_problems


def test_a_problem_shows_the_line_the_reason_and_what_to_do():
    problem = Problem(
        "grant on limited scope 'river' has no approval",
        Origin("tenants/nasushiobara.yaml", 31, 9),
        "'river' belongs to tochigi and is limited (roles/scopes.yaml:14).",
        'add the application that allowed it:\napproval: {application: "2026-0012", by: tochigi, on: 2026-03-10}',
        "      - {api: ngsi-v2, levels: [read], scopes: [river]}",
    )
    assert (
        render_problems([problem])
        == """\
error: grant on limited scope 'river' has no approval
 --> tenants/nasushiobara.yaml:31:9
   |
31 |       - {api: ngsi-v2, levels: [read], scopes: [river]}
   |         ^
  'river' belongs to tochigi and is limited (roles/scopes.yaml:14).
  help: add the application that allowed it:
      approval: {application: "2026-0012", by: tochigi, on: 2026-03-10}
"""
    )


def test_a_problem_without_a_place_is_its_message():
    assert render_problems([Problem("the port is in use", help="stop the other one")]) == (
        "error: the port is in use\n  help: stop the other one\n"
    )


def test_problems_come_in_reading_order_with_a_blank_line_between():
    there, here = Problem("b", Origin("x.yaml", 10)), Problem("a", Origin("x.yaml", 9))
    assert render_problems([there, here]) == "error: a\n --> x.yaml:9:1\n\nerror: b\n --> x.yaml:10:1\n"


LINES = st.text(st.sampled_from("ab: {}那須ｱ𠮷é\t"), min_size=1, max_size=300)


@given(LINES, st.data())
def test_the_caret_stands_under_the_value_whatever_its_width(line, data):
    start = data.draw(st.integers(0, len(line) - 1))
    length = data.draw(st.integers(1, len(line) - start))
    text = render_problems([Problem("x", Origin("x.yaml", 1, start + 1, length), source=line)])
    shown = text.splitlines()
    if not line.strip():
        return
    caret, source = shown[4].removeprefix("  | "), shown[3].removeprefix("1 | ")
    assert width(source) <= LONGEST
    source += " " * LONGEST  # blanks at the end are not shown
    marked = line[start : start + length].replace("\t", "    ")
    before = 0
    while before < len(source) and width(source[:before]) < caret.index("^"):
        before += 1
    assert width(source[:before]) == caret.index("^")
    under = source[before:]
    assert under.startswith(marked.rstrip()) or marked.startswith(under.rstrip("…"))
    assert caret.count("^") == width(caret.strip())


def test_what_stands_in_a_file_cannot_steer_the_terminal():
    problem = Problem("x\x1b]0;title\x07", Origin("x\x1b.yaml", 1), "\x9b31m", "\u202e", "a\x1b[31m")
    assert not set("\x1b\x07\x9b\u202e") & set(render_problems([problem]))
