"""The store's indexes always agree with its rows."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.sandbox.kong.store import Store

IDS = st.sampled_from("abcdef")
ROWS = st.fixed_dictionaries(
    {
        "id": IDS,
        "name": st.none() | st.sampled_from("xyz"),
        "service": st.none() | st.fixed_dictionaries({"id": st.sampled_from("stu")}),
        "tags": st.none() | st.lists(st.sampled_from(["red", "blue"]), unique=True),
    }
)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete"]), ROWS), max_size=30)


def played(steps: list[tuple[str, dict[str, Any]]]) -> tuple[Store, dict[str, dict[str, Any]]]:
    """A store and what it should hold; a row whose name is taken is left out, as the Admin API would."""
    store = Store(lambda: 0.0)
    rows: dict[str, dict[str, Any]] = {}
    for what, row in steps:
        if what == "delete":
            store.delete("routes", row["id"])
            rows.pop(row["id"], None)
        elif not any(row["name"] and row["name"] == other["name"] for i, other in rows.items() if i != row["id"]):
            store.put("routes", row)
            rows[row["id"]] = row
    return store, rows


@settings(max_examples=200)
@given(STEPS)
def test_every_index_agrees_with_the_rows(steps: list[tuple[str, dict[str, Any]]]) -> None:
    store, rows = played(steps)
    assert store.rows("routes") == tuple(rows[row_id] for row_id in sorted(rows))
    for name in "xyz":
        assert store.find("routes", "name", name) == next((r for r in rows.values() if r["name"] == name), None)
    for service in "stu":
        mine = [row for row in rows.values() if row["service"] == {"id": service}]
        assert list(store.referring("routes", "service", service)) == sorted(mine, key=lambda row: str(row["id"]))
    for tag in ("red", "blue"):
        assert store.tagged("routes", tag) == {row["id"] for row in rows.values() if tag in (row["tags"] or ())}


@given(STEPS, ROWS)
def test_every_write_makes_a_new_version(steps: list[tuple[str, dict[str, Any]]], row: dict[str, Any]) -> None:
    store, _ = played(steps)
    before = store.version
    store.put("routes", {**row, "name": None})
    between = store.version
    store.delete("routes", row["id"])
    assert before < between < store.version


def test_what_belongs_to_a_consumer_goes_with_it() -> None:
    store = Store(lambda: 0.0)
    store.put("consumers", {"id": "c"})
    store.put("acls", {"id": "a", "consumer": {"id": "c"}, "group": "g"})
    store.put("keyauth_credentials", {"id": "k", "consumer": {"id": "c"}, "key": "x"})
    store.put("plugins", {"id": "p", "name": "cors", "consumer": {"id": "c"}})
    store.delete("consumers", "c")
    assert not any(store.rows(name) for name in ("consumers", "acls", "keyauth_credentials", "plugins"))
    assert store.alike("acls", {"consumer": {"id": "c"}, "group": "g"}) is None


def test_a_view_that_was_taken_does_not_change() -> None:
    store = Store(lambda: 0.0)
    store.put("consumers", {"id": "c", "username": "old"})
    view = store.rows("consumers")
    store.put("consumers", {"id": "c", "username": "new"})
    assert view[0]["username"] == "old"
    assert store.rows("consumers")[0]["username"] == "new"
