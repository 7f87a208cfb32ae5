"""The Admin API at the HTTP edge: pages, retries, refusals, hostile answers. No server is needed."""

from __future__ import annotations

import json
import logging

import pytest
import responses
from responses import matchers

from control_plane.catalog.model import KongSettings
from control_plane.engine.values import Secret
from control_plane.kong import errors
from control_plane.kong.client import COLLECTIONS, Kong, at
from control_plane.kong.kinds import KINDS
from control_plane.problems import NotAllowed, ServerError, Unreachable
from tests.kong.world import seal

ADMIN = "http://kong.test:8001"
CANARY = "canary-5f1d"
NIL = "00000000-0000-4000-8000-000000000001"


def a_kong(parallel: int = 1, **more) -> Kong:
    return Kong(KongSettings(ADMIN), more.get("token"), "tochigi", seal, lambda reference: CANARY, parallel)


@pytest.fixture
def admin():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda seconds: None)


def page(rows, offset=None, collection="services"):
    following = f"/{collection}?offset={offset}&size=1000" if offset else None
    return {"data": rows, "next": following} | ({"offset": offset} if offset else {})


def empty_but(admin, **rows):
    for collection in COLLECTIONS:
        admin.get(f"{ADMIN}/{collection}", json=page(rows.get(collection.replace("-", "_"), [])))


def test_pages_are_followed_to_their_end(admin):
    def query(**more):
        return [matchers.query_param_matcher({"size": "1000", **more})]

    admin.get(f"{ADMIN}/services", json=page([{"id": "a"}], "o1"), match=query())
    admin.get(f"{ADMIN}/services", json=page([{"id": "b"}], "o2"), match=query(offset="o1"))
    admin.get(f"{ADMIN}/services", json=page([{"id": "c"}]), match=query(offset="o2"))
    assert [row["id"] for row in a_kong().pages("services")] == ["a", "b", "c"]


def test_a_list_is_read_once_however_often_it_is_asked_for(admin):
    empty_but(admin)
    kong = a_kong()
    for kind in KINDS:
        assert list(kind.read(kong)) == []
    assert len(admin.calls) == len(COLLECTIONS)


def test_reading_side_by_side_finds_the_same(admin):
    empty_but(admin, services=[{"id": "a", "name": "s", "tags": None}])
    assert a_kong(parallel=8).rows("services") == a_kong(parallel=1).rows("services")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"data": {}},
        {"data": None, "next": None},
        {"data": [{}]},
        {"data": [{"id": 5}]},
        {"data": ["text"]},
        {"data": [{"id": "a", "tags": "text"}]},
        {"data": [{"id": "a", "tags": [1]}]},
        {"data": [{"id": "a", "service": "b"}]},
        {"data": [{"id": "a", "consumer": {}}]},
        {"data": [], "next": "/services?offset=same", "offset": "same"},
        {"data": [], "next": 5},
        {"data": [], "next": "http://elsewhere.test/"},
    ],
    ids=json.dumps,
)
def test_an_answer_that_is_not_a_list_of_entities_is_an_error_and_never_an_empty_kong(admin, answer):
    admin.get(f"{ADMIN}/services", json=answer)
    with pytest.raises(ServerError, match="should not"):
        list(a_kong().pages("services"))


def test_html_from_a_proxy_is_an_error_in_words(admin):
    admin.get(f"{ADMIN}/services", body="<html><b>Log in</b>", content_type="text/html")
    with pytest.raises(ServerError, match="should not"):
        list(a_kong().pages("services"))


@pytest.mark.parametrize("status", [401, 403])
def test_too_few_rights_are_an_error_of_their_own(admin, status):
    admin.get(f"{ADMIN}/services", json={"message": "Invalid credentials"}, status=status)
    with pytest.raises(NotAllowed) as refused:
        a_kong().rows("services")
    (problem,) = refused.value.problems
    assert problem.message == f"Kong answered {status} to GET /services"
    assert problem.note == "Invalid credentials"
    assert "admin_token" in (problem.help or "")


def test_a_redirect_is_not_followed(admin):
    admin.get(f"{ADMIN}/services", status=302, headers={"Location": "http://elsewhere.test/"})
    with pytest.raises(ServerError, match="302"):
        a_kong(token=CANARY).rows("services")


def test_the_admin_token_goes_with_every_request_and_into_no_text(admin):
    admin.get(f"{ADMIN}/", json={"version": "3.9.3"})
    kong = a_kong(token=CANARY)
    kong.node()
    assert admin.calls[0].request.headers["Kong-Admin-Token"] == CANARY
    assert CANARY not in repr(kong) + repr(kong.http)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("verb", ["get", "put", "delete"])
