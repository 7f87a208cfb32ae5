"""The whole line on real servers: YAML in, both systems reconciled, drift found, nothing foreign touched."""

from __future__ import annotations

import pytest
import requests

pytestmark = pytest.mark.servers


def test_apply_then_plan_is_empty_and_the_grant_works(world):
    assert world.renkei("plan", "--exit-code").code == 2
    world.apply()
    assert world.renkei("plan", "--exit-code").code == 0
    assert world.renkei("drift").code == 0
    assert world.call(key=world.portal_key) == 200
    assert world.call() == 401
    assert world.call("POST", key=world.portal_key) == 403


def test_the_same_files_in_another_order_have_the_same_fingerprint(world):
    before = world.renkei("plan", "--json").json["fingerprint"]
    text = (world.directory / "tenants/city.yaml").read_text("utf-8")
    groups, _, rest = text.partition("users:")
    head, _, groups = groups.partition("groups:")
    users, _, services = rest.partition("services:")
    world.write("tenants/city.yaml", f"{head}services:{services}users:{users}groups:{groups}")
    world.write("roles/zz-scopes.yaml", (world.directory / "roles/platform.yaml").read_text("utf-8"))
    (world.directory / "roles/platform.yaml").unlink()
    assert world.renkei("plan", "--json").json["fingerprint"] == before


def test_expect_applies_exactly_the_reviewed_plan_or_refuses_and_shows_what_moved(world):
    plan = world.directory / "reviewed.json"
    assert world.renkei("plan", "--out", str(plan)).code == 0
    world.edit("tenants/city.yaml", "given_name: 職員二", "given_name: 職員弐")
    refused = world.renkei("apply", "--expect", str(plan))
    assert refused.code == 1
    assert "staff-02" in refused.err
    world.edit("tenants/city.yaml", "given_name: 職員弐", "given_name: 職員二")
    assert world.renkei("apply", "--expect", str(plan)).code == 0


def test_a_change_by_hand_in_each_system_is_drift_and_apply_mends_it(world):
    world.apply()
    user = world.keycloak_by_hand("GET", "/users?username=staff-01&exact=true").json()[0]
    world.keycloak_by_hand("PUT", f"/users/{user['id']}", {**user, "lastName": "改変"})
    world.kong_by_hand("PATCH", f"/consumers/{world.tenant}.portal", {"custom_id": None, "tags": None})
    consumer = world.kong_by_hand("GET", f"/consumers/{world.tenant}.portal").json()
    world.kong_by_hand(
        "PATCH",
        f"/consumers/{world.tenant}.portal",
        {"tags": [f"renkei:p-{world.tenant}", f"tenant:{world.tenant}"]},
    )
    assert consumer["tags"] is None
    rate = next(
        plugin
        for plugin in world.kong_by_hand("GET", "/plugins?size=1000").json()["data"]
        if plugin["name"] == "rate-limiting" and f"renkei:p-{world.tenant}" in (plugin["tags"] or ())
    )
    world.kong_by_hand("PATCH", f"/plugins/{rate['id']}", {"config": {"minute": 99999}})
    drift = world.renkei("drift")
    assert drift.code == 2
    assert "改変" in drift.out
    assert "見本" in drift.out
    assert "99999" in drift.out
    world.apply()
    assert world.renkei("drift").code == 0


def test_a_key_made_by_hand_on_our_consumer_is_told_and_never_touched(world):
    world.apply()
    made = world.kong_by_hand("POST", f"/consumers/{world.tenant}.portal/key-auth", {"key": f"by-hand-{world.tenant}"})
    drift = world.renkei("drift")
    assert drift.code == 2
    assert "not managed" in drift.out
    assert f"by-hand-{world.tenant}" not in drift.out + drift.err
    world.apply()
    kept = world.kong_by_hand("GET", f"/consumers/{world.tenant}.portal/key-auth/{made.json()['id']}").json()
    assert kept["key"] == f"by-hand-{world.tenant}"


