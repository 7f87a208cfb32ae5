"""A target as small as one can be: boxes on a shelf, lids on boxes, keys to boxes. In memory; can be told to fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.target import Target
from control_plane.problems import ServerError


@dataclass
class Shelf:
    """The server: objects by key, and a journal of what was written in which order."""

    objects: dict[Key, Resource] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    broken: Callable[[Key], bool] = lambda key: False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, verb: str, resource: Resource) -> None:
        if self.broken(resource.key):
            raise ServerError(f"{resource.key} is stuck")
        with self.lock:
            self.journal.append(f"{verb} {resource.key.kind.partition('.')[2]} {resource.key.name}")
            if verb == "delete":
                self.objects.pop(resource.key, None)
            else:
                found = self.objects.get(resource.key)
                self.objects[resource.key] = replace(
                    resource, fields={**(found.fields if found else {}), **resource.fields}
                )


def kind(name: str, after: tuple[str, ...] = (), **more: object) -> Kind[Shelf]:
    def read(shelf: Shelf) -> Iterable[Resource]:
        return [found for key, found in list(shelf.objects.items()) if key.kind == name]

    def update(shelf: Shelf, change: Update) -> None:
        shelf.write("update", Resource(change.key, {n: change.want.fields[n] for n in change.changed}))

    return Kind(
        name,
        desired=lambda catalog: (),
        read=read,
        create=lambda shelf, want: shelf.write("create", want),
        update=update,
        delete=lambda shelf, have: shelf.write("delete", have),
        after=after,
        **more,  # type: ignore[arg-type]  # the optional columns of a kind, passed on as they are
    )


BOX = kind("shelf.box")
LID = kind("shelf.lid", after=("shelf.box",))
KEY = kind("shelf.key", after=("shelf.box",), revokes=True)
SEAL = kind("shelf.seal", after=("shelf.lid", "shelf.key"), settle_before_write=True)
KINDS = (BOX, LID, KEY, SEAL)


def box(name: str, *, sort: str = "box", owned: bool = True, **fields: object) -> Resource:
    return Resource(Key(f"shelf.{sort}", name.partition("/")[0], name), fields, owned=owned)  # type: ignore[arg-type]


def a_shelf(*objects: Resource) -> Shelf:
    return Shelf({found.key: found for found in objects})


def a_target(shelf: Shelf, kinds: tuple[Kind[Shelf], ...] = KINDS, settle: Callable[[], None] = lambda: None) -> Target:
    return Target("Shelf", shelf, kinds, settle=settle)
