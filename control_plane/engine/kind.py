"""What a target knows of one sort of object: a row of a table, not a class to inherit from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from control_plane.catalog.model import Catalog
from control_plane.engine.plan import Change, Update
from control_plane.engine.resource import Resource, State

C = TypeVar("C")  # the target's client


@dataclass(frozen=True)
class Kind(Generic[C]):
    """How one sort of object is wanted, found and written.

    desired(catalog)      every object that the catalog asks for
    read(client)          every object that is there, ours or not, in bulk; raises rather than leave one out
    create(client, want)  may be repeated: the same call twice does no harm
    update(client, u)     writes the fields of `u.changes` and leaves all others as they are
    delete(client, have)  an object that is gone already is no error
    """

    name: str
    desired: Callable[[Catalog], Iterable[Resource]]
    read: Callable[[C], Iterable[Resource]]
    create: Callable[[C, Resource], None]
    update: Callable[[C, Update], None] | None = None  # None: an object without fields of its own, or replaced whole
    delete: Callable[[C, Resource], None] | None = None  # None: never deleted by us
    after: tuple[str, ...] = ()  # kinds that must be there before it, and may go only when it is gone
    revokes: bool = False  # its deletes take rights away: they come before everything else
    settle_before_write: bool = False  # the servers must have taken the earlier waves up before it is written …
    settle_before_delete: bool = False  # … or deleted
    serial_by: Callable[[Resource], str] | None = None  # writes with the same answer never run side by side
    moves: str | None = None
    # what it means for callers when one of them gets another name and stays the same object; its update is then given
    # a `have` at the old address. None: a renamed one is made anew, and the old one goes last
    leaves: Callable[[Resource], Resource | None] | None = None
    # what an owned object becomes when nobody asks for it any more, instead of being deleted (a user is disabled);
    # None as the answer: it stays as it is
    adoptable: bool = False  # what stands in its place without our mark can be made ours, for it is read whole
    mark: str | None = None  # under what name its adoption is shown, where its mark is none of the fields compared
    same: Callable[[Resource, Resource], bool] | None = (
        None  # (want, have): a stranger's under another name is this one
    )
    aspect: bool = False  # a property of another kind's object: without our mark it is nothing to tell of
    masked: tuple[str, ...] = ()  # fields with a secret that the server never shows: found as Unseen
    meanwhile: Callable[[Change, State], str | None] | None = None
    # whose callers may be refused for the seconds in which the servers take this change up
    costs: Callable[[Change, State], str | None] | None = None
    # what is lost for good by this change, however right it is: so that nobody makes it unawares
    danger: Callable[[Change, State], str | None] | None = None
    # why access is wider than declared as long as this change is not made, judged by everything that is there; None
    # as the answer: the difference takes nothing from its protection
