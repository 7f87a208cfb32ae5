"""Requests to the Admin API, against an edge that fails in every way that servers and networks do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from control_plane.catalog.model import KeycloakSettings, SecretRef
from control_plane.keycloak.answers import Conflict, Json, Missing, Moved
from control_plane.keycloak.session import READS, Session, path
from control_plane.problems import NotAllowed, ServerError, Unreachable

URL = "https://id.example.jp/auth"
CANARY = "canary-secret"
WHERE = path("nikko", "users")
SETTINGS = KeycloakSettings(URL, "renkei", SecretRef("keycloak/admin", "client_secret"))


@pytest.fixture
def edge() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def tokens(edge: responses.RequestsMock) -> responses.BaseResponse:
    url = f"{URL}/realms/master/protocol/openid-connect/token"
    added: responses.BaseResponse = edge.post(url, json={"access_token": "token", "expires_in": 60})
    return added


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def session(tokens: responses.BaseResponse, pauses: list[float]) -> Session:
    return Session(SETTINGS, CANARY, pause=pauses.append)


def at(path: str) -> str:
    return f"{URL}/{path}"


def test_an_address_with_a_path_keeps_it(edge: responses.RequestsMock, session: Session) -> None:
    edge.get(at(WHERE), json=[])
    assert session.list(WHERE) == []


def test_many_threads_share_one_token(
    edge: responses.RequestsMock, session: Session, tokens: responses.BaseResponse
) -> None:
    edge.get(at(WHERE), json=[])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: session.list(WHERE), range(40)))
    assert tokens.call_count == 1


def test_no_more_requests_are_in_flight_than_allowed(
    edge: responses.RequestsMock, tokens: responses.BaseResponse
) -> None:
    running, most, lock = [0], [0], threading.Lock()

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.005)
        with lock:
            running[0] -= 1
        return 200, {}, "[]"

    edge.add_callback("GET", at(WHERE), answer)
    session = Session(SETTINGS, CANARY, parallel=3)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: session.list(WHERE), range(30)))
    assert 1 <= most[0] <= 3


def test_a_token_that_is_refused_is_renewed_once(
    edge: responses.RequestsMock, session: Session, tokens: responses.BaseResponse
) -> None:
    edge.get(at(WHERE), status=401, json={"error": "HTTP 401 Unauthorized"})
    edge.get(at(WHERE), json=[{"id": "1"}])
    assert session.list(WHERE) == [{"id": "1"}]
    assert tokens.call_count == 2


def test_a_token_that_is_refused_twice_is_an_error_and_not_an_empty_list(
    edge: responses.RequestsMock, session: Session, tokens: responses.BaseResponse
) -> None:
    edge.get(at(WHERE), status=401, json={"error": "HTTP 401 Unauthorized"})
    with pytest.raises(NotAllowed, match="401 to GET /admin/realms/nikko/users"):
        session.list(WHERE)
    assert tokens.call_count == 2


def test_too_few_rights_are_named_with_what_is_missing(edge: responses.RequestsMock, session: Session) -> None:
    edge.get(at(WHERE), status=403, json={"error": "HTTP 403 Forbidden"})
    with pytest.raises(NotAllowed) as caught:
        session.list(WHERE)
    assert "manage-users" in (caught.value.problems[0].help or "")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(
    edge: responses.RequestsMock, session: Session, pauses: list[float], status: int
) -> None:
    edge.get(at(WHERE), status=status)
    edge.get(at(WHERE), status=status, headers={"Retry-After": "7"})
    edge.get(at(WHERE), json=[])
    assert session.list(WHERE) == []
    assert pauses == [0.5, 7.0]


def test_a_server_cannot_make_us_wait_for_ever(
    edge: responses.RequestsMock, session: Session, pauses: list[float]
) -> None:
    edge.get(at(WHERE), status=503, headers={"Retry-After": "999999"})
    edge.get(at(WHERE), status=503, headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})
    edge.get(at(WHERE), status=503, headers={"Retry-After": "soon"})
    edge.get(at(WHERE), json=[])
    session.list(WHERE)
    assert pauses == [30.0, 30.0, 2.0]


def test_a_lost_connection_is_tried_again_and_then_told(
    edge: responses.RequestsMock, session: Session, pauses: list[float]
) -> None:
    edge.get(at(WHERE), body=requests.ConnectionError("refused"))
    with pytest.raises(Unreachable, match=r"Keycloak at https://id\.example\.jp/auth does not answer"):
        session.list(WHERE)
    assert len(pauses) == 4


@pytest.mark.parametrize("write", [lambda s: s.put(WHERE, {}), lambda s: s.delete(WHERE)], ids=["put", "delete"])
def test_what_may_be_repeated_is(
    edge: responses.RequestsMock, session: Session, write: Callable[[Session], None]
) -> None:
    for method in ("PUT", "DELETE"):
        edge.add(method, at(WHERE), body=requests.ConnectionError("reset"))
        edge.add(method, at(WHERE), status=204)
    write(session)


@pytest.mark.parametrize("lost", [{"status": 503}, {"body": requests.ConnectionError("reset")}], ids=["503", "reset"])
def test_a_create_is_never_repeated(edge: responses.RequestsMock, session: Session, lost: dict[str, object]) -> None:
    create = edge.post(at(WHERE), **lost)
    with pytest.raises(ServerError):
        session.post(WHERE, {})
    assert create.call_count == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"errorMessage": "User exists with same email"}', "User exists with same email"),
        ('{"error": "conflict", "error_description": "name must be unique"}', "conflict name must be unique"),
        ('{"field": "dept", "errorMessage": "error-too-long", "params": [1]}', "dept error-too-long [1]"),
        ('{"errors": [{"field": "a", "errorMessage": "x"}, {"field": "b", "errorMessage": "y"}]}', "a x; b y"),
        ("<html>\n<b>Bad\x1b[31m gateway</b>", "<html> <b>Bad [31m gateway</b>"),
        ("[]", "[]"),
        ("", None),
    ],
)
def test_the_servers_words_are_quoted_whatever_their_shape(
    edge: responses.RequestsMock, session: Session, body: str, said: str | None
) -> None:
    edge.post(at(WHERE), status=400, body=body)
    with pytest.raises(ServerError) as caught:
        session.post(WHERE, {"secret": CANARY})
    (problem,) = caught.value.problems
    assert problem.message == "Keycloak answered 400 to POST /admin/realms/nikko/users"
    assert problem.note == said
    assert CANARY not in repr(caught.value.problems)


def test_the_servers_words_are_capped(edge: responses.RequestsMock, session: Session) -> None:
    edge.put(at(WHERE), status=500, json={"error": "x" * 10_000})
    with pytest.raises(ServerError) as caught:
        session.put(WHERE, {})
    assert len(caught.value.problems[0].note or "") == 300


@pytest.mark.parametrize(("status", "error"), [(404, Missing), (409, Conflict)])
def test_what_is_not_there_and_what_is_there_already_are_errors_of_their_own(
    edge: responses.RequestsMock, session: Session, status: int, error: type[ServerError]
) -> None:
    edge.post(at(WHERE), status=status)
    with pytest.raises(error):
        session.post(WHERE, {})


def test_a_delete_of_what_is_gone_is_no_error(edge: responses.RequestsMock, session: Session) -> None:
    edge.delete(at(WHERE), status=404)
    session.delete(WHERE)


@pytest.mark.parametrize("body", ["<html>sign in</html>", "{}", "[1]", "null", ""])
def test_an_answer_of_another_shape_is_an_error_and_not_an_empty_list(
    edge: responses.RequestsMock, session: Session, body: str
) -> None:
    edge.get(at(WHERE), body=body)
    with pytest.raises(ServerError, match="is not"):
        session.list(WHERE)


@pytest.mark.parametrize("body", ['"5"', "true", "-1", "{}"])
def test_a_count_that_is_none_is_an_error(edge: responses.RequestsMock, session: Session, body: str) -> None:
    edge.get(at(WHERE), body=body)
    with pytest.raises(ServerError, match="is not a count"):
        session.number(WHERE)


def a_list_that_changes(edge: responses.RequestsMock, *states: str) -> None:
    """A list of one-letter ids, in pages; each request finds the next of its states, and the last one stays."""
    left = list(states)

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        now = left.pop(0) if len(left) > 1 else left[0]
        query = parse_qs(urlsplit(str(request.url)).query)
        first, size = (int(query[name][0]) for name in ("first", "max"))
        return 200, {}, json.dumps([{"id": id} for id in now[first : first + size]])

    edge.add_callback("GET", at(WHERE), answer)


def ids(found: Iterable[Json]) -> str:
    return "".join(str(one["id"]) for one in found)


@pytest.mark.parametrize("there", ["", "a", "ab", "abc", "abcd", "abcde", "abcdefg"])
def test_pages_are_read_to_their_end_and_nobody_twice(
    edge: responses.RequestsMock, session: Session, there: str
) -> None:
    a_list_that_changes(edge, there)
    assert ids(session.pages(WHERE, size=3)) == there
    assert ids(session.every(WHERE, size=3)) == there


@pytest.mark.parametrize("later", ["bcdef", "xabcdef", "bcdefy", "abdef"])
def test_a_list_that_changes_between_two_pages_is_read_again(
    edge: responses.RequestsMock, session: Session, later: str
) -> None:
    """Somebody on the first page has gone, or has come, or both: who follows would be passed over, or come twice."""
    a_list_that_changes(edge, "abcdef", later)
    assert ids(session.every(WHERE, size=3)) == later


def test_a_list_that_never_stands_still_is_an_error_that_says_so(
    edge: responses.RequestsMock, session: Session
) -> None:
    a_list_that_changes(edge, *(state for _ in range(READS) for state in ("abcdef", "bcdef")))
    with pytest.raises(Moved, match=f"changed each of the {READS} times that it was read"):
        session.every(WHERE, size=3)


def test_sessions_come_and_go_and_each_is_read_once(edge: responses.RequestsMock, session: Session) -> None:
    a_list_that_changes(edge, "abcd", "xabcd")
    assert ids(session.stream(WHERE, size=2)) == "abcd"


def test_an_entry_without_an_id_is_an_error(edge: responses.RequestsMock, session: Session) -> None:
    edge.get(at(WHERE), json=[{"username": "staff-01"}])
    with pytest.raises(ServerError, match="has no `id`"):
        list(session.pages(WHERE))


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_client_secret_is_told_and_not_shown(
    edge: responses.RequestsMock, pauses: list[float], status: int
) -> None:
    token = f"{URL}/realms/master/protocol/openid-connect/token"
    edge.post(token, status=status, json={"error": "invalid_client", "error_description": "Invalid client secret"})
    with pytest.raises(NotAllowed, match="gives no token to client 'renkei' of realm master") as caught:
        Session(SETTINGS, CANARY, pause=pauses.append).list(WHERE)
    assert caught.value.problems[0].note == "invalid_client Invalid client secret"
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"access_token": 5}'])
def test_a_token_of_another_shape_is_an_error(edge: responses.RequestsMock, body: str) -> None:
    edge.post(f"{URL}/realms/master/protocol/openid-connect/token", body=body)
    with pytest.raises(ServerError, match="is not a token"):
        Session(SETTINGS, CANARY).list(WHERE)


def test_names_cannot_leave_their_place_in_a_path() -> None:
    assert path("nikko", "roles", "a/b?c#d") == "admin/realms/nikko/roles/a%2Fb%3Fc%23d"
    with pytest.raises(ServerError, match="cannot be addressed"):
        path("nikko", "roles", "..")


def test_the_secret_is_not_in_the_sessions_repr(session: Session) -> None:
    assert CANARY not in repr(session) + repr(vars(session))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_redirect_is_an_error_and_no_write_that_was_made(
    edge: responses.RequestsMock, session: Session, method: str
) -> None:
    other = "https://new.example.jp/admin/realms/nikko/users"
    edge.add(method, at(WHERE), status=302, headers={"Location": other})
    edge.get(other, json=[])
    edge.add(method, other, json=[])
    does: dict[str, Callable[[], object]] = {
        "GET": lambda: session.list(WHERE),
        "POST": lambda: session.post(WHERE, {}),
        "PUT": lambda: session.put(WHERE, {}),
        "DELETE": lambda: session.delete(WHERE),
    }
    with pytest.raises(ServerError, match="redirects to https://new"):
        does[method]()


def test_an_answer_that_breaks_off_is_asked_for_once_more(edge: responses.RequestsMock, session: Session) -> None:
    edge.get(at(WHERE), body='[{"id": "1"}, {"id"')
    edge.get(at(WHERE), json=[{"id": "1"}, {"id": "2"}])
    assert [one["id"] for one in session.list(WHERE)] == ["1", "2"]


def test_one_that_breaks_off_again_is_an_error_that_says_so(edge: responses.RequestsMock, session: Session) -> None:
    edge.get(at(WHERE), body='[{"id": "1"}, {"id"')
    with pytest.raises(ServerError, match=r"breaks its answer .* off after 19 characters"):
        session.list(WHERE)
    assert session.requests == 2


def test_a_token_is_renewed_before_it_expires_once_for_all_threads(
    edge: responses.RequestsMock, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives for 60 seconds; nobody ever asks with one that has less than a quarter of that left."""
    clock, used = [1000.0], []
    monkeypatch.setattr("control_plane.keycloak.session.time.monotonic", lambda: clock[0])
    url = f"{URL}/realms/master/protocol/openid-connect/token"
    edge.remove("POST", url)
    given = edge.add_callback(
        "POST", url, lambda _: (200, {}, json.dumps({"access_token": f"of {clock[0]}", "expires_in": 60}))
    )

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        used.append((clock[0], request.headers["Authorization"]))
        return 200, {}, "[]"

    edge.add_callback("GET", at(WHERE), answer)
    for clock[0] in (1000.0, 1041.0, 1045.0, 1086.0, 1088.0):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: session.list(WHERE), range(16)))
    assert {token for _, token in used} == {"Bearer of 1000.0", "Bearer of 1045.0", "Bearer of 1088.0"}
    assert all(now - float(token.removeprefix("Bearer of ")) < 45 for now, token in used)
    assert given.call_count == 3


def test_after_a_realm_was_made_a_new_token_is_asked_for(
    edge: responses.RequestsMock, session: Session, tokens: responses.BaseResponse
) -> None:
    """Keycloak 26.0 knows of our rights in it by the token alone."""
    edge.get(at(WHERE), json=[])
    session.list(WHERE)
    session.renew()
    session.list(WHERE)
    session.list(WHERE)
    assert tokens.call_count == 2
