"""The access log: what usage statistics need is there, nothing personal is, and no entry is lost."""

from __future__ import annotations

import base64
import json
import socket
import time
import uuid
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from control_plane.catalog.model import AccessLog
from control_plane.kong.policies import access_log
from tests.building import (
    KEY,
    TOKEN,
    a_grant,
    a_platform,
    a_version,
    in_environment,
    with_api,
    with_scope,
    with_service,
)
from tests.kong import tokens
from tests.kong.sink import Sink, a_sink
from tests.kong.world import World, lines

pytestmark = pytest.mark.servers
NEEDED = {"api", "version", "level", "consumer", "method", "status", "request_size", "response_size", "scope",
          "correlation_id", "decision", "latencies", "started_at"}  # fmt: skip


@pytest.fixture
def sink() -> Iterator[Sink]:
    with a_sink() as one:
        yield one


@pytest.fixture
def logged(world: World, sink: Sink) -> World:
    world.apply(platform(AccessLog(http=sink.url)))
    return world


def platform(log: AccessLog | None):
    return a_platform(
        in_environment(access_log=log),
        with_scope("road"),
        with_scope("river"),
        with_api("ngsi-v2", a_version("v2.1", "/ngsi/v2.1"), auth=(KEY, TOKEN), limits={"update": {"hour": 1}}),
        with_api("files", a_version("v1", "/files/v1"), scoping="path"),
        with_api("open", a_version("v3", "/open/v3"), auth=(), scoping="none", levels={"read": ["GET"]}),
        with_api("old", a_version("v1", "/old/v1", "retired")),
        with_service("portal", a_grant("ngsi-v2", "read", "update", scopes=["road", "river"]), auth=(KEY, TOKEN)),
        with_service("gis", a_grant("files", "read", scopes=["road"])),
    )


def token() -> str:
    return tokens.token(name="那須 職員一", email="nasu-0001@example.jp")


# ---------------------------------------------------------------- what is there


def test_an_entry_has_what_usage_statistics_need(logged, sink):
    before = time.time() * 1000
    headers = {"apikey": logged.key_of("portal"), "X_Data_Scope": "road"}
    answer = logged.call("/ngsi/v2.1/entities?type=Road", "POST", b"{}", **headers)
    (entry,) = sink.of(1, api="ngsi-v2")
    assert entry.keys() == NEEDED | {"request_id"}
    assert (entry["version"], entry["level"], entry["method"]) == ("v2.1", "update", "POST")
    assert (entry["consumer"], entry["scope"], entry["decision"]) == ("nasushiobara.portal", "road", "allowed")
    assert entry["status"] == answer.status_code == 200
    assert entry["response_size"] > len(answer.content) > 0
    assert entry["request_size"] > len("/ngsi/v2.1/entities?type=Road")
    assert entry["correlation_id"] == answer.headers["X-Correlation-ID"]
    assert entry["request_id"] == answer.headers["X-Kong-Request-Id"]
    assert before - 1000 < entry["started_at"] < before + 60_000
    assert {"request", "kong", "proxy"} <= entry["latencies"].keys()


def test_the_scope_of_a_path_is_logged_and_not_the_path(logged, sink):
    logged.call("/files/v1/road/那須.pdf".replace("那須", quote("那須")), apikey=logged.key_of("gis"))
    (entry,) = sink.of(1, api="files")
    assert (entry["scope"], entry["status"], entry["decision"]) == ("road", 200, "allowed")


def test_a_refusal_by_the_guard_says_why_in_its_own_words(logged, sink):
    logged.call("/files/v1/river/x", apikey=logged.key_of("gis"))
    logged.call("/ngsi/v2.1/x", apikey=logged.key_of("portal"), X_Data_Scope="taro-yamada")
    assert sink.of(1, api="files")[0]["decision"] == "data scope not granted for this path"
    refused = sink.of(1, api="ngsi-v2")[0]
    assert (refused["status"], refused["decision"]) == (403, "data scope not granted")
    assert "scope" not in refused


def test_a_correlation_id_that_a_client_sends_is_logged_when_it_is_a_uuid_and_only_then(logged, sink):
    own = str(uuid.uuid4())
    logged.call("/open/v3/x", X_Correlation_ID=own)
    logged.call("/open/v3/x", X_Correlation_ID="yamada-taro-no-denwa-090-1234")
    first, second = sink.of(2, api="open")
    assert first["correlation_id"] == own
    assert "correlation_id" not in second and second["request_id"]


# ---------------------------------------------------------------- what is not

NAME, MAIL, PHONE, CARD = "那須太郎", "taro.nasu@example.jp", "090-0000-1234", "4111111111111111"


