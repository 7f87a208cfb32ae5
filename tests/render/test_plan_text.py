"""A plan as a person reads it."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

from control_plane.engine.plan import make_plan
from control_plane.engine.resource import Key, Resource, state
from control_plane.engine.values import RealmKey, Secret
from control_plane.problems import Origin
from control_plane.render.columns import pad, shorten, width
from control_plane.render.document import About, plan_document
from control_plane.render.drift import drift_lines, has_drifted
from control_plane.render.plan import plan_lines, text
from tests.engine.shelf import kind

KINDS = (kind("keycloak.user"), kind("kong.acl", revokes=True), kind("kong.key"))
ABOUT = About("tochigi", "production", datetime(2026, 11, 21, tzinfo=UTC), next_change=datetime(2027, 4, 1, tzinfo=UTC))


def user(name, line=9, **fields):
    return Resource(
        Key("keycloak.user", "nasushiobara", name), fields, Origin("tenants/nasushiobara.yaml", line) if line else None
    )


def acl(group, **more):
    return Resource(Key("kong.acl", "nasushiobara.portal", group), {}, **more)


def document_of(want, have):
    return plan_document(make_plan(KINDS, state(want), state(have)), ABOUT)


def test_a_plan_reads_like_the_design_says():
    want = [user("nasu-0001", groups=frozenset({"digital", "new"})), user("nasu-0002", line=10, email="b@example.jp")]
    have = [user("nasu-0001", line=None, groups=frozenset({"digital"})), acl("ngsi-v2.v2:update")]
    document = document_of(want, have)
    assert text(plan_lines(document)) == (
        "Keycloak  production  realm nasushiobara\n"
        "  ~ user         nasu-0001                                   tenants/nasushiobara.yaml:9\n"
        "      groups       + new\n"
        "  + user         nasu-0002                                   tenants/nasushiobara.yaml:10\n"
        "Kong  production  nasushiobara.portal\n"
        "  - acl          ngsi-v2.v2:update                           no longer declared\n"
        f"Plan {document['fingerprint']}: 1 to create, 1 to change, 1 to delete, 0 unchanged, 0 unmanaged."
        " Next change by date: 2027-04-01.\n"
    )


def test_the_order_within_a_place_is_by_wave_then_name():
    document = document_of([user("b"), user("a")], [])
    assert [change["name"] for change in document["changes"]] == ["a", "b"]


def test_what_is_lost_by_a_change_stands_below_it_in_the_text_and_in_the_data():
    costly = kind(
        "keycloak.user", costs=lambda change, have: "what was kept is gone" if change.key.name == "a" else None
    )
    want, have = [user("a", n=1), user("b", n=1)], [user("a", n=2), user("b", n=2)]
    document = plan_document(make_plan((costly,), state(want), state(have)), ABOUT)
    assert "\n      costs        what was kept is gone\n" in text(plan_lines(document))
    assert [change.get("costs") for change in document["changes"]] == ["what was kept is gone", None]


def test_what_is_open_stands_first_with_how_and_who_can_end_it():
    opened = kind("kong.acl", danger=lambda change, have: "groups that Git does not give", revokes=True)
    stranger = dataclasses.replace(
        user("\x1b[2Jhand-made", line=None), owned=False, danger="it goes around the login", remove="DELETE /clients/1"
    )
    conflict = dataclasses.replace(user("nasu-0003", line=None), owned=False)
    want = [user("nasu-0001", n=2), user("nasu-0003", line=11)]
    have = [user("nasu-0001", line=None, n=1), acl("ngsi-v2.v2:update"), stranger, conflict]
    document = plan_document(make_plan((KINDS[0], opened), state(want), state(have)), ABOUT)
    told = text(plan_lines(document)).splitlines()
    assert told[: told.index("All changes:") + 3] == [
        "Security: more is open than Git says.",
        "Keycloak  production  realm nasushiobara",
        "  ! user         �[2Jhand-made",
        "      it goes around the login",
        "      apply leaves it; remove it, or declare it: DELETE /clients/1",
        "  ! user         nasu-0003                                   tenants/nasushiobara.yaml:11",
        "      it stands where ours should, and without our mark apply does not mend it",
        "Kong  production  nasushiobara.portal",
        "  - acl          ngsi-v2.v2:update                           no longer declared",
        "      groups that Git does not give",
        "All changes:",
        "Keycloak  production  realm nasushiobara",
        "  ~ user         nasu-0001                                   tenants/nasushiobara.yaml:9",
    ]
    assert sum("hand-made" in line for line in told) == 1  # and not once more below


def test_nothing_to_do_says_so():
    same = [user("a", email="x@example.jp")]
    assert text(plan_lines(document_of(same, same))).startswith("Nothing to do: 1 unchanged")


def test_a_plan_as_json_survives_json():
    want = [user("a", secret=Secret("services/x#s", "12345678ab"), key=RealmKey("r"), sizes=(1, 2), on=True)]
    document = document_of(want, [])
    assert json.loads(json.dumps(document)) == document
    assert document["format_version"] == 1


def test_drift_shows_what_was_expected_and_what_was_found():
    document = document_of([user("a", email="a@example.jp")], [user("a", email="other@example.jp")])
    told = text(drift_lines(document))
    assert "expected  a@example.jp\n        found     other@example.jp" in told
    assert has_drifted(document)


def test_an_unmanaged_object_on_one_of_ours_is_drift_and_told_one_by_one():
    document = document_of([], [acl("admin", owned=False, attached=True), user("x")])
    document["changes"] = []
    assert has_drifted(document)
    assert "  not managed  acl admin" in text(drift_lines(document))
    assert "! Kong acl admin on nasushiobara.portal is not managed by renkei; remove it or declare it" in text(
        plan_lines(document)
    )


def test_other_unmanaged_objects_are_counted_and_are_no_drift():
    found = [dataclasses.replace(user(f"u{n}"), owned=False) for n in range(5)]
    document = document_of([], found)
    assert not has_drifted(document)
    assert "? Keycloak user: 5 unmanaged, left alone: u0, u1, u2 and 2 more" in text(plan_lines(document))


def test_a_name_on_a_server_cannot_steer_the_terminal():
    found = [dataclasses.replace(user("\x1b[2Jgone"), owned=False)]
    assert "\x1b" not in text(plan_lines(document_of([], found)))


def test_a_long_text_is_told_by_its_length_and_a_digest():
    told = text(plan_lines(document_of([user("a", lua="x" * 500)], [user("a", lua="y" * 500)])))
    assert "(500 characters, " in told
    assert "xxx" not in told


def test_a_secret_is_told_by_its_place_and_digest_only():
    document = document_of([user("a", key=Secret("services/x#k", None))], [user("a", key=Secret("", "abcdef0123"))])
    assert "(secret abcdef01) → (secret services/x#k, not there yet)" in text(plan_lines(document))


def test_japanese_takes_two_columns():
    assert width("県a") == 3
    assert pad("県", 4) == "県  "
    assert shorten("那須塩原市", 7) == "那須塩…"
