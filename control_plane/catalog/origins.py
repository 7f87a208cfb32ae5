"""YAML to data in which every value keeps file, line and column.

Built straight from the parser's events, which carry the marks: several times faster than its node graph. A plain
scalar is `true`, `false`, a whole number or text, nothing else: YAML 1.1's `no`, `012`, `1:30` and its dates stay
the text that they are, and whoever wants a date reads one. No merge keys, no tags besides `!secret path#field`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from control_plane.catalog.model import SecretRef
from control_plane.catalog.source import Node, Source
from control_plane.catalog.syntax import syntax_problem, text_problems
from control_plane.problems import Origin, Problem

LOADER: Any = getattr(yaml, "CLoader", yaml.SafeLoader)  # without libyaml: slower, the same events
DEPTH = 50
ALIASED = 100_000  # values that aliases may add to a file

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
NOTHING = frozenset(("", "~", "null", "Null", "NULL"))
WORDS = {"true": True, "false": False}
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
SECRET = re.compile(rf"{NAME}(?:/{NAME})*#[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)


@dataclass(frozen=True)
class Read:
    """What a file gave: data where there were any, and what is wrong with the YAML itself."""

    source: Source
    problems: tuple[Problem, ...] = ()
    complete: bool = True  # False: the data are not there, or not all


def read_yaml(file: str, text: str) -> Read:
    """The first document's data with their places, and every mistake that the YAML has as YAML."""
    source = Source(file, text)
    if wrong := text_problems(source):
        return Read(source, wrong, complete=False)
    builder = _Builder(source)
    try:
        builder.run()
    except yaml.YAMLError as error:
        return Read(source, (*builder.problems, syntax_problem(source, error)), complete=False)
    except _Stop:
        return Read(source, tuple(builder.problems), complete=False)
    if builder.root is None:
        empty = source.problem("the file is empty", help="write something into it, or delete it")
        return Read(source, (empty,), complete=False)
    data, root, _ = builder.root
    return Read(Source(file, text, data, root, whole=builder.whole), tuple(builder.problems))


class _Stop(Exception):
    """Nothing useful can follow."""


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    data: Any  # a dict or a list
    node: Node
    anchor: str | None
    key: str | None = None
    mark: Node = Node(0, 0, 1)  # noqa: RUF009  a tuple, never changed
    size: int = 1


