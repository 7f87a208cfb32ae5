"""A download is whole and the right one, or it is not there."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import responses

from control_plane.problems import RenkeiError
from control_plane.sandbox import cache, downloads
from control_plane.sandbox.downloads import Pinned, fetch
from control_plane.sandbox.progress import Step, silence

CONTENT = b"keycloak " * 1000
FILE = Pinned(
    "Keycloak", "https://maven.example.jp/keycloak.tar.gz", hashlib.sha256(CONTENT).hexdigest(), "set RENKEI_MAVEN"
)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[responses.RequestsMock]:
    monkeypatch.setattr(downloads, "PAUSE", 0)
    monkeypatch.setattr(downloads, "PIECE", 1000)
    with responses.RequestsMock() as mock:
        yield mock


def test_a_file_is_fetched_whole_and_progress_is_told(web: responses.RequestsMock, tmp_path: Path) -> None:
    web.get(FILE.url, body=CONTENT, headers={"Content-Length": str(len(CONTENT))}, auto_calculate_content_length=False)
    told: list[Step] = []
    fetch(FILE, tmp_path / "keycloak.tar.gz", told.append)
    assert (tmp_path / "keycloak.tar.gz").read_bytes() == CONTENT
    assert told[0].done == 0
    assert told[-1] == Step("Keycloak", len(CONTENT), len(CONTENT))


def test_a_file_that_is_there_is_not_fetched_again(web: responses.RequestsMock, tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(CONTENT)
    assert fetch(FILE, tmp_path / "k", silence) == tmp_path / "k"


def test_a_file_with_a_wrong_hash_is_an_error_and_leaves_nothing(web: responses.RequestsMock, tmp_path: Path) -> None:
    web.get(FILE.url, body=b"a proxy's login page")
    with pytest.raises(RenkeiError, match="wrong hash"):
        fetch(FILE, tmp_path / "k", silence)
    assert not list(tmp_path.iterdir())


def test_a_refused_download_names_address_and_status(web: responses.RequestsMock, tmp_path: Path) -> None:
    web.get(FILE.url, status=403)
    with pytest.raises(
        RenkeiError, match=r"fetched: https://maven.example.jp/keycloak.tar.gz answered 403 Forbidden"
    ) as error:
        fetch(FILE, tmp_path / "k", silence)
    assert error.value.problems[0].help == "set RENKEI_MAVEN"
    assert not list(tmp_path.iterdir())


def test_an_unreachable_server_is_tried_again_and_then_an_error(web: responses.RequestsMock, tmp_path: Path) -> None:
    web.get(FILE.url, body=requests.ConnectionError("no route to host"))
    with pytest.raises(
        RenkeiError, match=r"cannot be fetched: https://maven.example.jp/keycloak.tar.gz cannot be reached"
    ):
        fetch(FILE, tmp_path / "k", silence)
    assert len(web.calls) == downloads.ATTEMPTS


def test_a_part_that_was_left_is_carried_on_with(web: responses.RequestsMock, tmp_path: Path) -> None:
    (tmp_path / "k.part").write_bytes(CONTENT[:4000])
    rest = [responses.matchers.header_matcher({"Range": "bytes=4000-"})]
    web.get(FILE.url, status=206, body=CONTENT[4000:], match=rest)
    fetch(FILE, tmp_path / "k", silence)
    assert (tmp_path / "k").read_bytes() == CONTENT


def test_a_server_that_knows_no_ranges_begins_anew(web: responses.RequestsMock, tmp_path: Path) -> None:
    (tmp_path / "k.part").write_bytes(CONTENT[:4000])
    web.get(FILE.url, status=200, body=CONTENT)
    fetch(FILE, tmp_path / "k", silence)
    assert (tmp_path / "k").read_bytes() == CONTENT


def test_a_part_that_is_complete_needs_no_byte_more(web: responses.RequestsMock, tmp_path: Path) -> None:
    (tmp_path / "k.part").write_bytes(CONTENT)
    web.get(FILE.url, status=416)
    fetch(FILE, tmp_path / "k", silence)
    assert (tmp_path / "k").read_bytes() == CONTENT


def test_a_download_that_breaks_off_is_resumed_in_the_same_run(web: responses.RequestsMock, tmp_path: Path) -> None:
    first = responses.Response("GET", FILE.url, body=CONTENT[:5000], headers={"Content-Length": str(len(CONTENT))})
    web.add(first)
    rest = [responses.matchers.header_matcher({"Range": "bytes=5000-"})]
    web.get(FILE.url, status=206, body=CONTENT[5000:], match=rest)
    fetch(FILE, tmp_path / "k", silence)
    assert (tmp_path / "k").read_bytes() == CONTENT


def test_a_full_disk_is_one_sentence_and_not_a_traceback(tmp_path: Path) -> None:
    why = OSError(errno.ENOSPC, "No space left on device")
    assert str(cache.cannot_write(tmp_path / "k", why)) == f"the disk is full: cannot write {tmp_path / 'k'}"


def test_a_disk_that_cannot_hold_it_is_refused_before_the_first_byte(tmp_path: Path) -> None:
    with pytest.raises(RenkeiError, match=r"the disk is too full for Keycloak: .* MiB free, 9999999999 MiB are needed"):
        cache.need_space(tmp_path, 9_999_999_999, "Keycloak")


def test_a_directory_that_could_not_be_filled_does_not_appear(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), cache.appearing_whole(tmp_path / "built") as directory:
        (directory / "half").write_text("")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-built-x" / "half").mkdir(parents=True)
    (tmp_path / "built").mkdir()
    cache.remove_unfinished(tmp_path)
    assert [left.name for left in tmp_path.iterdir()] == ["built"]


def test_two_runs_at_once_the_second_waits_and_then_says_for_what(tmp_path: Path) -> None:
    with (
        cache.locked(tmp_path / "lock"),
        pytest.raises(RenkeiError, match="another run of renkei"),
        cache.locked(tmp_path / "lock", patience=0.1),
    ):
        pass
    with cache.locked(tmp_path / "lock", patience=0.1):
        pass
