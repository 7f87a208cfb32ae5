"""One object of a target, wanted or found, addressed by names and never by a server's id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from control_plane.engine.values import Fields
from control_plane.problems import ConfigurationError, Origin, Problem


class Key(NamedTuple):
    """A resource's address. A tuple, for states are sorted by it and looked up in all the time.

    `kind` is `target.kind`, as in `kong.route`. `within` names what the object stands in and fails with: a realm, an
    API version, a consumer; empty for what stands alone. `name` is unique for the kind and `within`.
    """

    kind: str
    within: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.within + ' ' if self.within else ''}{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """What should be, or is, at one address."""

    key: Key
    fields: Fields = field(default_factory=dict)
    origin: Origin | None = field(default=None, compare=False)  # the YAML that asks for it
    belongs: frozenset[str] = field(default=frozenset(), compare=False)  # tenants and APIs that it is part of
    owned: bool = True  # found with our mark
    adoptable: bool = True  # without our mark: nobody else's that we know of, so it can become ours
    attached: bool = False  # without our mark, on an object that is ours: a key of our consumer that nobody declared
    protected: str | None = field(default=None, compare=False)  # why it must not be deleted: the last administrator
    initial: Fields = field(default_factory=dict, compare=False)  # what a write needs besides, and nobody compares
    previously: Key | None = field(default=None, compare=False)  # where it stood before it was renamed in the YAML
    danger: str | None = field(default=None, compare=False)  # without our mark: how it widens access to what is ours …
    remove: str | None = field(default=None, compare=False)  # … and the request that takes it away


State: TypeAlias = Mapping[Key, Resource]


def state(resources: Iterable[Resource]) -> State:
    """The resources by key, sorted.

    Raises ConfigurationError naming both places when two of them have one address.
    """
    found: dict[Key, Resource] = {}
    problems = []
    for resource in resources:
        first = found.setdefault(resource.key, resource)
        if first is not resource:
            note = f"the other one is asked for at {first.origin}" if first.origin else None
            problems.append(Problem(f"two declarations become the same object: {resource.key}", resource.origin, note))
    if problems:
        raise ConfigurationError(*problems)
    return {key: found[key] for key in sorted(found)}
