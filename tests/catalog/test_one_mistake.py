"""One mistake is one problem: nothing that follows from it is told besides."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from .test_hostile_files import MORE
from .worlds import CITY, WORLD, messages

TEXTS = {
    "city": CITY + MORE,
    "api": WORLD["apis/ngsi-v2.yaml"],
    "roles": WORLD["roles/roles.yaml"],
    "scopes": WORLD["roles/scopes.yaml"],
    "templates": "realm_templates:\n  - {template: base, mfa: {}}\n  - {template: staff, extends: base}\n",
}


def read(text: str) -> Any:
    """With dates as the texts that they are."""
    return yaml.load(text, type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": {}}))


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


CASES = [(name, path) for name, text in TEXTS.items() for path in places(read(text))]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[f"{name}-{'.'.join(map(str, path))}" for name, path in CASES])
def test_a_value_of_a_wrong_kind_is_one_problem(name, path, tmp_path):
    files = {**TEXTS, "renkei": WORLD["renkei.yaml"]}
    assert messages(tmp_path, **files) == []
    data = broken = copy.deepcopy(read(TEXTS[name]))
    for part in path[:-1]:
        data = data[part]
    data[path[-1]] = "???" if isinstance(data[path[-1]], list | dict) else [["???"]]
    found = messages(tmp_path, **{**files, name: _numbers(yaml.safe_dump(broken, allow_unicode=True))})
    assert len(found) == 1


def _numbers(text: str) -> str:
    return text.replace("'60'", "60")
