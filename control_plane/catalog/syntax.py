"""What is wrong with a file before it is data: its bytes, its characters, its YAML. In our own words."""

from __future__ import annotations

import re
from typing import Any

from yaml import YAMLError

from control_plane.catalog.source import Source, conceal
from control_plane.problems import Origin, Problem

LARGEST = 32 * 1024 * 1024  # bytes of one file
UTF8_BOM = b"\xef\xbb\xbf"

UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
TAB_INDENT = re.compile(r"^ *\t[ \t]*(?=[^\s#])", re.MULTILINE)

INDENT = "this line does not fit the indentation of those before it"
CHECK = "check the indentation"
SENTENCES = (
    ("that cannot start any token", "this character cannot begin a value", "quote the value: '…'"),
    ("tab character", "a tab stands where blanks are expected", "indent with blanks"),
    ("mapping values are not allowed", "a ':' is not expected here", f"quote a text that holds ': ', or {CHECK}"),
    ("block sequence entries are not", "a '-' is not expected here", f"quote it, or {CHECK}"),
    ("unexpected end of stream", "a quote is opened and never closed", None),
    ("could not find expected ':'", "a ':' is missing after the key", None),
    ("',' or ']'", "the list in '[' is not closed, or a ',' is missing", None),
    ("',' or '}'", "the mapping in '{' is not closed, or a ',' is missing", None),
    ("expected '-' indicator", "an item of the list is expected here ('-')", CHECK),
    ("<block end>", INDENT, CHECK),
    ("did not find expected key", INDENT, CHECK),
    ("expected node content", "a value is expected here", None),
    (
        "unknown escape character",
        "unknown escape in a text in double quotes",
        "write '\\\\', or single quotes",
    ),
)


def whole(file: str, message: str, note: str | None = None, help: str | None = None) -> Problem:
    """A problem of a file as such. It has no line to show; not even one that somebody else could read from it."""
    return Problem(message, Origin(file, 1), note, help, source="")


def decoded(file: str, content: bytes) -> str | Problem:
    """The text, or why it is not UTF-8."""
    if len(content) > LARGEST:
        return whole(file, f"the file is larger than {LARGEST // 1024 // 1024} MB", help="split it")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:2]:
        return _encoding(file, content, "UTF-16", None, 0)
    try:
        return content.removeprefix(UTF8_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        looks_like, codec = _looks_like(content)
        return _encoding(file, content, looks_like, codec, error.start)


def _looks_like(content: bytes) -> tuple[str, str] | tuple[None, None]:
    """The name of the encoding that it is in, and Python's name of it."""
    for name, codec in (("CP932 (Shift_JIS)", "cp932"), ("EUC-JP", "euc_jp")):
        try:
            content.decode(codec)
        except UnicodeDecodeError:
            continue
        return name, codec
    return None, None


def _encoding(file: str, content: bytes, looks_like: str | None, codec: str | None, start: int) -> Problem:
    line_start = content.rfind(b"\n", 0, start) + 1
    column = len(content[line_start:start].removeprefix(UTF8_BOM).decode("utf-8", "replace"))
    note = f"It looks like {looks_like}." if looks_like else None
    where = Origin(file, content.count(b"\n", 0, start) + 1, column + 1)
    line = content[line_start:].partition(b"\n")[0] if codec else b""
    shown = conceal(line.decode(codec, "replace").rstrip("\r")) if codec else ""
    return Problem("the file is not UTF-8", where, note, help="save it as UTF-8", source=shown)


def text_problems(source: Source) -> tuple[Problem, ...]:
    """Characters that YAML does not take, and tabs in the indentation."""
    if found := UNPRINTABLE.search(source.text):
        where = _place(source, found.start())
        return (source.problem(f"a character that is not allowed: U+{ord(found[0]):04X}", where),)
    return tuple(
        source.problem("a tab stands in the indentation", _place(source, found.end() - 1), help="indent with blanks")
        for found in list(TAB_INDENT.finditer(source.text))[:20]
    )


def _place(source: Source, index: int) -> Origin:
    before = source.text[:index].replace("\r\n", "\n").replace("\r", "\n")
    return Origin(source.file, before.count("\n") + 1, index - max(source.text.rfind(c, 0, index) for c in "\r\n"))


def syntax_problem(source: Source, error: YAMLError) -> Problem:
    """The parser's complaint, translated."""
    said = str(getattr(error, "problem", None) or error).splitlines()[0][:200]
    mark: Any = getattr(error, "problem_mark", None)
    context: Any = getattr(error, "context_mark", None)
    where = Origin(source.file, mark.line + 1, mark.column + 1) if mark else Origin(source.file, 1)
    if "unexpected end of stream" in said and context:
        where = Origin(source.file, context.line + 1, context.column + 1)  # where the quote was opened
    where = _last_line(source, where)
    known = ((sentence, help) for words, sentence, help in SENTENCES if words in said)
    sentence, help = next(known, (f"this is not YAML: {said}", None))
    began = context and context.line + 1 < where.line
    note = f"What it belongs to begins in line {context.line + 1}." if began else None
    return source.problem(sentence, where, note, help)


def _last_line(source: Source, where: Origin) -> Origin:
    """The place, or the end of the last line with text where the parser points behind it."""
    lines = source.text.rstrip().splitlines()
    if lines and where.line > len(lines):
        return Origin(where.file, len(lines), len(lines[-1]) + 1)
    return where
