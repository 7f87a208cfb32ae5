"""Laws that every store keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from control_plane.catalog.model import FileSecretsSettings, SecretRef, VaultSettings
from control_plane.problems import ConfigurationError
from control_plane.secrets import Files, Store, credential, open_store
from control_plane.secrets.vault import Vault

CANARY = "canary-5f1e"


def test_where_nothing_was_written_nothing_is_read(store: Store) -> None:
    assert store.read("services/a.b") is None


def test_what_was_added_is_read(store: Store) -> None:
    assert store.add("services/a.b", "api_key", CANARY) == CANARY
    assert store.read("services/a.b") == {"api_key": CANARY}


def test_a_field_is_created_once_and_never_overwritten(store: Store) -> None:
    store.add("services/a.b", "api_key", "first")
    assert store.add("services/a.b", "api_key", "second") == "first"
    assert store.read("services/a.b") == {"api_key": "first"}


def test_a_second_field_leaves_the_first(store: Store) -> None:
    store.add("services/a.b", "api_key", "one")
    store.add("services/a.b", "client_secret", "two")
    assert store.read("services/a.b") == {"api_key": "one", "client_secret": "two"}


def test_an_update_that_changes_nothing_returns_what_is_there(store: Store) -> None:
    store.add("services/a.b", "api_key", "one")
    assert store.update("services/a.b", lambda found: found) == {"api_key": "one"}


def test_threads_that_add_the_same_field_all_get_the_same_value(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = set(pool.map(lambda number: store.add("services/a.b", "api_key", f"value-{number}"), range(8)))
    assert got == {(store.read("services/a.b") or {})["api_key"]}


def test_threads_that_add_different_fields_lose_none(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.add("services/a.b", f"key_{number}", "x"), range(4)))
    assert set(store.read("services/a.b") or {}) == {f"key_{number}" for number in range(4)}


def test_the_store_does_not_show_what_it_holds(store: Store) -> None:
    store.add("services/a.b", "api_key", CANARY)
    assert CANARY not in repr(store) + str(store) + store.where


PATHS = [
    "",
    "/",
    "a//b",
    "../a",
    "a/../b",
    "/etc/passwd",
    "a/",
    "a\\b",
    "a b",
    "a\nb",
    ".hidden",
    "a/.x",
    "é",
    "x" * 201,
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_could_lead_elsewhere_is_refused(store: Store, path: str) -> None:
    for use in (lambda: store.read(path), lambda: store.add(path, "f", "v"), lambda: store.update(path, dict)):
        with pytest.raises(ConfigurationError, match="does not name a secret"):
            use()


def test_an_operators_credential_is_read_by_its_reference(store: Store) -> None:
    store.add("keycloak/admin", "client_secret", CANARY)
    assert credential(store, SecretRef("keycloak/admin", "client_secret")) == CANARY


def test_an_operators_credential_that_is_absent_is_said_and_not_made(store: Store) -> None:
    with pytest.raises(ConfigurationError, match="keycloak/admin#client_secret is not in"):
        credential(store, SecretRef("keycloak/admin", "client_secret"))
    assert store.read("keycloak/admin") is None


def test_the_settings_say_which_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "t")
    assert isinstance(open_store(FileSecretsSettings("secrets"), tmp_path), Files)
    assert isinstance(open_store(VaultSettings("http://127.0.0.1:1", "secret", "renkei"), tmp_path), Vault)
    assert not list(tmp_path.iterdir())
