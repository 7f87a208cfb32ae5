"""Vault and OpenBao: what is true for a server behind HTTP only."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import requests
import responses

from control_plane.catalog.model import VaultSettings
from control_plane.problems import ConfigurationError, NotAllowed, RenkeiError, ServerError, Unreachable
from control_plane.secrets import vault as module
from control_plane.secrets.vault import Vault

from .conftest import Bao
from .test_files import shown

CANARY = "canary-5f1e"
SETTINGS = VaultSettings("https://vault.example.jp", "secret", "renkei/production")
DATA = "https://vault.example.jp/v1/secret/data/renkei/production/services/a.b"
EMPTY: dict[str, Any] = {"errors": []}


@pytest.fixture
def vault() -> Vault:
    return Vault(SETTINGS, {"VAULT_TOKEN": "a-token"})


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.time, "sleep", lambda seconds: None)


# ---------------------------------------------------------------- against a real OpenBao


@pytest.mark.servers
def test_approle_reads_and_writes_what_its_policy_allows_and_no_more(bao: Bao) -> None:
    path = f"renkei/{secrets.token_hex(6)}"
    environ = approle(bao, f'path "secret/data/{path}/*" {{ capabilities = ["create", "read", "update"] }}')
    assert Vault(bao.settings(path, auth="approle"), environ).add("services/a.b", "api_key", CANARY) == CANARY
    with pytest.raises(NotAllowed) as caught:
        Vault(bao.settings("elsewhere", auth="approle"), environ).add("services/a.b", "api_key", CANARY)
    assert "policy with read on secret/data/elsewhere/services/a.b" in str(caught.value.problems[0].help)
    assert CANARY not in shown(caught.value)


@pytest.mark.servers
def test_a_job_that_may_read_only_the_index_can_do_that(bao: Bao) -> None:
    path = f"renkei/{secrets.token_hex(6)}"
    bao.store(path).add("index", "hmac_key", "k")
    environ = approle(bao, f'path "secret/data/{path}/index" {{ capabilities = ["read"] }}')
    store = Vault(bao.settings(path, auth="approle"), environ)
    assert store.read("index") == {"hmac_key": "k"}
    with pytest.raises(NotAllowed):
        store.update("index", lambda found: {**found, "x": CANARY})


@pytest.mark.servers
def test_a_wrong_secret_id_is_said_without_it(bao: Bao) -> None:
    environ = {**approle(bao, ""), "VAULT_SECRET_ID": CANARY}
    with pytest.raises(NotAllowed, match="does not accept the AppRole") as caught:
        Vault(bao.settings(auth="approle"), environ).read("index")
    assert CANARY not in shown(caught.value)


@pytest.mark.servers
def test_a_wrong_token_is_said_without_it(bao: Bao) -> None:
    with pytest.raises(NotAllowed) as caught:
        bao.store(token=CANARY).read("index")
    assert CANARY not in shown(caught.value)


@pytest.mark.servers
def test_a_token_by_approle_is_renewed_when_its_time_is_nearly_over(bao: Bao) -> None:
    path = f"renkei/{secrets.token_hex(6)}"
    policy = f'path "secret/data/{path}/*" {{ capabilities = ["read"] }}'
    store = Vault(bao.settings(path, auth="approle"), approle(bao, policy, token_ttl="20s"))  # less than SPARE
    assert store.read("index") is None
    first = store._client.token
    assert store.read("index") is None
    assert store._client.token != first


@pytest.mark.servers
def test_a_deleted_version_is_nothing_and_can_be_written_again(bao: Bao) -> None:
    path = f"renkei/{secrets.token_hex(6)}"
    store = bao.store(path)
    store.add("services/a.b", "api_key", "old")
    bao.delete(f"secret/data/{path}/services/a.b")
    assert store.read("services/a.b") is None
    assert store.add("services/a.b", "api_key", "new") == "new"


@pytest.mark.servers
def test_a_mount_that_does_not_exist_is_an_error_and_not_an_empty_store(bao: Bao) -> None:
    with pytest.raises(RenkeiError):
        bao.store(mount="nowhere").read("index")


@pytest.mark.servers
def test_a_mount_of_version_1_is_said(bao: Bao) -> None:
    mount = f"kv{secrets.token_hex(4)}"
    bao.write(f"sys/mounts/{mount}", type="kv", options={"version": "1"})
    with pytest.raises(ServerError) as caught:
        bao.store(mount=mount).add("services/a.b", "api_key", CANARY)
    assert "not KV version 2" in str(caught.value.problems[0].note)
    assert CANARY not in shown(caught.value)


@pytest.mark.servers
def test_what_somebody_writes_between_our_read_and_our_write_is_kept(bao: Bao) -> None:
    store = bao.store(f"renkei/{secrets.token_hex(6)}")
    asked = []

    def change(found: Any) -> Any:
        if not asked:
            store.update("index", lambda there: {**there, "theirs": "1"})
        asked.append(dict(found))
        return {**found, "ours": "2"}

    assert store.update("index", change) == {"theirs": "1", "ours": "2"} == store.read("index")
    assert asked == [{}, {"theirs": "1"}]


def approle(bao: Bao, policy: str, **more: str) -> dict[str, str]:
    """A new role with the policy; what the process's environment must say to log in with it."""
    name = f"r{secrets.token_hex(4)}"
    mounts = bao.read("sys/auth")["data"]
    if "approle/" not in mounts:
        bao.write("sys/auth/approle", type="approle")
    if policy:
        bao.write(f"sys/policies/acl/{name}", policy=policy)
    bao.write(f"auth/approle/role/{name}", token_policies=[name], **more)
    role = bao.read(f"auth/approle/role/{name}/role-id")["data"]["role_id"]
    secret = bao.write(f"auth/approle/role/{name}/secret-id")["data"]["secret_id"]
    return {"VAULT_ROLE_ID": role, "VAULT_SECRET_ID": secret}


