"""A file's data held to its model: the document, or what is wrong with it in our own words.

What is wrong is cut away with the item that holds it, so that the rest of the file can still be checked: one wrong
date does not hide an unknown role. The ids of what was cut are remembered, so that nobody calls them unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.origins import nulls
from control_plane.catalog.sentences import sentence
from control_plane.catalog.source import Node, Part, Source
from control_plane.problems import Origin, Problem

D = TypeVar("D", bound=Entry)
ROUNDS = 5
SOME = "\0"  # stands for ids that could not be read
NAMES = ("tenant", "group", "username", "service", "role", "scope", "api", "version", "template", "plan", "platform")


@dataclass(frozen=True)
class Shaped(Generic[D]):
    """What a file gave: the document where one is left, its source cut in the same way, and the problems."""

    document: D | None
    source: Source
    problems: tuple[Problem, ...] = ()
    unsure: frozenset[str] = frozenset()  # ids of what was cut away; SOME where an id could not be read


def shape(model: type[D], source: Source) -> Shaped[D]:
    """Validate the whole file at once; pydantic's core does that fast."""
    empty = [] if source.whole else [_holder(source.data, path) for path in nulls(source.data)]
    problems: tuple[Problem, ...] = ()
    try:
        document = model.model_validate(source.data)
        if not empty:
            return Shaped(document, source)
        wrong = empty
    except ValidationError as error:
        problems = tuple(_problems(model, source, error.errors(include_url=False)))
        wrong = empty + _wrong(source, error)
    rest, unsure = _cut(source, wrong)
    for _ in range(ROUNDS if not any(_decides(model, path) for path in wrong) else 0):
        try:
            return Shaped(model.model_validate(rest.data), rest, problems, unsure)
        except ValidationError as error:
            rest, more = _cut(rest, _wrong(rest, error))
            unsure |= more
    own = _nameless(source.data, next(iter(model.model_fields)))
    return Shaped(None, source, problems, unsure | _names(source.data) | own)


def _decides(model: type[Entry], path: tuple[Part, ...]) -> bool:
    """Whether this is a key at the top that may be left out and decides how the rest is judged, such as `scoping`."""
    field = _own_fields([model]).get(str(path[0])) if len(path) == 1 else None
    return field is not None and not field.is_required() and isinstance(field.default, str | int)


def _wrong(source: Source, error: ValidationError) -> list[tuple[Part, ...]]:
    """What to cut for these errors: an unknown key alone, else what holds the mistake."""
    details = error.errors(include_url=False)
    paths = [(detail, _path(source, detail)) for detail in details]
    return [path if detail["type"] == "extra_forbidden" else _holder(source.data, path) for detail, path in paths]


def _problems(model: type[Entry], source: Source, details: Iterable[Any]) -> Iterator[Problem]:
    for detail in details:
        if detail["input"] is None and detail["type"] != "missing":
            continue  # said already: it has no value
        path = _path(source, detail)
        said = sentence(detail, path, lambda where: _fields(model, where))
        origin = _origin(source, detail, path)
        message = said.message
        for name, written in source.names.items():
            message = message.replace(f"'{name}'", f"'{written}'")
        yield source.problem(message, origin, said.note, said.help)


def _path(source: Source, detail: Any) -> tuple[Part, ...]:
    """Where the mistake is, as a path of the data: pydantic's also names the branches of unions."""
    node, path = source.root, []
    for part in detail["loc"]:
        if isinstance(node.parts, dict) and part in node.parts:
            node = node.parts[part][1]
        elif isinstance(node.parts, list) and isinstance(part, int) and part < len(node.parts):
            node = node.parts[part]
        elif detail["type"] != "missing" or part != detail["loc"][-1]:
            continue
        path.append(part)
    index = detail.get("ctx", {}).get("index")
    return tuple(path) if index is None else (*path, index)


def _origin(source: Source, detail: Any, path: tuple[Part, ...]) -> Origin:
    if detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",):
        return source.key(*path)
    return source.at(*path)


def _fields(model: type[Entry], path: tuple[Part, ...]) -> dict[str, FieldInfo]:
    """The fields of the mapping at this path, by the keys that the file has for them."""
    fields = _own_fields([model])
    for part in path:
        if part in fields:
            fields = _own_fields(_models(fields[str(part)].annotation))
    return fields


def _own_fields(models: Iterable[type[Entry]]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for one in models for name, info in one.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[Entry]]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


# ---------------------------------------------------------------- cutting


@dataclass
class _Tree:
    """Paths to cut, as a tree, so that each container is copied once."""

    inner: dict[Part, _Tree] = field(default_factory=dict)
    cut: bool = False


def _cut(source: Source, paths: Iterable[tuple[Part, ...]]) -> tuple[Source, frozenset[str]]:
    """The source without what holds these paths: the innermost item of a list, else the key at the top."""
    tree = _Tree()
    for path in paths:
        at = tree
        for part in path:
            at = at.inner.setdefault(part, _Tree())
        at.cut = True
    if tree.cut:
        return source, frozenset({SOME})
    names: set[str] = set()
    data, root = _without(source.data, source.root, tree, names)
    return replace(source, data=data, root=root), frozenset(names)


def _holder(data: Any, path: tuple[Part, ...]) -> tuple[Part, ...]:
    """The innermost mapping in a list that holds it, else the entry of a mapping of mappings, else the first key."""
    best = path[:1]
    for length, part in enumerate(path, 1):
        entries = isinstance(data, list) and any(isinstance(one, dict) for one in data)
        data = data[part] if _has(data, part) else None
        item = isinstance(part, int) and (isinstance(data, dict) or entries)
        if item or (isinstance(data, dict) and length == 2 and len(path) > 2):
            best = path[:length]
    return best


def _has(data: Any, part: Part) -> bool:
    return part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int)


def _without(data: Any, node: Node, tree: _Tree, names: set[str]) -> tuple[Any, Node]:
    kept_data: Any
    kept_parts: Any
    if isinstance(data, dict):
        kept_data, kept_parts = {}, {}
        for key, value in data.items():
            branch = tree.inner.get(key)
            mark, inner = node.parts[key]
            if branch and branch.cut:
                names |= {key} | _names(value)
                if not isinstance(value, dict):  # it may have been meant to hold ids
                    names.update(*(_nameless(item, *NAMES) for item in (value if isinstance(value, list) else [value])))
            else:
                kept_data[key], kept = _without(value, inner, branch, names) if branch else (value, inner)
                kept_parts[key] = (mark, kept)
    elif isinstance(data, list):
        kept_data, kept_parts = [], []
        for index, value in enumerate(data):
            branch = tree.inner.get(index)
            if branch and branch.cut:
                names |= _names(value) | _nameless(value, *NAMES)
            else:
                found = _without(value, node.parts[index], branch, names) if branch else (value, node.parts[index])
                kept_data.append(found[0])
                kept_parts.append(found[1])
    else:
        return data, node
    return kept_data, node._replace(parts=kept_parts)


def _nameless(item: Any, *keys: str) -> frozenset[str]:
    """SOME, when the item should have an id under one of the keys and has none that can be read."""
    named = isinstance(item, dict) and any(isinstance(item.get(key), str) for key in keys)
    return frozenset() if named else frozenset({SOME})


def _names(data: Any) -> frozenset[str]:
    """Every id that is declared in these data."""
    if isinstance(data, dict):
        own = {data[key] for key in NAMES if isinstance(data.get(key), str)} | {*map(str, data)}
        return frozenset(own.union(*map(_names, data.values())))
    if isinstance(data, list):
        return frozenset().union(*map(_names, data))
    return frozenset()
