"""Create, replace, change and delete entities as Kong's Admin API does, or raise a KongError."""

from __future__ import annotations

import secrets
import string
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong import errors, schema
from control_plane.sandbox.kong.checks import CHECKS
from control_plane.sandbox.kong.entities import Body, Entity
from control_plane.sandbox.kong.entity_checks import check
from control_plane.sandbox.kong.rules import UUID
from control_plane.sandbox.kong.store import TABLES, Row, Store, referring_to
from control_plane.sandbox.kong.validate import errors_in, filled, merged, shown

MOST_TTL = 100_000_000  # seconds
_SIGNS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Parent:
    """The entity under which a nested path stands, and the foreign key that points to it."""

    foreign: str
    row: Row


@dataclass(frozen=True)
class World:
    """Where entities are, and what time it is."""

    store: Store
    clock: Callable[[], float]


def find(world: World, entity: Entity, text: str, parent: Parent | None) -> Row | None:
    """The row that a path segment names: by its id, or by the field that may stand for it.

    Raises:
        KongError: the segment can be neither.
    """
    row = _named(world.store, entity, text, parent)
    if row is None or (parent and row[parent.foreign] != {"id": parent.row["id"]}):
        return None
    return row


def _named(store: Store, entity: Entity, text: str, parent: Parent | None) -> Row | None:
    if UUID.fullmatch(text):
        return store.get(entity.collection, text.lower())
    if entity.key:
        error = CHECKS.get(f"{entity.collection}.{entity.key}", lambda _: None)(text)
        if error:
            raise errors.coded(400, 10, f"invalid unique {entity.key}", error)
        return store.find(entity.collection, entity.key, text)
    if parent and (name := _name_under(entity)):
        return store.alike(entity.collection, {name: text, parent.foreign: {"id": parent.row["id"]}})
    fields = {"id": "expected a valid UUID"}
    message = f"invalid primary key: '{errors.literal(fields)}'"
    raise errors.coded(400, 1, "invalid primary key", message, fields)


def _name_under(entity: Entity) -> str | None:
    """The field that, with the parent, may stand for the id: the group of an acl, the target of a target."""
    return {"acls": "group", "targets": "target"}.get(entity.collection)


def create(world: World, entity: Entity, body: Body, parent: Parent | None) -> Row:
    """POST."""
    return _write(world, entity, _under(body, parent), None)


def replace(world: World, entity: Entity, text: str, body: Body, parent: Parent | None) -> Row:
    """PUT: a full replace, or a create; the segment of the path wins over the body, except for the group of an acl."""
    existing = _named(world.store, entity, text, parent)
    body = _under(body, parent)
    if UUID.fullmatch(text):
        body["id"] = text.lower()
    else:
        name = entity.key or _name_under(entity)
        assert name is not None  # else _named has refused the text
        body[name] = text if entity.key else body.get(name, text)
    return _write(world, entity, body, existing)


def change(world: World, entity: Entity, row: Row, body: Body) -> Row:
    """PATCH: what is not given stays as it is."""
    body = _expanded(entity, body)
    whole = schema_of(entity, {**row, **body})
    new = merged(whole.entity, row, {name: value for name, value in body.items() if name != "id"})
    _check_ttl(entity, body)
    if body.get("ttl"):
        new["ttl"] = int(world.clock()) - row["created_at"] + body["ttl"]  # a ttl is counted from created_at
    if "updated_at" in row and "updated_at" not in body:
        new["updated_at"] = _now(world, entity)
    return _checked(world, entity, new, body, row, updating=True)


def delete(world: World, entity: Entity, row: Row) -> None:
    """DELETE: credentials and plugins go with what they belong to; other references forbid it."""
    for collection, foreign in referring_to(entity.collection, cascade=False):
        if world.store.ids(collection, foreign, row["id"]):
            raise errors.still_referenced(entity.collection, collection)
    for service in world.store.rows("services") if entity.collection == "ca_certificates" else ():
        if row["id"] in (service.get("ca_certificates") or ()):
            raise errors.authority_in_use(row["id"], service["id"])
    world.store.delete(entity.collection, row["id"])


def validated(entity: Entity, body: Body) -> None:
    """Whether the schema accepts the body: no store is asked, names of others are not resolved."""
    body = _expanded(entity, body)
    _refuse(entity, filled(schema_of(entity, body).entity, body), updating=False)


def _under(body: Body, parent: Parent | None) -> Body:
    return {**body, parent.foreign: {"id": parent.row["id"]}} if parent else dict(body)


def _write(world: World, entity: Entity, body: Body, existing: Row | None) -> Row:
    _check_ttl(entity, body)
    body = _expanded(entity, body)
    automatic = _automatic(world, entity)
    given = {name: value for name, value in body.items() if value is not None or name not in automatic}
    return _checked(world, entity, {**automatic, **given}, body, existing, updating=False)


def _expanded(entity: Entity, body: Body) -> Body:
    body, wrong = entity.expand(body)
    if wrong:
        raise errors.schema_violation(wrong)
    return body


def _checked(world: World, entity: Entity, body: Body, given: Body, existing: Row | None, *, updating: bool) -> Row:
    """Defaults, validation, uniqueness and foreign keys in Kong's order; then the row is stored."""
    if entity.collection == "plugins" and isinstance(given.get("protocols"), list):
        _check_protocols(world.store, body)
    body = _resolved(world.store, entity, body)
    record = schema_of(entity, body).entity
    row = filled(record, body)
    ttl = row.pop("ttl", None) if TABLES[entity.collection].ttl else None
    _refuse(entity, row, updating=updating)
    row = shown(record, row)
    if TABLES[entity.collection].ttl:
        row["ttl"] = ttl or None
    row["id"] = existing["id"] if existing else row["id"].lower()
    _check_unique(world.store, entity, row, existing)
    _check_references(world.store, entity, row)
    world.store.put(entity.collection, row)
    return row


