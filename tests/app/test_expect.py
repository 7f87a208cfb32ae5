"""apply --expect: exactly the plan that was reviewed."""

from __future__ import annotations

import json

import pytest

from control_plane.app import expect
from control_plane.problems import Refused
from tests.render.test_plan_text import document_of, user


def test_the_same_plan_passes_by_fingerprint_and_by_file(tmp_path):
    document = document_of([user("a", email="a@example.jp")], [])
    reviewed = tmp_path / "plan.json"
    reviewed.write_text(json.dumps(document))
    expect.check(document, document["fingerprint"])
    expect.check(document, str(reviewed))


def test_another_plan_is_refused_and_what_moved_is_shown(tmp_path):
    reviewed = tmp_path / "plan.json"
    reviewed.write_text(json.dumps(document_of([user("a", email="a@example.jp"), user("b")], [])))
    now = document_of([user("a", email="z@example.jp"), user("c")], [])
    with pytest.raises(Refused) as refused:
        expect.check(now, str(reviewed))
    note = refused.value.problems[0].note
    assert "no longer   create keycloak.user nasushiobara b" in note
    assert "new         create keycloak.user nasushiobara c" in note
    assert "email: a@example.jp → z@example.jp" in note


def test_a_fingerprint_alone_is_refused_with_both():
    document = document_of([user("a")], [])
    with pytest.raises(Refused, match=f"{document['fingerprint']} now, and 0123456789ab was expected"):
        expect.check(document, "0123456789ab")


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format_version": 99}'])
def test_a_file_that_is_no_plan_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "plan.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Refused):
        expect.check(document_of([user("a")], []), str(path))
