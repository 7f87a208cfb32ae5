"""Keys: what a connected service shows in the header `apikey`. One per service that may use a key.

Kong shows keys in clear, so the client replaces them by a digest as soon as they are read. A key has no name in Kong:
ours carries it in a tag, and an id that is made from platform, consumer and name; both must agree, so that a row that
somebody gave our tags by hand is still somebody's own. What else hangs on our consumers is reported.

A service with an end has a key with an end: Kong drops it at that second (`ttl`), also when nobody runs renkei and when
the guard has been taken away. Kong shows the seconds that are left, so the instant that was written stands in a tag,
and counts while the seconds agree with it.

A key that was there before us and is adopted keeps its id too, which a tag repeats: copied tags do not fit it.
The key of a renamed service goes over to the new consumer in one write and keeps its id, so the name that the id was
made from stays in a tag, `was:`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from control_plane.catalog.model import Auth, Catalog, Service
from control_plane.engine.kind import Kind
from control_plane.engine.plan import Update
from control_plane.engine.resource import Key, Resource
from control_plane.engine.values import Fields, Secret
from control_plane.kong import danger, naming, strangers, values
from control_plane.kong.client import ENDS, Kong, Row, at

NAME = "kong.key"
PRIMARY = "primary"  # the name of the one key; a second one comes with a rotation
ADOPTED = "adopted:"  # the tag with the id of a key that was there before it was ours
WAS = "was:"  # the tag with the service's former name
UNTIL = "until:"  # the tag with the instant at which the key ends
FARTHEST = timedelta(days=3 * 365)  # Kong takes a ttl of 100,000,000 s at the most, which is little more
NEAR = 60  # seconds that the clocks of the node and of its database may be apart


def desired(catalog: Catalog) -> Iterator[Resource]:
    for service in catalog.services():
        if Auth.API_KEY in service.auth and not has_ended(service, catalog.as_of):
            belongs = (f"tenant:{service.tenant}",)
            tags = naming.tags(catalog.platform.name, (*belongs, f"name:{PRIMARY}"))
            yield Resource(
                Key(NAME, service.name, PRIMARY),
                {
                    "key": Secret.of(service.name, "api_key", service.previously),
                    "ends": _end(service, catalog.as_of),
                    "tags": tags,
                },
                origin=service.origin,
                belongs=naming.ids(belongs),
                previously=Key(NAME, service.previously, PRIMARY) if service.previously else None,
            )


def has_ended(service: Service, at: datetime) -> bool:
    """Whether the service's own period is over, so that it has no key any more."""
    return service.period.end is not None and service.period.end <= at


def _end(service: Service, at: datetime) -> str | None:
    """When the key ends; None where it does not, or later than Kong can count: then a later run says so."""
    end = service.period.end
    return _stamp(end.timestamp()) if end and end - at <= FARTHEST else None


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(round(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).timestamp())


def read(kong: Kong) -> Iterator[Resource]:
    consumers = {row["id"] for row in kong.rows("consumers") if kong.is_ours(row)}
    for row in kong.rows("key-auths"):
        consumer = kong.name_of("consumers", row.get("consumer")) or ""
        name = _own_name(kong, row, consumer)
        attached = name is None and (row.get("consumer") or {}).get("id") in consumers
        yield Resource(
            Key(NAME, consumer, name or f"({row['id']})"),
            {"key": row["key"], "ends": _found_end(row), "tags": frozenset(_tags(row))},
            belongs=naming.ids(row["tags"]),
            owned=name is not None,
            attached=attached,
            danger=strangers.credential(kong, consumer, "whoever has this key") if attached else None,
            remove=None if name else strangers.removal("key-auths", row["id"]),
        )


def _tags(row: Row) -> list[str]:
    return [tag for tag in row["tags"] if not tag.startswith((UNTIL, WAS, ADOPTED))]


def _found_end(row: Row) -> str | None:
    """The instant in the tag where the seconds that are left agree with it, else what they come to."""
    ends = row.get(ENDS)
    if not isinstance(ends, int | float):
        return None
    said = (tag.removeprefix(UNTIL) for tag in row["tags"] if tag.startswith(UNTIL))
    return next((stamp for stamp in said if _agrees(stamp, ends)), _stamp(ends))