@dataclass
class _Builder:
    source: Source
    problems: list[Problem] = field(default_factory=list)
    root: tuple[Any, Node, int] | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, Node, int] | None] = field(default_factory=dict)
    aliased: int = 0
    whole: bool = True  # until a value is nothing
    lost: int = 0  # keys that were refused, to keep them apart

    def run(self) -> None:
        parser = LOADER(self.source.text)
        try:
            self.follow(iter(parser.get_event, None))
        finally:
            parser.dispose()

    def follow(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self.scalar(event)
            elif kind is yaml.MappingStartEvent:
                self.open({}, event)
            elif kind is yaml.SequenceStartEvent:
                self.open([], event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self.close()
            elif kind is yaml.AliasEvent:
                self.alias(event)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self.stop("a file holds one document", event, help="put what follows '---' into a file of its own")

    def scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        line, column = start.line, start.column
        mark = _new(Node, (line, column, (end.column - column if end.line == line else 1) or 1, None))
        top = self.stack[-1] if self.stack else None
        if top is None:
            self.root = (self.value(event), mark, 1)
            return
        data, parts = top.data, top.node.parts
        if type(data) is list:
            value = self.value(event)
            data.append(value)
            parts.append(mark)
        elif top.key is None:
            name = event.value
            if name in data or event.tag is not None or name == "<<":
                self.key(top, event, mark)
            else:
                top.key, top.mark = name, mark
            return
        else:
            value = data[top.key] = self.value(event)
            parts[top.key] = (top.mark, mark)
            top.key = None
        top.size += 1
        if event.anchor:
            self.anchors[event.anchor] = (value, mark, 1)

    def key(self, top: _Open, event: Any, mark: Node) -> None:
        """A key that needs a second look."""
        name: str = event.value
        if event.implicit[0] and name == "<<":
            self.say("merge keys are not part of the language", event, help="write the keys out, or use `extends`")
        elif event.tag is not None:
            self.say("a key has no tag", event)
        elif name in top.data:
            first = top.node.parts[name][0]
            self.say(f"'{name}' stands twice in this mapping", event, note=f"It stands first in line {first.line + 1}.")
        else:
            top.key, top.mark = name, mark
            return
        self.lose(top, mark)

    def lose(self, top: _Open, mark: Node) -> None:
        """Let the value after a refused key go where nobody looks."""
        self.lost += 1
        top.key, top.mark = f"\0{self.lost}", mark

    def value(self, event: Any) -> Any:
        text: str = event.value
        if event.tag is not None:
            return self.tagged(event)
        if not event.implicit[0] or (text[:1].isalpha() and text not in WORDS and text not in NOTHING):
            return text
        if text in WORDS:
            return WORDS[text]
        if NUMBER.fullmatch(text):
            return int(text)
        if text in NOTHING:
            self.nothing(event)
            return None
        return text

    def nothing(self, event: Any) -> None:
        self.whole = False
        top = self.stack[-1] if self.stack else None
        if top and top.key is not None:
            where = _origin(self.source.file, top.mark)
            help = f"give it a value, or take '{top.key}' away"
            if not top.key.startswith("\0"):
                self.problems.append(self.source.problem(f"'{top.key}' has no value", where, help=help))
        else:
            self.say("nothing stands here", event, help='give it a value; an empty text is ""')

    def tagged(self, event: Any) -> Any:
        if event.tag != "!secret":
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.say(f"unknown tag {shown}", event, help="the only tag is !secret path#field")
            return event.value
        if not SECRET.fullmatch(event.value):
            problem = "a secret is named by the path and the field at which the store keeps it"
            self.say(problem, event, help="!secret keycloak/admin#client_secret")
            return SecretRef("invalid", "invalid")
        path, _, name = event.value.partition("#")
        return SecretRef(path, name)

    def open(self, data: dict[str, Any] | list[Any], event: Any) -> None:
        if len(self.stack) >= DEPTH:
            self.stop(f"more than {DEPTH} mappings and lists stand one in another", event)
        if event.tag is not None:
            self.say(f"unknown tag {event.tag}", event, help="the only tag is !secret path#field")
        self.no_key(event)
        parts: Any = {} if type(data) is dict else []
        start = event.start_mark
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(data, Node(start.line, start.column, 1, parts), event.anchor))

    def close(self) -> None:
        done = self.stack.pop()
        if type(done.data) is dict and self.lost:
            _forget(done.data, done.node)
        if done.anchor:
            self.anchors[done.anchor] = (done.data, done.node, done.size)
        self.put(done.data, done.node, done.size)

    def alias(self, event: Any) -> None:
        self.no_key(event)
        if event.anchor not in self.anchors:
            self.say(f"no anchor '&{event.anchor}' stands before this", event)
            self.whole = False
            self.put(None, _mark(event), 1)
            return
        found = self.anchors[event.anchor]
        if found is None:
            self.say(f"'*{event.anchor}' stands inside what it names and would never end", event)
            raise _Stop
        data, node, size = found
        self.aliased += size
        if self.aliased > ALIASED:
            self.stop(f"aliases make this file more than {ALIASED:,} values larger", event)
        self.put(data, _mark(event)._replace(parts=node.parts), size)

    def no_key(self, event: Any) -> None:
        top = self.stack[-1] if self.stack else None
        if top and top.key is None and type(top.data) is dict:
            self.stop("a key is a single word", event)

    def put(self, value: Any, node: Node, size: int) -> None:
        if not self.stack:
            self.root = (value, node, size)
            return
        top = self.stack[-1]
        top.size += size
        if type(top.data) is list:
            top.data.append(value)
            top.node.parts.append(node)
        else:
            top.data[top.key] = value
            top.node.parts[top.key] = (top.mark, node)
            top.key = None

    def say(self, message: str, event: Any, note: str | None = None, help: str | None = None) -> None:
        where = _origin(self.source.file, _mark(event))
        self.problems.append(self.source.problem(message, where, note, help))

    def stop(self, message: str, event: Any, help: str | None = None) -> None:
        self.say(message, event, help=help)
        raise _Stop


_new = tuple.__new__  # a NamedTuple's own constructor is a call of Python more, for every value of a file


def _mark(event: Any) -> Node:
    start, end = event.start_mark, event.end_mark
    line, column = start.line, start.column
    width = end.column - column if end.line == line else 1
    return Node(line, column, width or 1)


def _origin(file: str, mark: Node) -> Origin:
    return Origin(file, mark.line + 1, mark.column + 1, mark.width)


def _forget(data: dict[str, Any], node: Node) -> None:
    parts: Any = node.parts
    for name in [name for name in data if name.startswith("\0")]:
        del data[name], parts[name]


def nulls(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of values that are nothing."""
    if data is None:
        yield path
    elif isinstance(data, dict | list):
        for part, value in data.items() if isinstance(data, dict) else enumerate(data):
            if value is None or isinstance(value, dict | list):
                yield from nulls(value, (*path, part))