def test_a_client_secret_changed_by_hand_is_drift_and_is_set_back(world):
    world.apply()
    client = world.keycloak_by_hand("GET", f"/clients?clientId={world.tenant}.portal").json()[0]
    world.keycloak_by_hand("POST", f"/clients/{client['id']}/client-secret")
    drift = world.renkei("drift")
    assert drift.code == 2
    assert "secret" in drift.out
    world.apply()
    back = world.keycloak_by_hand("GET", f"/clients/{client['id']}/client-secret").json()["value"]
    assert back == world.value(f"services/{world.tenant}.portal", "client_secret")


def test_a_user_removed_from_yaml_is_disabled_not_deleted(world):
    world.apply()
    text = (world.directory / "tenants/city.yaml").read_text("utf-8")
    world.write("tenants/city.yaml", "".join(line for line in text.splitlines(True) if "staff-02" not in line))
    world.apply()
    user = world.keycloak_by_hand("GET", "/users?username=staff-02&exact=true").json()[0]
    assert user["enabled"] is False
    assert world.renkei("plan", "--exit-code").code == 0


def test_a_grant_that_is_withdrawn_ends_at_the_gateway(world):
    world.apply()
    assert world.call(key=world.portal_key) == 200
    world.edit("tenants/city.yaml", "levels: [read]", "levels: [update]")
    world.apply()
    assert world.call(key=world.portal_key) == 403
    assert world.call("POST", key=world.portal_key) == 200


def test_an_api_that_leaves_the_yaml_leaves_no_open_route(world):
    world.apply()
    key = world.portal_key
    world.edit(
        "tenants/city.yaml",
        "    grants:\n      - {api: ngsi-v2, levels: [read], scopes: [road], until: 2099-03-31}\n",
        "",
    )
    (world.directory / "apis/ngsi-v2.yaml").unlink()
    said = world.renkei("apply", "--yes")
    assert said.code == 1
    assert "--allow-retire ngsi-v2.v2" in said.err  # somebody has a grant on it, and nobody was told a last day
    count = said.err.partition("--allow-deletes ")[2].split()[0]
    world.apply("--allow-deletes", count, "--allow-retire", "ngsi-v2.v2")
    assert world.call(key=key) == 404
    assert world.renkei("plan", "--exit-code").code == 0


def test_only_a_part_is_applied_and_a_part_that_is_nowhere_is_an_error(world):
    world.apply("--only", "keycloak.realm")
    kinds = {change["kind"] for change in world.renkei("plan", "--json").json["changes"]}
    assert "realm" not in kinds
    assert "route" in kinds
    nowhere = world.renkei("plan", "--only", "kong.rout")
    assert nowhere.code == 1
    assert "did you mean 'kong.route'" in nowhere.err


def test_without_a_terminal_apply_asks_for_a_word_beforehand(world):
    said = world.renkei("apply")
    assert said.code == 1
    assert "--expect" in said.err


def test_doctor_finds_everything_in_place(world):
    world.apply()
    said = world.renkei("doctor", "--secrets")
    assert said.code == 0, said.out + said.err


def test_doctor_names_what_is_out_of_reach(world):
    world.edit("renkei.yaml", world.kong.admin_url, "http://127.0.0.1:9")
    said = world.renkei("doctor")
    assert said.code == 1
    assert "Kong Admin API reachable" in said.out


def test_what_only_looks_writes_nothing(world, monkeypatch):
    """Not even when a killed run has left a marker at the gateway: the next apply removes that."""
    marker = {"name": f"left-{world.tenant}", "paths": ["/left"], "tags": ["renkei-probe"], "created_at": 1_000_000}
    world.kong_by_hand("POST", "/routes", marker)
    send, sent = requests.Session.send, []

    def watched(self, request, **more):
        sent.append((request.method, request.url))
        return send(self, request, **more)

    monkeypatch.setattr(requests.Session, "send", watched)
    lists = (["report", name] for name in ("services", "consents", "subjects"))
    for command in (["plan"], ["drift"], ["doctor"], *lists, ["validate"]):
        world.renkei(*command)
    assert {method for method, url in sent if "/openid-connect/token" not in url} == {"GET"}
    monkeypatch.undo()
    world.apply()
    assert not world.kong_by_hand("GET", "/routes?tags=renkei-probe").json()["data"]