def personal(logged: World) -> dict[str, tuple[str, ...]]:
    """Everything personal or secret in the calls below, by what it is."""
    signed = token()
    return {
        "the name": (NAME, quote(NAME), quote(NAME).lower()),
        "the address": (MAIL, quote(MAIL), "taro.nasu"),
        "the telephone": (PHONE,),
        "the card": (CARD,),
        "keys": (logged.key_of("portal"), logged.key_of("gis")),
        "the token": tuple(signed.split(".")),
        "network addresses": ("198.51.100.77", "2001:db8::77", "127.0.0.1"),
        "the browser": ("NasuBrowser",),
        "the session": ("session-of-taro",),
        "the page before": ("referring-page",),
        "the query": ("secretquery", "type=Road"),
        "the body": ("secretbody",),
        "the path": ("entities", "patient"),
        "headers for FIWARE": ("stolen-service", "stolen-path"),
        "made-up consumers": ("superuser",),
        "made-up methods": ("TAROMETHOD",),
    }


def calls(logged: World) -> int:
    """Calls full of personal data, at every place where the gateway decides; how many."""
    key, path = logged.key_of("portal"), f"/entities/{quote(NAME)}/patient/{CARD}"
    query = f"?secretquery={quote(NAME)}&mail={quote(MAIL)}&type=Road"
    body = json.dumps({"secretbody": NAME, "phone": PHONE, "mail": MAIL}).encode()
    noise = {
        "X_Forwarded_For": "198.51.100.77, 2001:db8::77", "X_Real_IP": "198.51.100.77",
        "Forwarded": 'for="[2001:db8::77]"', "User_Agent": "NasuBrowser/1 (taro.nasu)", "From": MAIL,
        "Cookie": f"session=session-of-taro; mail={quote(MAIL)}", "Referer": f"https://referring-page.example.jp/{CARD}",
        "Fiware_Service": "stolen-service", "Fiware_ServicePath": "/stolen-path", "X_Correlation_ID": f"{MAIL} {PHONE}",
        "X_Consumer_Username": "superuser", "X_Authenticated_Userid": MAIL, "Accept": f"text/{PHONE}",
        "X_Kong_Request_Id": MAIL, "traceparent": f"00-{CARD}", "X_Request_Id": MAIL, "X_Phone": PHONE,
    }  # fmt: skip
    granted = {**noise, "apikey": key, "X_Data_Scope": "road"}
    basic = base64.b64encode(f"{MAIL}:{key}".encode()).decode()
    made = [
        ("/ngsi/v2.1" + path + query, "GET", None, granted),
        ("/ngsi/v2.1" + path + query, "POST", body, granted),
        ("/ngsi/v2.1" + path + query, "POST", body, granted),  # 429
        ("/ngsi/v2.1" + path + query, "GET", None, {**noise, "Authorization": f"Bearer {token()}"}),
        ("/ngsi/v2.1" + path + query, "GET", None, {**noise, "Authorization": f"Bearer {token()}x"}),
        ("/ngsi/v2.1" + path + query, "GET", None, {**noise, "Authorization": f"Basic {basic}"}),
        ("/ngsi/v2.1" + path + query + f"&apikey={key}", "GET", None, noise),  # 401: a key counts in the header alone
        ("/ngsi/v2.1" + path + query, "GET", None, {**granted, "X_Data_Scope": "taro.nasu"}),
        ("/ngsi/v2.1" + path + query, "OPTIONS", None, granted),
        ("/files/v1/road" + path + query, "GET", None, {**noise, "apikey": logged.key_of("gis")}),
        ("/files/v1/river" + path + query, "GET", None, {**noise, "apikey": logged.key_of("gis")}),
        ("/files/v1/road" + path + query, "GET", None, {**noise, "apikey": key}),  # another's key
        ("/files/v1/road/%2F" + path + query, "GET", None, {**noise, "apikey": logged.key_of("gis")}),
        ("/open/v3" + path + query, "GET", None, granted),
        ("/open/v3" + path + query + "&status=503", "GET", None, noise),
        ("/old/v1" + path + query, "GET", None, granted),
        (path + query, "GET", None, granted),  # 404, no route
        ("/open/v3" + path + query, "TAROMETHOD", None, granted),
    ]
    for at, method, content, headers in made:
        logged.call(at, method, content, **headers)
    return len(made)


