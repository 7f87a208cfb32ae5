"""Kong's schemas as `GET /schemas/…` showed them, made ready to be interpreted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from control_plane.sandbox.kong.checks import Check, check_for
from control_plane.sandbox.kong.rules import RULES

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One field, or the element of a list; a whole entity is a record."""

    type: str
    raw: Raw = field(repr=False)
    where: str
    rules: tuple[tuple[str, Any], ...] = ()  # in Kong's order
    check: Check | None = None
    elements: Field | None = None
    keys: Field | None = None
    values: Field | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    shorthands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # an old name: where its value belongs

    @property
    def required(self) -> bool:
        """Whether null is refused."""
        return bool(self.raw.get("required"))


@dataclass(frozen=True)
class Schema:
    """An entity's fields and the checks that look at several of them."""

    name: str
    entity: Field
    checks: tuple[tuple[str, Any], ...]


def text(name: str) -> str:
    """The schema as Kong answers it. The name must be one of `names()`, or `root` or `endpoints`."""
    return (resources.files(__package__) / "schemas" / f"{name}.json").read_text(encoding="utf-8")


@cache
def names() -> frozenset[str]:
    """All schemas that we have; those of plugins begin with `plugin-`."""
    folder = resources.files(__package__) / "schemas"
    return frozenset(file.name.removesuffix(".json") for file in folder.iterdir()) - {"root", "endpoints"}


@cache
def load(name: str) -> Schema:
    """The schema of a collection."""
    raw = json.loads(text(name))
    return Schema(name, parsed({"type": "record", "fields": raw["fields"]}, name), _checks(raw))


@cache
def load_plugin(name: str) -> Schema:
    """The schema of plugins with this name: the common fields, some of them narrowed."""
    common, own = json.loads(text("plugins")), json.loads(text(f"plugin-{name}"))
    base = load("plugins").entity
    narrowed = {key: parsed(raw, f"plugin-{name}.{key}") for key, raw in _pairs(own["fields"])}
    entity = Field("record", base.raw, "plugins", fields={**base.fields, **narrowed})
    return Schema("plugins", entity, (*_checks(common), *_checks(own)))


def parsed(raw: Raw, where: str) -> Field:
    """One field and all below it."""
    below = {
        part: parsed(raw[part], where + ("[]" if part == "elements" else f".{part}"))
        for part in ("elements", "keys", "values")
        if part in raw
    }
    return Field(
        type=raw.get("type", "string"),
        raw=raw,
        where=where,
        rules=tuple((rule, raw[rule]) for rule in RULES if rule in raw),
        check=check_for(where),
        fields={key: parsed(inner, f"{where}.{key}") for key, inner in _pairs(raw.get("fields", ()))},
        shorthands={
            key: tuple(inner["deprecation"]["replaced_with"][0]["path"])
            for key, inner in _pairs(raw.get("shorthand_fields", ()))
        },
        **below,
    )


def _pairs(fields: Any) -> list[tuple[str, Raw]]:
    """Names and schemas; a transient field (the SNIs of a certificate) is none of the entity, and is not taken here."""
    pairs = (next(iter(one.items())) for one in fields)
    return [(name, raw) for name, raw in pairs if not raw.get("transient")]


def _checks(raw: Raw) -> tuple[tuple[str, Any], ...]:
    return tuple(next(iter(check.items())) for check in raw["entity_checks"])
