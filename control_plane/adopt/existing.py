"""Kong's entities by name, whether they come from the Admin API, from decK's file (nested) or from a flat one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

COLLECTIONS = {  # name in a file -> name at the Admin API
    "services": "services",
    "routes": "routes",
    "plugins": "plugins",
    "consumers": "consumers",
    "keyauth_credentials": "key-auths",
    "acls": "acls",
    "jwt_secrets": "jwts",
    "upstreams": "upstreams",
    "targets": "targets",
}
FOREIGN = {"service": "services", "route": "routes", "consumer": "consumers", "upstream": "upstreams"}
BELOW = {  # what a file may hold inside of an entity, and the foreign key that this stands for
    "services": ("service", ("routes", "plugins")),
    "routes": ("route", ("plugins",)),
    "consumers": ("consumer", ("keyauth_credentials", "acls", "jwt_secrets", "plugins")),
    "upstreams": ("upstream", ("targets",)),
}
OF_FILE = {"_format_version", "_transform", "_info", "_workspace", "_plugin_configs", "_comment"}


@dataclass(frozen=True)
class Existing:
    rows: Mapping[str, tuple[Row, ...]]  # by the name in a file; foreign keys are names
    unknown: tuple[str, ...]  # sorts of entities that we do not read

    def __getitem__(self, collection: str) -> tuple[Row, ...]:
        return self.rows.get(collection, ())


def of(data: Mapping[str, Any]) -> Existing:
    """From a file's content, or from collections as the Admin API lists them."""
    rows: dict[str, list[Row]] = {name: [] for name in COLLECTIONS}
    for collection, row in _flat(data, {}):
        rows[collection].append(row)
    names = {
        collection: {row["id"]: name_of(row) for row in rows[collection] if "id" in row}
        for collection in FOREIGN.values()
    }
    for found in rows.values():
        for row in found:
            for field, collection in FOREIGN.items():
                row[field] = _name(row.get(field), names[collection])
    unknown = sorted(name for name, value in data.items() if name not in COLLECTIONS and name not in OF_FILE and value)
    return Existing({name: tuple(found) for name, found in rows.items()}, tuple(unknown))


def _flat(data: Mapping[str, Any], above: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    for collection in COLLECTIONS:
        for entity in data.get(collection) or ():
            foreign, inside = BELOW.get(collection, ("", ()))
            row = {name: value for name, value in entity.items() if name not in inside} | dict(above)
            yield collection, row
            if foreign:
                yield from _flat({name: entity.get(name) for name in inside}, {foreign: name_of(row)})


def name_of(row: Mapping[str, Any]) -> str:
    """The entity's name; without one its id, or what it is about."""
    for field in ("name", "username", "custom_id", "id"):
        if row.get(field):
            return str(row[field])
    return ",".join(map(str, row.get("paths") or ())) or "(without a name)"


def _name(reference: Any, names: Mapping[str, str]) -> str | None:
    if isinstance(reference, Mapping):
        reference = reference.get("name") or reference.get("username") or reference.get("id")
    return None if reference is None else names.get(str(reference), str(reference))