def _refuse(entity: Entity, row: Body, *, updating: bool) -> None:
    undecided = _without_subschema(entity, row)
    if undecided:
        raise errors.schema_violation(undecided)
    whole = schema_of(entity, row)
    found = check(whole, row, errors_in(whole.entity, row), updating=updating)
    if found:
        raise errors.schema_violation(found)


def schema_of(entity: Entity, row: Mapping[str, Any]) -> schema.Schema:
    """The schema of this row; a plugin's depends on its name."""
    if entity.collection != "plugins":
        return schema.load(entity.collection)
    name = row.get("name")
    if name is not None and not isinstance(name, str):
        raise errors.unexpected()  # as in Kong
    return schema.load_plugin(name) if f"plugin-{name}" in schema.names() else schema.load("plugins")


def _without_subschema(entity: Entity, row: Body) -> errors.Errors:
    """The one mistake that ends validation: plugins are told apart by name, routes by protocols."""
    if entity.collection == "plugins":
        name = row.get("name")
        if name is None:
            return {"name": "required field missing"}
        if f"plugin-{name}" not in schema.names():
            return {"name": f"plugin '{name}' not enabled; add it to the 'plugins' configuration property"}
    if entity.collection == "routes":
        protocols = row.get("protocols")
        if protocols is None:
            return {"protocols": "required field missing"}
        known = schema.load("routes").entity.fields["protocols"].raw["elements"]["one_of"]
        first = protocols[0] if isinstance(protocols, list) and protocols else None
        if isinstance(protocols, list) and first not in known:
            return {"protocols": f"unknown type: {'nil' if first is None else first}"}
    return {}


def _automatic(world: World, entity: Entity) -> Body:
    """The fields that Kong fills by itself."""
    now = _now(world, entity)
    values: Body = {}
    for name, field in schema.load(entity.collection).entity.fields.items():
        if field.raw.get("auto"):
            if field.raw.get("uuid"):
                values[name] = str(uuid.uuid4())
            elif field.raw.get("timestamp"):
                values[name] = now
            else:
                values[name] = "".join(secrets.choice(_SIGNS) for _ in range(32))
    return values


def _now(world: World, entity: Entity) -> float | int:
    """Whole seconds; milliseconds where the schema says so."""
    whole = schema.load(entity.collection).entity.fields["created_at"].type == "integer"
    return int(world.clock()) if whole else round(world.clock(), 3)


def _check_ttl(entity: Entity, body: Body) -> None:
    ttl = body.get("ttl")
    if ttl is None or not TABLES[entity.collection].ttl:
        return
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 <= ttl <= MOST_TTL:
        raise errors.invalid_option("ttl", f"must be an integer between 0 and {MOST_TTL}")


def _resolved(store: Store, entity: Entity, body: Body) -> Body:
    """Foreign keys by name, as `{"name": …}` or `{"username": …}`, become ids."""
    body = dict(body)
    for foreign, reference in TABLES[entity.collection].foreign.items():
        value = body.get(foreign)
        if not isinstance(value, Mapping) or "id" in value:
            continue
        for unique in TABLES[reference.collection].unique:
            if isinstance(value.get(unique), str):
                row = store.find(reference.collection, unique, value[unique])
                if row is None:
                    raise errors.unresolved_reference(foreign, unique, value[unique], reference.collection)
                body[foreign] = {"id": row["id"]}
                break
    return body


def _check_protocols(store: Store, plugin: Body) -> None:
    """A plugin must speak a protocol of its route, or of one of its service's routes if there are any.

    Kong looks before it resolves names: a route or service that is given by its name fits no protocol.
    """
    wanted = {str(protocol) for protocol in plugin["protocols"]}
    why = None
    if plugin.get("route"):
        row = store.get("routes", _id(plugin["route"]) or "")
        if row is None or wanted.isdisjoint(row["protocols"]):
            why = "must match the associated route's protocols"
    elif plugin.get("service"):
        service = _id(plugin["service"])
        routes = store.referring("routes", "service", service or "")
        if service is None or (routes and all(wanted.isdisjoint(row["protocols"]) for row in routes)):
            why = "must match the protocols of at least one route pointing to this Plugin's service"
    if why:
        raise errors.schema_violation({"protocols": why})


def _id(value: object) -> str | None:
    row_id = value.get("id") if isinstance(value, Mapping) else None
    return row_id if isinstance(row_id, str) else None


def _check_unique(store: Store, entity: Entity, row: Row, existing: Row | None) -> None:
    other = store.get(entity.collection, row["id"])
    if other and (existing is None or existing["id"] != row["id"]):
        raise errors.id_taken(row["id"])
    table = TABLES[entity.collection]
    other = store.alike(entity.collection, row)
    if other and other["id"] != row["id"]:
        raise errors.taken({name: row[name] for name in table.together})
    for name in table.unique:
        other = store.find(entity.collection, name, row[name]) if row[name] is not None else None
        if other and other["id"] != row["id"]:
            raise errors.taken({name: row[name]})


def _check_references(store: Store, entity: Entity, row: Row) -> None:
    for foreign, reference in TABLES[entity.collection].foreign.items():
        row_id = _id(row.get(foreign))
        if row_id and store.get(reference.collection, row_id) is None:
            raise errors.absent_reference(foreign, row_id, reference.collection)
