"""The store of files: modes, links, crashes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from control_plane.problems import NotAllowed, RenkeiError, ServerError
from control_plane.secrets import Files

CANARY = "canary-5f1e"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state" / "secrets"


@pytest.fixture
def files(place: Path) -> Files:
    store = Files(place)
    store.add("services/a.b", "api_key", CANARY)
    return store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_may_read_what_is_written_whatever_the_umask(place: Path) -> None:
    before = os.umask(0)
    try:
        Files(place).add("services/a.b", "api_key", CANARY)
    finally:
        os.umask(before)
    assert mode(place) == mode(place / "services") == 0o700
    assert {mode(found) for found in place.rglob("*") if found.is_file()} == {0o600}


def test_nothing_but_the_document_and_the_lock_is_left(files: Files, place: Path) -> None:
    assert sorted(str(found.relative_to(place)) for found in place.rglob("*")) == [
        ".lock",
        "services",
        "services/a.b.json",
    ]


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(files: Files, place: Path, bits: int) -> None:
    (place / "services/a.b.json").chmod(bits)
    for use in (lambda: files.read("services/a.b"), lambda: files.add("services/a.b", "x", "y")):
        with pytest.raises(NotAllowed, match="can be read or written by others") as caught:
            use()
        assert caught.value.problems[0].help == f"chmod 600 {place}/services/a.b.json"


@pytest.mark.parametrize("name", ["", "services"])
def test_a_directory_that_others_can_enter_is_refused(files: Files, place: Path, name: str) -> None:
    (place / name).chmod(0o755)
    with pytest.raises(NotAllowed, match="can be read or written by others"):
        files.read("services/a.b")


def test_a_link_is_not_followed(files: Files, place: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text('{"api_key": "theirs"}')
    elsewhere.chmod(0o600)
    (place / "services/c.d.json").symlink_to(elsewhere)
    with pytest.raises(ServerError):
        files.read("services/c.d")
    (place / "others").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(NotAllowed, match="symbolic link"):
        files.read("others/elsewhere")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '"x"', f'{{"api_key": "{CANARY}"', "\udcff"])
def test_a_broken_file_is_said_without_its_content(files: Files, place: Path, content: str) -> None:
    (place / "services/a.b.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ServerError, match="does not hold secrets") as caught:
        files.read("services/a.b")
    assert CANARY not in shown(caught.value)


def test_a_write_that_fails_leaves_the_old_value(files: Files, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(ServerError, match="No space left") as caught:
            files.update("services/a.b", lambda found: {**found, "api_key": "new"})
    assert files.read("services/a.b") == {"api_key": CANARY}
    assert not list(place.rglob(".new-*"))
    assert CANARY not in shown(caught.value)


def test_a_path_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("")
    with pytest.raises(RenkeiError):
        Files(tmp_path / "secrets").add("services/a.b", "api_key", CANARY)


def shown(error: BaseException | None) -> str:
    """All that a traceback or a debugger would tell of an error and of those before it."""
    told = ""
    while error is not None:
        told += f"{error!r} {error} {error.args!r} {vars(error)!r}"
        error = error.__cause__ or error.__context__
    return told