def test_calls_full_of_personal_data_leave_none_of_them_in_the_log(logged, sink):
    number = calls(logged)
    entries = sink.of(number)
    for what, texts in personal(logged).items():
        for text in texts:
            assert text not in sink.text, what
            assert json.dumps(text)[1:-1] not in sink.text, what
    allowed = NEEDED | {"request_id"}
    assert {name for entry in entries for name in entry} <= allowed
    seen = {(entry.get("api"), entry["status"]) for entry in entries}
    assert {("ngsi-v2", 200), ("ngsi-v2", 401), ("ngsi-v2", 403), ("ngsi-v2", 429), ("open", 200), ("open", 503),
            ("old", 410), ("files", 200), ("files", 403), (None, 404)} <= seen  # fmt: skip


def test_the_search_would_find_them_in_an_ordinary_log(world, sink):
    """The proof that the test above can fail: the same calls, logged as Kong does by itself."""
    world.apply(platform(None))
    config = {"http_endpoint": sink.url, "queue": {"max_batch_size": 100}}
    world.by_hand("POST", "/plugins", {"name": "http-log", "config": config})
    world.wait()
    sink.of(calls(world))
    found = {what for what, texts in personal(world).items() if any(text in sink.text for text in texts)}
    assert personal(world).keys() - found == {"the token", "the body"}  # Kong logs no body and redacts Authorization


def test_consumers_and_routes_of_others_are_not_named(logged, sink):
    upstream = urlsplit(logged.server.upstream_url)
    logged.by_hand("PUT", "/services/theirs", {"host": upstream.hostname, "port": upstream.port})
    logged.by_hand("PUT", "/services/theirs/routes/taro.v1.nasu", {"paths": ["/theirs"]})
    logged.by_hand("POST", "/services/theirs/plugins", {"name": "key-auth"})
    logged.by_hand("PUT", "/consumers/taro.nasu", {})
    logged.by_hand("PUT", "/consumers/taro.nasu/key-auth/taros-own-key", {})
    logged.wait()
    assert logged.call("/theirs/x", "PUT", apikey="taros-own-key").status_code == 200
    (entry,) = sink.of(1, method="PUT")
    assert not {"api", "version", "level", "consumer"} & entry.keys()
    assert "taro" not in sink.text


# ---------------------------------------------------------------- none is lost


@pytest.mark.parametrize(
    "body",
    ["error('boom')", "return kong.absent.thing", "return {}", "return function() end", "return nil .. 'x'",
     "return require('socket')", "kong.response.set_status('x')"],
)  # fmt: skip
def test_a_field_that_fails_is_left_out_and_the_entry_stays(logged, sink, body):
    fields = access_log.fields("renkei:tochigi") | {
        "scope": access_log.guarded(body),
        "level": access_log.guarded(body),
    }
    logged.by_hand("PATCH", "/plugins/tochigi.http-log", {"config": {"custom_fields_by_lua": fields}})
    logged.wait()
    logged.call("/open/v3/x")
    (entry,) = sink.of(1, api="open")
    assert entry["status"] == 200
    assert not {"scope", "level"} & entry.keys()


def test_every_call_has_its_entry_also_when_it_is_nothing_at_all(logged, sink):
    where = urlsplit(logged.server.proxy_url)
    for request in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /open/v3/x HTTP/1.0\r\n\r\n"):
        with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
            connection.sendall(request)
            connection.recv(100)
    sink.of(1, status=404)
    sink.of(1, api="open", status=200)


# ---------------------------------------------------------------- where it stands


def test_a_field_that_somebody_adds_by_hand_is_drift_and_goes(logged, sink):
    fields = access_log.fields("renkei:tochigi") | {"who": "return kong.client.get_forwarded_ip()"}
    logged.by_hand("PATCH", "/plugins/tochigi.http-log", {"config": {"custom_fields_by_lua": fields}})
    catalog = platform(AccessLog(http=sink.url))
    assert lines(logged.plan(catalog)) == ["update kong.plugin tochigi tochigi.http-log"]
    logged.apply(catalog)
    found = logged.by_hand("GET", "/plugins/tochigi.http-log")["config"]["custom_fields_by_lua"]
    assert found == access_log.fields("renkei:tochigi")


def test_a_log_that_is_no_longer_asked_for_goes_and_one_in_a_file_comes(logged, tmp_path):
    file = tmp_path / "access.json"
    logged.apply(platform(AccessLog(file=str(file))))
    names = {row["name"] for row in logged.by_hand("GET", "/plugins?size=1000")["data"]}
    assert "file-log" in names and "http-log" not in names
    if logged.server.real:
        return  # the file is on its node
    number = calls(logged)
    deadline = time.monotonic() + 10
    while len(text := file.read_text("utf-8").splitlines() if file.exists() else []) < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not [what for what, texts in personal(logged).items() for one in texts if one in "\n".join(text)]
    assert {"api", "status"} <= {name for line in text for name in json.loads(line)}
