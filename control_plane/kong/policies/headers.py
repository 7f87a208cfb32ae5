"""The headers of an answer: one response-transformer per place, however many policies want something of it.

This file alone writes its configuration and says when two of them contradict, so that none of them can take the
other's headers away unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

NAME = "response-transformer"


def transformer(
    put: Mapping[str, str] | None = None, append: Mapping[str, str] | None = None, remove: Iterable[str] = ()
) -> dict[str, object]:
    """`put` takes the place of what the upstream says (contract: `add` alone lets the upstream's header win),
    `append` stands beside it, `remove` goes."""
    lines = [f"{name}:{value}" for name, value in (put or {}).items()]
    body: dict[str, object] = {"json": [], "json_types": []}
    return {
        "replace": {"headers": lines, **body},
        "add": {"headers": lines, **body},
        "append": {"headers": [f"{name}:{value}" for name, value in (append or {}).items()], **body},
        "remove": {"headers": list(remove), "json": []},
        "rename": {"headers": [], "json": []},
    }


def lines(config: Mapping[str, object]) -> Iterator[str]:
    """The headers that are put, `Name:value`, as they stand in a configuration that was found."""
    part = config.get("replace")
    found = part.get("headers") if isinstance(part, Mapping) else None
    yield from (str(line) for line in found or ())


def contradict(first: Mapping[str, object], second: Mapping[str, object]) -> bool:
    """Whether both have something to say about one header, and not the same. Both may append to it."""
    one, other = _said(first), _said(second)
    return any(one[name] != other[name] and not _both_append(one[name], other[name]) for name in one.keys() & other)


def _said(config: Mapping[str, object]) -> dict[str, frozenset[tuple[str, str]]]:
    """What is done to each header, by its name in lower case; `replace` and `add` put the same."""
    found: dict[str, set[tuple[str, str]]] = {}
    for action, part in config.items():
        headers = part.get("headers") if isinstance(part, Mapping) else None
        for line in headers or ():
            name, _, value = str(line).partition(":")
            for each in (name, value) if action == "rename" else (name,):
                done = "put" if action in ("replace", "add") else action
                found.setdefault(each.strip().lower(), set()).add((done, value.strip()))
    return {name: frozenset(done) for name, done in found.items()}


def _both_append(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> bool:
    return {action for action, _ in one | other} == {"append"}
