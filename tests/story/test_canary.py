"""A secret appears nowhere: not in what commands say, not in plans, lists or files, not when something fails."""

from __future__ import annotations

import secrets

import pytest

pytestmark = pytest.mark.servers


@pytest.fixture
def canaries(world):
    """The portal's key and client secret, put into the store by hand before the first run; and our own client's."""
    made = {"api_key": f"canary{secrets.token_hex(16)}", "client_secret": f"canary{secrets.token_hex(16)}"}
    world.secret(f"services/{world.tenant}.portal", **made)
    return [*made.values(), world.keycloak.client_secret]


def test_a_secret_appears_in_no_output_and_no_file(world, canaries):
    plan, listed = world.directory / "plan.json", []
    commands = [
        ["validate"],
        ["plan"],
        ["plan", "--json"],
        ["plan", "--out", str(plan)],
        ["apply", "--yes"],
        ["apply", "--yes", "--json"],
        ["drift"],
        ["drift", "--json"],
        ["doctor", "--secrets"],
    ]
    for kind in ("users", "services"):
        for form in ("csv", "json", "html", "xlsx"):
            file = world.directory / f"{kind}.{form}"
            listed.append(file)
            commands.append(["report", kind, "--format", form, "--out", str(file)])
    said = [world.renkei(*command) for command in commands]
    assert [one.err for one in said if one.code not in (0, 2)] == []
    assert world.call(key=world.portal_key) == 200
    for canary in canaries:
        assert all(canary not in one.out + one.err for one in said)
        files = [file for file in world.directory.rglob("*") if file.is_file() and "secrets" not in file.parts]
        assert len(files) > len(listed)
        assert [file.name for file in files if canary.encode() in file.read_bytes()] == []


def test_a_secret_appears_in_no_error(world, canaries):
    world.apply()
    client = world.keycloak_by_hand("GET", f"/clients?clientId={world.tenant}.portal").json()[0]
    world.keycloak_by_hand("POST", f"/clients/{client['id']}/client-secret")
    key = world.kong_by_hand("GET", f"/consumers/{world.tenant}.portal/key-auth").json()["data"][0]
    world.kong_by_hand("DELETE", f"/consumers/{world.tenant}.portal/key-auth/{key['id']}")
    thief = world.kong_by_hand("PUT", f"/consumers/thief-{world.tenant}", {}).json()
    world.kong_by_hand("POST", f"/consumers/{thief['id']}/key-auth", {"key": world.portal_key})
    said = [world.renkei("drift"), world.renkei("apply", "--yes", "--json"), world.renkei("plan", "--json")]
    world.kong_by_hand("DELETE", f"/consumers/{thief['id']}")
    for canary in canaries:
        assert all(canary not in one.out + one.err for one in said)


def test_no_repr_shows_a_secret(world, canaries):
    from control_plane.app.run import Ask, make

    run = make(Ask(world.directory))
    shown = repr((run.systems.book, run.systems.store, run.systems.keycloak, run.systems.kong, run.want, run.have))
    assert all(canary not in shown for canary in canaries)
