"""Every API: correlation id, request size, bot detection and CORS as its plan says, security headers, no leak of what
servers are made of, error bodies in one shape."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from control_plane.catalog.model import Asked, Cors, Upstream, UpstreamTarget
from control_plane.kong.policies import answers, chunk, lifecycle
from tests.building import (
    KEY,
    TOKEN,
    a_grant,
    a_platform,
    a_version,
    here,
    in_environment,
    with_api,
    with_scope,
    with_service,
)
from tests.kong.world import Answer, World

pytestmark = pytest.mark.servers
PAGE = "https://portal.example.jp"
MEMBERS = {"type", "title", "status", "detail", "instance"}


def problem(answer: Answer) -> dict[str, Any]:
    """The answer's problem details, in the one shape."""
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    said: dict[str, Any] = answer.json()
    assert said.keys() >= MEMBERS
    assert (said["type"], said["status"]) == ("about:blank", answer.status_code)
    assert said["instance"] == "urn:uuid:" + answer.headers["X-Correlation-ID"]
    return said


def open_api(**more: Any):
    return with_api("open", a_version("v1", "/open/v1"), auth=(), scoping="none", **more)


# ---------------------------------------------------------------- the sentence, part by part


def test_every_api_has_a_correlation_id(world: World):
    world.apply(a_platform(open_api()))
    own = str(uuid.uuid4())
    assert world.call("/open/v1/x", X_Correlation_ID=own).headers["X-Correlation-ID"] == own
    uuid.UUID(world.call("/open/v1/x").headers["X-Correlation-ID"])


def test_every_api_takes_bodies_up_to_a_size(world: World):
    world.apply(a_platform(open_api(max_body_mb=1)))
    assert world.call("/open/v1/x", "POST", b"x" * 2**20).status_code == 200
    assert world.call("/open/v1/x", "POST", b"x" * (2**20 + 1)).status_code == 413


def test_bot_detection_and_cors_are_as_the_apis_plan_says(world: World):
    asked = open_api(bot_detection=Asked(here("renkei.yaml", 5)), cors=Cors((PAGE,)))
    world.apply(a_platform(asked, with_api("plain", auth=(), scoping="none")))
    assert world.call("/open/v1/x", User_Agent="Googlebot/2.1").status_code == 403
    assert world.call("/plain/v2/x", User_Agent="Googlebot/2.1").status_code == 200
    assert world.call("/open/v1/x", Origin=PAGE).headers["Access-Control-Allow-Origin"] == PAGE
    assert world.call("/plain/v2/x", Origin=PAGE).headers["Access-Control-Allow-Origin"] is None


