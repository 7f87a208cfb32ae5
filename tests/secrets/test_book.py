"""The index of secrets."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from control_plane.problems import ConfigurationError, ServerError
from control_plane.secrets import Book, Store
from control_plane.secrets.store import Change, Document

from .conftest import Counting
from .test_files import shown

KEY = "services/nasushiobara.portal#api_key"
CLIENT = "services/nasushiobara.portal#client_secret"
OTHER = "services/otawara.sensors#api_key"


def value(store: Store, ref: str) -> str:
    path, _, field = ref.partition("#")
    return (store.read(path) or {})[field]


def put(store: Store, ref: str, new: str) -> None:
    path, _, field = ref.partition("#")
    store.update(path, lambda found: {**found, field: new})


def test_a_book_on_an_empty_store_knows_nothing_and_writes_nothing(counting: Counting) -> None:
    book = Book(counting)
    assert book.versions(KEY) is None
    assert book.seal("found on a server").version
    assert counting.reads == ["index"] and not counting.writes
    assert counting.inner.read("index") is None


def test_a_secret_that_was_made_is_random_and_known_to_the_next_run(store: Store) -> None:
    Book(store).ensure([KEY, CLIENT, OTHER])
    made = {value(store, ref) for ref in (KEY, CLIENT, OTHER)}
    assert len(made) == 3 and all(len(one) >= 43 for one in made)
    book = Book(store)
    assert all(book.versions(ref) == book.seal(value(store, ref)).version for ref in (KEY, CLIENT, OTHER))


def test_what_a_server_holds_equals_the_secret_that_was_revealed_and_nothing_else(store: Store) -> None:
    book = Book(store)
    book.ensure([KEY])
    assert book.seal(book.reveal(KEY)).version == book.versions(KEY)
    assert book.seal("another").version != book.versions(KEY)


def test_what_was_sealed_before_the_first_secret_can_be_compared_afterwards(store: Store) -> None:
    book = Book(store)
    before = book.seal("a value")
    book.ensure([KEY])
    assert book.seal("a value") == before == Book(store).seal("a value")


def test_a_second_run_makes_nothing_and_reads_one_document(counting: Counting) -> None:
    Book(counting).ensure([KEY, CLIENT, OTHER])
    counting.reads.clear()
    counting.writes.clear()
    book = Book(counting)
    book.ensure([KEY, CLIENT, OTHER])
    assert all(book.versions(ref) for ref in (KEY, CLIENT, OTHER))
    assert counting.reads == ["index"] and not counting.writes


@pytest.mark.parametrize("number", [1, 50])
def test_the_index_is_written_once_however_many_secrets_are_made(counting: Counting, number: int) -> None:
    Book(counting).ensure([KEY])
    counting.writes.clear()
    Book(counting).ensure(f"services/a.s{one}#api_key" for one in range(number))
    assert counting.writes.count("index") == 1
    assert len(counting.writes) == number + 1


def test_a_value_that_stands_there_already_is_taken(store: Store) -> None:
    put(store, KEY, "put by an operator")
    book = Book(store)
    book.ensure([KEY, CLIENT])
    assert value(store, KEY) == "put by an operator" == book.reveal(KEY)
    assert book.versions(KEY) == book.seal("put by an operator").version


def test_the_secret_of_a_renamed_service_is_copied_and_the_old_one_stays(store: Store) -> None:
    Book(store).ensure([KEY])
    there, renamed = value(store, KEY), "services/otawara.town-portal#api_key"
    book = Book(store)
    book.ensure([renamed, OTHER], {renamed: KEY, OTHER: "services/otawara.unknown#api_key"})
    assert value(store, renamed) == value(store, KEY) == there == book.reveal(renamed)
    assert book.versions(renamed) == book.versions(KEY)
    assert value(store, OTHER) not in ("", there)


def test_a_run_killed_before_it_could_record_is_completed_by_the_next(store: Store) -> None:
    book = Book(store)
    book._record = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]  # the kill
    with pytest.raises(KeyboardInterrupt):
        book.ensure([KEY, OTHER])
    made = {ref: value(store, ref) for ref in (KEY, OTHER)}
    again = Book(store)
    assert again.versions(KEY) is None
    again.ensure([KEY, OTHER])
    assert {ref: again.reveal(ref) for ref in (KEY, OTHER)} == made


def test_runs_that_begin_together_agree_on_the_key_and_on_every_value(store: Store) -> None:
    books = [Book(store) for _ in range(4)]
    begin = threading.Barrier(4)

    def run(book: Book) -> str:
        begin.wait()
        book.ensure([KEY, CLIENT], parallel=1)
        return book.reveal(KEY)

    with ThreadPoolExecutor(4) as pool:
        got = set(pool.map(run, books))
    assert got == {value(store, KEY)}
    after = Book(store)
    assert {book.versions(ref) for book in [*books, after] for ref in (KEY,)} == {after.seal(value(store, KEY)).version}


def test_one_at_a_time_gives_the_same_as_side_by_side(counting: Counting) -> None:
    threads = threading.active_count()
    Book(counting).ensure([KEY, OTHER], parallel=1)
    assert threading.active_count() == threads
    assert set(Book(counting)._digests) == {KEY, OTHER}


def test_a_value_changed_by_hand_is_used_and_recorded_when_it_is_revealed(store: Store) -> None:
    book = Book(store)
    book.ensure([KEY])
    put(store, KEY, "changed by hand")
    assert Book(store).versions(KEY) == book.versions(KEY), "a plan reads no secret and cannot see it"
    assert book.reveal(KEY) == "changed by hand"
    assert book.versions(KEY) == Book(store).versions(KEY) == book.seal("changed by hand").version


def test_reading_all_finds_what_was_changed_removed_or_never_recorded_and_writes_nothing(counting: Counting) -> None:
    book = Book(counting)
    book.ensure([KEY, CLIENT, OTHER])
    assert book.verify([KEY, CLIENT, OTHER]) == ()
    put(counting, KEY, "changed by hand")
    counting.update("services/otawara.sensors", lambda found: {})
    put(counting, "services/new.one#api_key", "put there")
    counting.writes.clear()
    found = book.verify([KEY, CLIENT, OTHER, "services/new.one#api_key"])
    assert [(one.ref, one.how) for one in found] == [
        (KEY, "changed"),
        ("services/new.one#api_key", "not recorded"),
        (OTHER, "missing"),
    ]
    assert not counting.writes


def test_what_was_found_can_be_accepted_and_a_secret_that_is_gone_is_made_anew(store: Store) -> None:
    book = Book(store)
    book.ensure([KEY, OTHER])
    old = value(store, OTHER)
    put(store, KEY, "changed by hand")
    store.update("services/otawara.sensors", lambda found: {})
    book.accept(book.verify([KEY, OTHER]))
    after = Book(store)
    assert after.versions(KEY) == after.seal("changed by hand").version
    assert after.versions(OTHER) is None
    after.ensure([KEY, OTHER])
    assert after.verify([KEY, OTHER]) == () and value(store, OTHER) != old


def test_a_secret_that_is_gone_is_an_error_and_not_an_empty_value(store: Store) -> None:
    book = Book(store)
    book.ensure([KEY])
    store.update("services/nasushiobara.portal", lambda found: {})
    with pytest.raises(ServerError, match=r"is not in .* any more"):
        book.reveal(KEY)


def test_a_secret_that_is_not_ours_to_make_is_asked_for_before_anything_is_made(store: Store) -> None:
    book = Book(store)
    with pytest.raises(ConfigurationError) as caught:
        book.ensure([KEY, "smtp/relay#password", "idp/saml#key"])
    assert len(caught.value.problems) == 2
    assert store.read("services/nasushiobara.portal") is None
    put(store, "smtp/relay#password", "p")
    put(store, "idp/saml#key", "k")
    book.ensure([KEY, "smtp/relay#password", "idp/saml#key"])
    assert book.reveal("smtp/relay#password") == "p"


@pytest.mark.parametrize(
    "ref", ["", "services/a.b", "services/a.b#", "#api_key", "../x#y", "services/../x#y", "index#x"]
)
def test_a_reference_that_names_no_secret_is_refused(counting: Counting, ref: str) -> None:
    with pytest.raises(ConfigurationError):
        Book(counting).ensure([ref])


def test_an_index_that_was_made_anew_meanwhile_is_said(store: Store) -> None:
    book = Book(store)
    book.ensure([KEY])
    store.update("index", lambda found: {"hmac_key": "another"})
    with pytest.raises(ServerError, match="made anew"):
        book.ensure([OTHER])


def test_an_index_without_its_key_counts_as_none(store: Store) -> None:
    Book(store).ensure([KEY])
    store.update("index", lambda found: {name: one for name, one in found.items() if name != "hmac_key"})
    book = Book(store)
    assert book.versions(KEY) is None
    book.ensure([KEY])
    assert book.versions(KEY) == Book(store).versions(KEY) == book.seal(value(store, KEY)).version


class Breaking:
    """A store that fails in the middle, holding a value."""

    where = "a store"

    def __init__(self, inner: Store, value: str) -> None:
        self._inner, self._value = inner, value

    def read(self, path: str) -> Document | None:
        return self._inner.read(path)

    def update(self, path: str, change: Change) -> Document:
        change({"api_key": self._value})
        raise ServerError("refused")

    def add(self, path: str, field: str, value: str) -> str:
        raise ServerError("refused")


def test_no_value_shows_in_what_the_book_says_of_itself_or_of_a_failure(counting: Counting) -> None:
    canary = f"canary-{os.getpid()}"
    put(counting, KEY, canary)
    book = Book(counting)
    book.ensure([KEY])
    book.reveal(KEY)
    with pytest.raises(ServerError) as caught:
        Book(Breaking(counting, canary)).accept(book.verify([OTHER]))
    told = shown(caught.value) + repr(book) + str(book) + repr(book.seal(canary)) + str(book.seal(canary))
    assert canary not in told
    assert (counting.inner.read("index") or {})["hmac_key"] not in told
    assert canary not in str(counting.inner.read("index"))