# ---------------------------------------------------------------- answers that a real server gives rarely


@pytest.mark.parametrize("auth, name", [("token", "VAULT_TOKEN"), ("approle", "VAULT_ROLE_ID")])
def test_a_missing_token_is_said_before_anything_is_asked(auth: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is not set"):
        Vault(VaultSettings("https://vault.example.jp", "secret", "renkei", auth), {})


@responses.activate
def test_a_write_whose_answer_is_lost_is_looked_at_before_it_is_repeated(vault: Vault, no_pause: None) -> None:
    responses.get(DATA, json=EMPTY, status=404)
    responses.post(DATA, body=requests.ConnectionError(f"lost with {CANARY}"))
    responses.get(DATA, json={"data": {"data": {"api_key": CANARY}, "metadata": {"version": 1}}})
    assert vault.add("services/a.b", "api_key", CANARY) == CANARY
    assert [call.request.method for call in responses.calls] == ["GET", "POST", "GET"]


@responses.activate
def test_a_server_that_is_gone_is_said_without_the_values(vault: Vault, no_pause: None) -> None:
    responses.get(DATA, json=EMPTY, status=404)
    responses.post(DATA, body=requests.ConnectionError(f"lost with {CANARY}"))
    with pytest.raises(Unreachable, match="cannot reach Vault") as caught:
        vault.add("services/a.b", "api_key", CANARY)
    assert CANARY not in shown(caught.value)


@responses.activate
def test_a_server_that_quotes_the_value_in_its_error_is_not_repeated(vault: Vault) -> None:
    responses.get(DATA, json=EMPTY, status=404)
    responses.post(DATA, json={"errors": [f"bad {CANARY}\n" + "x" * 9000]}, status=422)
    with pytest.raises(ServerError) as caught:
        vault.add("services/a.b", "api_key", CANARY)
    assert CANARY not in shown(caught.value)
    assert len(str(caught.value.problems[0].note)) < 500


@responses.activate
def test_a_sealed_server_is_unreachable_and_not_empty(vault: Vault) -> None:
    responses.get(DATA, json={"errors": ["Vault is sealed"]}, status=503)
    with pytest.raises(Unreachable, match="does not answer now"):
        vault.read("services/a.b")


@responses.activate
def test_the_token_does_not_follow_a_redirect(vault: Vault) -> None:
    responses.get(DATA, status=307, headers={"Location": "https://elsewhere.example.jp/"})
    responses.get("https://elsewhere.example.jp/", json={})
    with pytest.raises(ServerError, match="sends us elsewhere"):
        vault.read("services/a.b")
    assert len(responses.calls) == 1


ODD = [[], {}, {"data": None}, {"data": {"data": None, "metadata": {"version": 1}}}, {"data": {"data": {"a": "b"}}}]


@responses.activate
@pytest.mark.parametrize("body", [*ODD, {"data": {"data": {"a": 1}, "metadata": {"version": 1}}}])
def test_an_answer_that_is_no_document_is_an_error_and_not_an_empty_one(vault: Vault, body: object) -> None:
    responses.get(DATA, json=body)
    with pytest.raises(ServerError):
        vault.read("services/a.b")


@responses.activate
@pytest.mark.parametrize("status", [200, 404])
def test_a_page_that_is_not_json_is_an_error(vault: Vault, status: int) -> None:
    responses.get(DATA, body="<html>404</html>", status=status)
    with pytest.raises(ServerError):
        vault.read("services/a.b")


@responses.activate
def test_writes_that_never_win_end_with_an_error(vault: Vault, no_pause: None) -> None:
    responses.get(DATA, json=EMPTY, status=404)
    responses.post(DATA, json={"errors": ["check-and-set parameter did not match the current version"]}, status=400)
    with pytest.raises(ServerError, match="written by others"):
        vault.add("services/a.b", "api_key", CANARY)
