"""The state that is there: completely, or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeAlias

from control_plane.catalog.model import Catalog
from control_plane.engine.resource import Resource, State, state
from control_plane.engine.target import Target
from control_plane.engine.values import Fields, RealmKey, Secret, Value

SCALARS = (str, int, float, type(None))

Versions: TypeAlias = Callable[["Secret | RealmKey"], str | None]  # the digest of what a reference points at now


def want(targets: Sequence[Target], catalog: Catalog, versions: Versions) -> State:
    """Everything that the catalog asks for, its references with the digests of what they point at now."""
    wanted = (one for target in targets for kind in target.kinds for one in kind.desired(catalog))
    return state(_resolved(one, versions) for one in wanted)


def have(targets: Sequence[Target]) -> State:
    """Everything that is there. The targets are read side by side, each in the order of its kinds."""
    if all(target.parallel == 1 for target in targets) or len(targets) < 2:
        return state(one for target in targets for one in _read(target))
    with ThreadPoolExecutor(len(targets), thread_name_prefix="read") as pool:
        found = list(pool.map(lambda target: list(_read(target)), targets))
    return state(one for part in found for one in part)


def _read(target: Target) -> Iterator[Resource]:
    for kind in target.kinds:
        yield from kind.read(target.client)


def _resolved(one: Resource, versions: Versions) -> Resource:
    """Most resources hold no reference, and stay as they are."""
    fields, initial = _fields(one.fields, versions), _fields(one.initial, versions)
    return one if fields is one.fields and initial is one.initial else replace(one, fields=fields, initial=initial)


def _fields(fields: Fields, versions: Versions) -> Fields:
    """The fields with every reference's digest; the same mapping where there is none."""
    found = {
        name: new
        for name, value in fields.items()
        if not isinstance(value, SCALARS) and (new := _value(value, versions)) is not value
    }
    return {**fields, **found} if found else fields


def _value(value: Value, versions: Versions) -> Value:
    match value:
        case RealmKey(pem=str()):
            return value
        case Secret() | RealmKey():
            return replace(value, version=versions(value))
        case Mapping():
            return _fields(value, versions)
        case tuple() | frozenset() if any(not isinstance(one, SCALARS) for one in value):
            return type(value)(_value(one, versions) for one in value)
        case _:
            return value


def references(fields: Fields) -> Iterator[Secret | RealmKey]:
    """Every reference in the fields, however deep."""
    for value in fields.values():
        if not isinstance(value, SCALARS):
            yield from _references(value)


def _references(value: Value) -> Iterator[Secret | RealmKey]:
    match value:
        case Secret() | RealmKey():
            yield value
        case tuple() | frozenset():
            for one in value:
                if not isinstance(one, SCALARS):
                    yield from _references(one)
        case Mapping():
            yield from references(value)
