"""Somebody leaves, by the command line: disabled, told when the time is over, deleted only when the count is right."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.servers

LINE = "  - {username: staff-02, family_name: 見本, given_name: 職員二, email: staff-02@example.jp, groups: [public]}\n"


def test_an_account_is_deleted_only_when_its_time_is_over_and_the_number_is_right(world):
    rule = "people: {keep_days: 365, dormant_days: 90, dormant: disable}"
    world.edit("templates/realms.yaml", "events: {days: 365}", f"events: {{days: 365}}\n    {rule}")
    world.apply()
    world.edit("tenants/city.yaml", LINE, "")
    world.apply()
    early = world.renkei("apply", "--yes", "--delete-people", "1")
    assert early.code == 1
    assert "--delete-people 1 was given, and 0 accounts may be deleted" in early.err
    assert "--delete-people" not in world.renkei("plan").out

    user = world.keycloak_by_hand("GET", "/users?username=staff-02&exact=true").json()[0]
    world.keycloak_by_hand(
        "PUT", f"/users/{user['id']}", {**user, "attributes": {**user["attributes"], "renkei-left": ["2020-04-01"]}}
    )
    plan = world.renkei("plan")
    assert plan.out.startswith("Left and kept for the time, to be deleted when their number is named: staff-02")
    assert "Nothing to do" in plan.out
    assert world.renkei("drift").code == 0
    listed = world.directory / "users.csv"
    assert world.renkei("report", "users", "--format", "csv", "--out", str(listed)).code == 0
    assert "保存期間満了" in listed.read_text("utf-8-sig")
    assert "最終ログイン" in listed.read_text("utf-8-sig")

    wrong = world.renkei("apply", "--yes", "--delete-people", "2")
    assert wrong.code == 1
    assert "--delete-people 1" in wrong.err
    assert world.renkei("apply", "--yes", "--delete-people", "1", "--at", "2026-01-01").code == 1
    assert world.keycloak_by_hand("GET", "/users?username=staff-02&exact=true").json()

    reviewed = world.renkei("plan", "--delete-people", "1")
    assert "- user" in reviewed.out
    assert "--delete-people 1 --expect" in reviewed.out
    world.apply("--delete-people", "1")
    assert world.keycloak_by_hand("GET", "/users?username=staff-02&exact=true").json() == []