def _agrees(stamp: str, ends: float) -> bool:
    try:
        return abs(_seconds(stamp) - ends) <= NEAR and _stamp(_seconds(stamp)) == stamp
    except (ValueError, OverflowError):
        return False  # a tag that somebody wrote by hand


def _own_name(kong: Kong, row: Row, consumer: str) -> str | None:
    """The name that we gave the key; None when it is not ours."""
    if not kong.is_ours(row):
        return None
    names = _tagged(row, "name:")
    if row["id"] in _tagged(row, ADOPTED):
        return next(iter(names), None)
    former = [consumer, *_tagged(row, WAS)]
    ids = {naming.steady_id(kong.platform, "key", one, name): name for one in former for name in names}
    return ids.get(row["id"])


def _tagged(row: Row, what: str) -> list[str]:
    return [tag.removeprefix(what) for tag in row["tags"] if tag.startswith(what)]


def same(want: Resource, have: Resource) -> bool:
    """A key with the value that we want, whoever has it: Kong takes none twice, so it can only change hands."""
    return want.fields["key"] == have.fields["key"]


def create(kong: Kong, want: Resource) -> None:
    _write(kong, want, _steady(kong, want.key))


def update(kong: Kong, change: Update) -> None:
    """Of a renamed service: the key changes hands, in one write, and keeps its id (contract: admin-key-auth)."""
    row = _row(kong, change.have.key)
    if not change.have.owned:
        steady = row["id"] == _steady(kong, change.key)
        _write(kong, change.want, row["id"], [] if steady else [f"{ADOPTED}{row['id']}"])
        return
    was = [f"{WAS}{name}" for name in _tagged(row, WAS) or ([change.have.key.within] if change.moves else [])]
    _write(kong, change.want, row["id"], [*was, *(f"{ADOPTED}{id}" for id in _tagged(row, ADOPTED))])


def _write(kong: Kong, want: Resource, id: str, more: Iterable[str] = ()) -> None:
    key = _revealed(kong, want.fields)
    body = {"key": key, **lifetime(want.fields, more)}
    kong.put(at("consumers", want.key.within, "key-auth", id), body, hide=(key,))


def lifetime(fields: Fields, more: Iterable[str] = ()) -> dict[str, object]:
    """Tags, and for a key with an end `ttl` from a `created_at` of ours: so the end is exact whatever the clocks say.

    A ttl of 0 would be none: what ends just now is written as ended already.
    """
    tags, ends = values.body(fields)["tags"], fields["ends"]
    assert isinstance(tags, list)
    tags += more
    if not isinstance(ends, str):
        return {"tags": tags}
    end = _seconds(ends)
    created = min(int(time.time()), end - 1)
    return {"tags": [*tags, f"{UNTIL}{ends}"], "created_at": created, "ttl": end - created}


def _revealed(kong: Kong, fields: Fields) -> str:
    secret = fields["key"]
    assert isinstance(secret, Secret)
    return kong.reveal(secret)


def delete(kong: Kong, have: Resource) -> None:
    kong.delete(at("consumers", have.key.within, "key-auth", _row(kong, have.key)["id"]))


def _steady(kong: Kong, key: Key) -> str:
    return naming.steady_id(kong.platform, "key", key.within, key.name)


def _row(kong: Kong, key: Key) -> Row:
    """The key as it was read; one that was there under a former name of its service has an id of that name."""
    if key.name.startswith("("):
        return kong.by_id("key-auths")[key.name.strip("()")]
    steady = _steady(kong, key)
    if steady in kong.by_id("key-auths"):
        return kong.by_id("key-auths")[steady]
    for row in kong.rows("key-auths"):
        consumer = kong.name_of("consumers", row.get("consumer")) or ""
        if consumer == key.within and _own_name(kong, row, consumer) == key.name:
            return row
    return {"id": steady}


KEYS = Kind(
    NAME,
    desired,
    read,
    create,
    update,
    delete,
    after=("kong.consumer", "kong.route-plugin"),
    settle_before_write=True,  # so that no new credential meets a guard of yesterday
    revokes=True,
    moves="the same key goes on: no call is refused",
    danger=danger.of_key,
    same=same,
)
