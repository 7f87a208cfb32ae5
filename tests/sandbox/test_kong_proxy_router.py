"""Which route wins, and what becomes of a path on its way to the upstream."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.sandbox.kong.proxy.paths import acceptable, escape, normalise, upstream_path
from control_plane.sandbox.kong.proxy.router import Router
from control_plane.sandbox.kong.proxy.wire import Headers, parse_query, unwire, wire


def a_route(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "strip_path": True, **fields}


def winner(
    router: Router, path: str = "/", *, method: str = "GET", host: str = "api.test", **headers: str
) -> str | None:
    lines = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    found = router.match(method, host, path, lines)
    return found.route["name"] if found else None


def test_the_longest_prefix_wins_and_knows_no_segments() -> None:
    router = Router([a_route("short", paths=["/a"]), a_route("long", paths=["/a/b"])])
    assert winner(router, "/abc") == "short"
    assert winner(router, "/a/bc") == "long"
    assert winner(router, "/b") is None


def test_more_fields_beat_a_longer_path() -> None:
    router = Router([a_route("path", paths=["/a/b"]), a_route("method", paths=["/a"], methods=["POST"])])
    assert winner(router, "/a/b", method="POST") == "method"


def test_a_plain_host_beats_a_regex_and_four_fields_beat_a_plain_host() -> None:
    host, regex = a_route("host", hosts=["s.x.test"]), a_route("regex", paths=["~/m/[0-9]+"])
    four = a_route("four", paths=["/m"], methods=["GET"], headers={"x-a": ["1"]}, hosts=["*.x.test"])
    assert winner(Router([host, regex]), "/m/1", host="s.x.test") == "host"
    assert winner(Router([host, regex, four]), "/m/1", host="s.x.test", x_a="1") == "four"


def test_a_higher_regex_priority_wins_although_the_other_pattern_is_longer() -> None:
    router = Router([a_route("low", paths=["~/re/[a-z]{1,9}"]), a_route("high", paths=["~/re"], regex_priority=9)])
    assert winner(router, "/re/abc") == "high"


def test_a_regex_that_cannot_be_read_matches_nothing_and_harms_no_other_route() -> None:
    router = Router([a_route("odd", paths=[r"~/\p{L}+("]), a_route("plain", paths=["/x"])])
    assert winner(router, "/x") == "plain"
    assert winner(router, "/abc") is None


@pytest.mark.parametrize(
    ("host", "taken"), [("x.test", True), ("x.test:8000", True), ("X.test", False), ("y.x.test", False)]
)
def test_a_host_is_compared_as_it_is_without_its_port(host: str, taken: bool) -> None:
    assert (winner(Router([a_route("r", hosts=["x.test"])]), host=host) == "r") is taken


def test_the_captures_of_a_regex_are_kept() -> None:
    found = Router([a_route("r", paths=["~/items/(?<id>[0-9]+)"])]).match("GET", "h", "/items/12/x", Headers())
    assert found is not None
    assert (found.path, found.captures) == ("/items/12", {"id": "12"})


@pytest.mark.parametrize(
    ("path", "becomes"),
    [
        ("//keep", "/keep"),
        ("/a/./b/../c//", "/a/c/"),
        ("/%6Beep/%2e%2e/x", "/x"),
        ("/a%2fb", "/a%2Fb"),
        ("/..", "/"),
        ("/a/.", "/a/"),
    ],
)
def test_a_path_is_normalised_before_it_is_matched(path: str, becomes: str) -> None:
    assert normalise(path) == becomes


@given(st.lists(st.sampled_from(["/", ".", "..", "a", "%2e", "%2F", "%41", "b c", "日"]), max_size=12))
def test_normalising_twice_is_normalising_once(parts: list[str]) -> None:
    once = normalise("/" + wire("".join(parts)))
    assert normalise(once) == once
    assert "/../" not in once + "/"
    assert "//" not in once


@pytest.mark.parametrize("path", ["/%zz", "/a%0", "/%00", "/../x", "/a/../../x", "/%2e%2e/x", "x", "*"])
def test_a_path_that_nginx_refuses_is_not_acceptable(path: str) -> None:
    assert not acceptable(path)


@pytest.mark.parametrize(
    ("base", "path", "prefix", "goes_to"),
    [
        ("/", "/ps", "/ps", "/"),
        ("/base", "/bs/", "/bs", "/base/"),
        ("/base", "/bsx", "/bs", "/base/x"),
        ("/slash/", "/ss", "/ss", "/slash"),
        ("/slash/", "/sk/x", None, "/slash/sk/x"),
        ("/base", "/", None, "/base"),
    ],
)
def test_the_upstream_gets_the_service_path_and_what_is_left(
    base: str, path: str, prefix: str | None, goes_to: str
) -> None:
    assert upstream_path(base, path, prefix) == goes_to


@given(st.text())
def test_no_text_is_lost_on_the_wire_and_an_escaped_path_is_ascii(text: str) -> None:
    encodable = text.encode("utf-8", "replace").decode()
    assert unwire(wire(encodable)) == encodable
    assert escape(wire(encodable)).isascii()


def test_a_name_that_comes_again_has_a_list_of_values_and_a_name_alone_is_true() -> None:
    assert parse_query("a=1&b&a=%20+&=x") == {"a": ["1", "  "], "b": True}


def test_a_header_value_cannot_begin_a_new_line() -> None:
    headers = Headers([("X-A", "1"), ("x-b", "2")])
    headers.set("x-a", "evil\r\nX-C: 3")
    assert list(headers) == [("x-a", "evil  X-C: 3"), ("x-b", "2")]