def test_security_headers_stand_on_answers_and_on_refusals(world: World):
    asked = Asked(here("renkei.yaml", 5))
    api = with_api("ngsi-v2", security_headers=asked)
    world.apply(a_platform(api, with_service("portal", reading="ngsi-v2")))
    for answer in (world.call("/ngsi/v2/x", apikey=world.key_of("portal")), world.call("/ngsi/v2/x")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_no_server_and_no_version_leaks(world: World):
    world.apply(a_platform(open_api(security_headers=Asked(here("renkei.yaml", 5)))))
    answer = world.call("/open/v1/x")
    assert answer.status_code == 200
    assert "echo" not in (answer.headers["Server"] or "").lower()
    assert {"X-Powered-By", "X-AspNet-Version", "X-Runtime"}.isdisjoint(answer.headers.keys())
    refused = world.call("/open/v1/x", "TRACE")
    assert "lua" not in refused.content.decode().lower()


def test_error_bodies_have_one_shape(world: World):
    asked = Asked(here("renkei.yaml", 5))
    versions = a_version("v1", "/ngsi/v1", "retired", successor="v2"), a_version()
    world.apply(
        a_platform(
            with_scope("road"),
            with_api(
                "ngsi-v2",
                *versions,
                limits={"read": {"minute": 2}},
                max_body_mb=1,
                bot_detection=asked,
                cors=Cors(("*",)),
            ),
            with_service("portal", a_grant("ngsi-v2", "read", "update", scopes=["road"], versions=["v2"])),
            with_service("reader", a_grant("ngsi-v2", "read", scopes=["road"], versions=["v2"])),
            with_service("far", reading="ngsi-v2", allowed_ips=("203.0.113.0/24",)),
        )
    )
    key, reader = world.key_of("portal"), world.key_of("reader")
    said = {
        "key-auth": problem(world.call("/ngsi/v2/x")),
        "a wrong key": problem(world.call("/ngsi/v2/x", apikey="wrong")),
        "acl": problem(world.call("/ngsi/v2/x", "POST", apikey=reader)),
        "ip-restriction": problem(world.call("/ngsi/v2/x", apikey=world.key_of("far"))),
        "guard": problem(world.call("/ngsi/v2/x", apikey=key, X_Data_Scope="river")),
        "bot-detection": problem(world.call("/ngsi/v2/x", apikey=key, User_Agent="Googlebot/2.1")),
        "size": problem(world.call("/ngsi/v2/x", "POST", b"x" * (2**20 + 1), apikey=key)),
        "cors": problem(world.call("/ngsi/v2/x", "OPTIONS", apikey=key, Access_Control_Request_Method="GET")),
        "retired": problem(world.call("/ngsi/v1/x")),
    }
    statuses = {what: one["status"] for what, one in said.items()}
    assert statuses == {
        "key-auth": 401, "a wrong key": 401, "acl": 403, "ip-restriction": 403, "guard": 403, "bot-detection": 403,
        "size": 413, "cors": 404, "retired": 410,
    }  # fmt: skip
    assert said["guard"]["reason"] == "data scope not granted"
    assert all("reason" not in one for what, one in said.items() if what != "guard")
    assert said["retired"]["successor"] == "/ngsi/v2"
    for _ in range(2):
        assert world.call("/ngsi/v2/x", apikey=reader).status_code == 200
    full = world.call("/ngsi/v2/x", apikey=reader)
    said_when_full = problem(full)
    assert (said_when_full["limit"], said_when_full["per"]) == (2, "minute")
    assert 0 < said_when_full["retry_after"] == int(full.headers["Retry-After"]) <= 60
    assert full.headers["RateLimit-Limit"] == "2"


# ---------------------------------------------------------------- what makes it so


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (None, "en"), ("ja", "ja"), ("ja-JP, en;q=0.8", "ja"), ("en;q=0.5, ja;q=0.4", "en"), ("fr, de", "en"),
        ("", "en"), ("*", "en"), ("ja;q=0", "en"), ("JA", "ja"), ("ja" * 500, "en"), ("ja;q=x", "en"),
        ('"\\\x01', "en"),
    ],
)  # fmt: skip
def test_a_refusal_is_in_the_callers_language(world: World, asked, language):
    world.apply(a_platform(with_api("ngsi-v2"), with_service("portal", reading="ngsi-v2")))
    answer = world.call("/ngsi/v2/x", **({} if asked is None else {"Accept_Language": asked}))
    assert problem(answer)["title"] == {"ja": "認証が必要です", "en": "Unauthorized"}[language]
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"
    assert answer.headers["WWW-Authenticate"].startswith("Key")


def test_who_names_no_language_gets_the_platforms(world: World):
    world.apply(a_platform(with_api("ngsi-v2"), with_service("portal", reading="ngsi-v2"), locale="ja"))
    assert problem(world.call("/ngsi/v2/x"))["detail"] == "有効な API キーをヘッダー apikey に付けてください。"


@pytest.mark.parametrize("title", ['道路 "台帳" \\ API', "%s %d 100%", "]] .. os.time() .. [["])
def test_a_retired_version_says_so_in_the_callers_language_whatever_its_api_is_called(world: World, title):
    versions = (
        a_version("v1", "/ngsi/v1", "retired", successor="v2", guide="https://p.example.jp/g?a=1&b=%22"),
        a_version(),
    )
    world.apply(a_platform(with_api("ngsi-v2", *versions, title=title)))
    said = problem(world.call("/ngsi/v1/x", Accept_Language="ja"))
    assert said["title"] == "提供終了"
    assert said["detail"].startswith(f"{title} v1 は提供を終了しました。後継バージョンは /ngsi/v2 です。")
    assert said["guide"] == "https://p.example.jp/g?a=1&b=%22"
    assert problem(world.call("/ngsi/v1/x"))["title"] == "Gone"


