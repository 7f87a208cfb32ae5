"""Problems as text: the mistake, where it stands, the user's own line with a caret, why, and what to do.

error: unknown field 'path'
 --> apis/ngsi-v2.yaml:14:5
   |
14 |     path: [/orders]
   |     ^^^^
  help: did you mean 'paths'?
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from control_plane.problems import Origin, Problem, in_reading_order
from control_plane.render.columns import width
from control_plane.render.plan import visible

TAB = "    "
LONGEST = 160  # columns of a line before it is cut
BEFORE = 40  # columns that are kept before the caret of a line that is cut


def render_problems(problems: Iterable[Problem]) -> str:
    """All problems in reading order, a blank line between two; plain text, colour is the command line's."""
    return "\n".join("".join(f"{line}\n" for line in problem_lines(one)) for one in in_reading_order(problems))


def problem_lines(problem: Problem) -> Iterator[str]:
    """One problem, line by line."""
    first, *rest = _lines(problem.message)
    yield f"error: {first}"
    yield from (f"  {line}" for line in rest)
    if problem.origin:
        yield from _place(problem.origin, problem.source)
    if problem.note:
        yield from (f"  {line}" for line in _lines(problem.note))
    if problem.help:
        first, *rest = _lines(problem.help)
        yield f"  help: {first}"
        yield from (f"      {line}" for line in rest)


def _place(origin: Origin, source: str | None) -> Iterator[str]:
    number = str(origin.line)
    margin = " " * len(number)
    yield f" --> {visible(origin.file)}:{origin.line}:{origin.column}"
    if source is None or not source.strip():
        return
    line, before, marked = _window(source, origin)
    yield f"{margin} |"
    yield f"{number} | {line}".rstrip()
    yield f"{margin} | {' ' * width(before)}{'^' * max(1, width(marked))}"


def _window(source: str, origin: Origin) -> tuple[str, str, str]:
    """The line, what stands before the caret, and what is underlined; a long line is cut around the caret."""
    start = origin.column - 1
    before, marked, after = (
        visible(part.replace("\t", TAB))
        for part in (source[:start], source[start : start + origin.width], source[start + origin.width :])
    )
    if width(before + marked + after) > LONGEST:
        if width(before) > BEFORE:
            before = "…" + _end(before, BEFORE - 1)
        room = max(1, LONGEST - width(before) - 1)
        marked, after = _start(marked, room), _start(after, max(0, room - width(marked)))
        after += "…"
    return before + marked + after, before, marked


def _start(text: str, columns: int) -> str:
    """The first letters that fit into the columns."""
    taken = 0
    for index, letter in enumerate(text):
        taken += width(letter)
        if taken > columns:
            return text[:index]
    return text


def _end(text: str, columns: int) -> str:
    return _start(text[::-1], columns)[::-1]


def _lines(text: str) -> list[str]:
    return [visible(line) for line in text.split("\n")]
