"""The collections, entities and parents that make up most of the Admin API."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong import errors, writes
from control_plane.sandbox.kong.admin.bodies import body_of
from control_plane.sandbox.kong.admin.call import Answer, Call
from control_plane.sandbox.kong.admin.lists import listed
from control_plane.sandbox.kong.entities import BY_PATH, ENTITIES, NESTED, Entity
from control_plane.sandbox.kong.rules import UUID
from control_plane.sandbox.kong.store import TABLES, Row
from control_plane.sandbox.kong.writes import Parent, World

COLLECTION_METHODS = ("GET", "HEAD", "OPTIONS", "POST")
ITEM_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT")
OWNER_METHODS = ("GET", "HEAD", "OPTIONS", "PATCH", "PUT")


@dataclass(frozen=True)
class Under:
    """A parent as the path names it."""

    entity: Entity
    name: str
    foreign: str


@dataclass(frozen=True)
class Collection:
    """`/services`, `/services/{service}/routes`"""

    entity: Entity
    under: Under | None = None
    methods = COLLECTION_METHODS


@dataclass(frozen=True)
class Item:
    """`/services/{service}`, `/services/{service}/routes/{route}`"""

    entity: Entity
    name: str
    under: Under | None = None
    methods = ITEM_METHODS


@dataclass(frozen=True)
class Owner:
    """`/routes/{route}/service`: what a foreign key points to."""

    entity: Entity
    name: str
    foreign: str
    methods = OWNER_METHODS


Place = Collection | Item | Owner


def place(segments: tuple[str, ...]) -> Place | None:
    """What a path means, or None if it means nothing. Whether it is there is asked later."""
    entity = BY_PATH.get(segments[0]) if segments else None
    match segments:
        case (_,) if entity:
            return Collection(entity)
        case (_, name) if entity:
            return Item(entity, name)
        case (_, name, inner) if entity and (entity.collection, inner) in NESTED:
            nested, foreign = NESTED[entity.collection, inner]
            return Collection(nested, Under(entity, name, foreign))
        case (_, name, inner) if entity and inner in TABLES[entity.collection].foreign:
            return Owner(entity, name, inner)
        case (_, name, inner, item) if entity and (entity.collection, inner) in NESTED:
            nested, foreign = NESTED[entity.collection, inner]
            return Item(nested, item, Under(entity, name, foreign))
    return None


def answer(world: World, call: Call, where: Place) -> Answer:
    """The answer to an allowed method."""
    match where:
        case Collection():
            return _collection(world, call, where)
        case Item():
            return _item(world, call, where)
        case Owner():
            return _owner(world, call, where)


def present(world: World, row: Row) -> Mapping[str, Any]:
    """The row as it is shown now: of a ttl, what is left."""
    if row.get("ttl") is None:
        return row
    return {**row, "ttl": math.floor(row["created_at"] + row["ttl"] - world.clock())}


def parent_of(world: World, under: Under | None) -> Parent | None:
    """The parent that a nested path names; 404 if it is not there."""
    if under is None:
        return None
    row = writes.find(world, under.entity, under.name, None)
    if row is None:
        raise errors.not_found()
    return Parent(under.foreign, row)


def _collection(world: World, call: Call, where: Collection) -> Answer:
    parent = parent_of(world, where.under)
    if call.method == "POST":
        row = writes.create(world, where.entity, body_of(call, where.entity), parent)
        return Answer(201, present(world, row))
    if where.entity.collection == "consumers" and "custom_id" in call.query:
        found = world.store.find("consumers", "custom_id", call.query["custom_id"][0])
        return Answer(200, {"data": [found] if found else [], "next": None})
    rows, more = listed(world.store, call, where.entity.collection, parent)
    return Answer(200, {"data": [present(world, row) for row in rows], **more})


def _item(world: World, call: Call, where: Item) -> Answer:
    parent = parent_of(world, where.under)
    if call.method == "PUT":
        body = body_of(call, where.entity)
        return Answer(200, present(world, writes.replace(world, where.entity, where.name, body, parent)))
    row = writes.find(world, where.entity, where.name, parent)
    match call.method:
        case "PATCH":
            return _change(world, call, where, row)
        case "DELETE":
            if row is not None:
                writes.delete(world, where.entity, row)
            elif parent:
                raise _absent(where)
            return Answer(204)
        case _:
            if row is None:
                raise _absent(where)
            return Answer(200, present(world, row))


def _change(world: World, call: Call, where: Item, row: Row | None) -> Answer:
    body = body_of(call, where.entity)
    if row is not None:
        return Answer(200, present(world, writes.change(world, where.entity, row, body)))
    if where.under:
        raise _absent(where)
    raise errors.no_such_entity({"id" if UUID.fullmatch(where.name) else where.entity.key or "id": where.name})


def _absent(where: Item) -> errors.KongError:
    """A group that a consumer has not is answered by another part of Kong, which adds an id of the request."""
    if where.entity.collection == "acls" and not UUID.fullmatch(where.name):
        return errors.KongError(404, {"message": "Not found", "request_id": uuid.uuid4().hex})
    return errors.not_found()


def _owner(world: World, call: Call, where: Owner) -> Answer:
    row = writes.find(world, where.entity, where.name, None)
    reference = TABLES[where.entity.collection].foreign[where.foreign]
    owner = world.store.get(reference.collection, row[where.foreign]["id"]) if row and row[where.foreign] else None
    if owner is None:
        raise errors.not_found()
    entity = ENTITIES[reference.collection]
    if call.method == "PATCH":
        owner = writes.change(world, entity, owner, body_of(call, entity))
    elif call.method == "PUT":
        owner = writes.replace(world, entity, owner["id"], body_of(call, entity), None)
    return Answer(200, present(world, owner))