def test_what_passes_by_itself_is_tried_again(admin, status, verb):
    url = f"{ADMIN}/consumers/x"
    admin.add(verb.upper(), url, status=status, headers={"Retry-After": "1"})
    admin.add(verb.upper(), url, **({"status": 204} if verb == "delete" else {"json": {}}))
    http = a_kong().http
    match verb:
        case "get":
            http.get("/consumers/x")
        case "put":
            http.write("PUT", "/consumers/x", {})
        case _:
            http.delete("/consumers/x")
    assert len(admin.calls) == 2


def test_a_patch_is_sent_once(admin):
    admin.patch(f"{ADMIN}/services/x", status=503)
    with pytest.raises(ServerError, match="503"):
        a_kong().patch("/services/x", {"enabled": True})
    assert len(admin.calls) == 1


def test_what_is_gone_already_is_no_error(admin):
    admin.delete(f"{ADMIN}/consumers/x/acls/g", status=404, json={"message": "Not found"})
    a_kong().delete("/consumers/x/acls/g")


def test_no_answer_is_one_sentence_with_the_reason():
    kong = Kong(KongSettings("http://127.0.0.1:1"), None, "tochigi", seal, str, 1)
    with pytest.raises(Unreachable) as unreachable:
        kong.node()
    (problem,) = unreachable.value.problems
    assert problem.message == "Kong's Admin API does not answer: GET http://127.0.0.1:1/"
    assert "refused" in (problem.note or "")


def test_a_key_that_kong_quotes_is_taken_out_of_the_message(admin, caplog):
    caplog.set_level(logging.DEBUG)
    said = {"message": f"UNIQUE violation detected on '{{key=\"{CANARY}\"}}'", "code": 5, "fields": {"key": CANARY}}
    admin.put(f"{ADMIN}/consumers/c/key-auth/x", status=409, json=said)
    with pytest.raises(ServerError) as refused:
        a_kong().put("/consumers/c/key-auth/x", {"key": CANARY}, hide=(CANARY,))
    (problem,) = refused.value.problems
    assert "UNIQUE violation" in (problem.note or "")
    assert CANARY not in f"{refused.value}{refused.value!r}{problem}{caplog.text}"


def test_keys_and_secrets_do_not_pass_the_boundary(admin):
    empty_but(
        admin,
        key_auths=[{"id": NIL, "key": CANARY, "consumer": {"id": NIL}, "tags": ["renkei:tochigi", "name:primary"]}],
        jwts=[{"id": NIL, "key": "a", "secret": CANARY, "consumer": {"id": NIL}, "rsa_public_key": None}],
        plugins=[{"id": NIL, "name": "http-log", "config": {"headers": {"Authorization": CANARY}}}],
    )
    kong = a_kong()
    found = [resource for kind in KINDS for resource in kind.read(kong)]
    assert CANARY not in repr(found)
    (key,) = (row["key"] for row in kong.rows("key-auths"))
    assert key == seal(CANARY)
    assert isinstance(key, Secret)


def test_a_servers_words_are_quoted_short_and_on_one_line():
    said = errors.quoted("first\nsecond\x1b[31m" + "x" * 1000)
    assert said.startswith("first second [31m")
    assert len(said) == errors.QUOTED + 1


def test_every_part_of_a_path_is_one_segment():
    assert at("consumers", "a/../b?c", "acls", "ngsi-v2.v2:read") == "/consumers/a%2F..%2Fb%3Fc/acls/ngsi-v2.v2%3Aread"


def test_what_this_run_has_put_it_does_not_delete(admin):
    admin.put(f"{ADMIN}/plugins/p", json={})
    kong = a_kong()
    kong.put("/plugins/p", {})
    kong.delete("/plugins/p")
    assert [call.request.method for call in admin.calls] == ["PUT"]


@pytest.mark.parametrize(
    "plugin",
    [
        {"name": "http-log", "config": {"headers": {"Authorization": CANARY}, "queue": {"max_batch_size": 1}}},
        {"name": "rate-limiting", "config": {"minute": 5, "redis": {"host": "redis", "password": CANARY}}},
        {"name": "request-transformer", "config": {"add": {"headers": [f"x-token:{CANARY}"]}}},
        {"name": "post-function", "config": {"access": [f"local token = '{CANARY}'"], "log": []}},
    ],
    ids=lambda plugin: plugin["name"],
)
def test_of_a_strangers_plugin_nothing_is_kept_that_may_be_a_secret(admin, plugin):
    empty_but(admin, plugins=[{"id": NIL, **plugin}])
    kong = a_kong()
    found = [resource for kind in KINDS for resource in kind.read(kong)]
    assert plugin["name"] in repr(found)
    assert CANARY not in repr(found)