def test_nothing_of_the_request_is_repeated(world: World):
    world.apply(a_platform(with_api("ngsi-v2", auth=(KEY, TOKEN)), with_service("portal", reading="ngsi-v2")))
    answer = world.call(
        "/ngsi/v2/pathword?queryword=1", X_Correlation_ID="idword", Authorization="Bearer tokenword",
        Accept="text/html", X_Data_Scope="scopeword", User_Agent="agentword",
    )  # fmt: skip
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert b"word" not in answer.content
    assert "instance" not in answer.json()


def test_a_head_request_gets_the_headers_alone(world: World):
    world.apply(a_platform(with_api("ngsi-v2"), with_service("portal", reading="ngsi-v2")))
    answer = world.call("/ngsi/v2/x", "HEAD")
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_an_answer_of_the_upstream_is_never_touched(world: World):
    """A server that answers 404 and 500 itself, in its own words."""
    world.apply(a_platform(open_api()))
    whole = world.call("/open/v1/x", "POST", b"x" * 300_000)
    assert whole.status_code == 200 and whole.json()["upstream"]
    for status in (404, 500):
        answer = world.call(f"/open/v1/x?status={status}", Accept_Language="ja")
        assert answer.status_code == status
        assert "problem" not in (answer.headers["Content-Type"] or "")
        assert b"about:blank" not in answer.content


def test_an_upstream_that_is_away_is_told_in_the_same_shape(world: World):
    away = Upstream("http", "", (UpstreamTarget("127.0.0.1:9", 100, here("renkei.yaml", 9)),))
    world.apply(a_platform(in_environment(upstreams={"away": away}), open_api(upstream="away")))
    assert problem(world.call("/open/v1/x"))["title"] == "Bad Gateway"


def test_every_reason_of_the_guard_has_its_words_in_japanese():
    guard = chunk.program()
    program = "\n".join(line for line in guard.splitlines() if not line.lstrip().startswith("--"))
    reasons = {
        text for text in re.findall(r'"((?:[^"\\\n]|\\.)+)"', program) if re.fullmatch(r"[a-z][\w',;:. -]* .*", text)
    }
    assert "outside the period of access" in reasons
    known = set(re.findall(r'\["([^"]+)"\] =', answers.program()))
    assert reasons <= known, f"no words for {sorted(reasons - known)}: add them to REASONS in problem.lua"


def test_the_page_about_answers_has_every_status_with_its_titles():
    titles = set(re.findall(r'\[(\d+)\] = \{ ja = \{ "([^"]+)".*?en = \{ "([^"]+)"', answers.program(), re.DOTALL))
    titles.add(("410", lifecycle.TITLE["ja"], lifecycle.TITLE["en"]))
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "answers.md").read_text("utf-8")
    assert len(titles) == 12
    assert set(re.findall(r"^\| (\d{3}) \| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE)) == titles


def test_the_answers_are_shown_in_a_plan_as_what_they_say_and_read_back_to_the_letter(world: World):
    catalog = a_platform(open_api())
    world.apply(catalog)
    (row,) = (row for row in world.by_hand("GET", "/plugins")["data"] if row["name"] == "post-function")
    (text,) = row["config"]["header_filter"]
    said = answers.read(text)
    assert said is not None and answers.write(said) == text
    changed = text.replace('"Bad Gateway"', '"Bad Getaway"')
    world.by_hand("PATCH", f"/plugins/{row['id']}", {"config": {"header_filter": [changed]}})
    (update,) = world.plan(catalog)
    assert [change.path for change in update.changes] == [("config", "answers", "program")]
    world.apply(catalog)
