"""From YAML to plugins, pure: what becomes what, and what cannot be said twice. No server is needed."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.catalog.model import AccessLog, Asked, Cors
from control_plane.kong import routes
from control_plane.kong.kinds import KINDS
from control_plane.kong.policies import access_log, chunk, guard, headers, names, plugins, route_plugins
from control_plane.kong.policies.addresses import intersection, networks
from control_plane.kong.policies.plugin import Plugin, join, placed
from control_plane.kong.routes import path_of
from control_plane.kong.view import Gateway, Standing
from control_plane.problems import ConfigurationError, Origin
from tests.building import (
    KEY,
    TOKEN,
    a_grant,
    a_platform,
    a_version,
    during,
    here,
    in_environment,
    with_api,
    with_scope,
    with_service,
    with_tenant,
)


def test_the_names_of_plugins_are_those_of_all_that_are_made():
    served = with_service("portal", a_grant("files", "read"), allowed_ips=("203.0.113.0/24",))
    logged = in_environment(access_log=AccessLog(http="https://logs.example.jp"), metrics=Asked())
    files = with_api("files", scoping="none", cors=Cors(("*",)))
    empty, draft = a_platform(), a_platform(with_api("ngsi-v2", a_version("v1", "/v1", "draft")))
    retired = a_platform(with_api("ngsi-v2", a_version("v1", "/v1", "retired")))
    for catalog in (empty, draft, retired, a_platform(files, served), a_platform(files, served, logged)):
        assert names(catalog) == {one.name for one in (*plugins(catalog), *route_plugins(catalog))}


def by_instance(catalog):
    return {plugin.instance: plugin for plugin in (*plugins(catalog), *route_plugins(catalog))}


def data(catalog, api="ngsi-v2", version="v2"):
    one = Standing(catalog.apis[api], catalog.apis[api].version(version))
    return list(guard.data(Gateway(catalog), one))


# ---------------------------------------------------------------- two policies, one place


def plugin(name="acl", line=1, **more) -> Plugin:
    return Plugin(name, more.pop("config", {}), Origin("apis/a.yaml", line), (), "a.v1", service="a.v1", **more)


def test_two_policies_that_want_one_plugin_in_one_place_are_an_error_that_names_both_lines():
    with pytest.raises(ConfigurationError) as clash:
        placed([plugin(line=3), plugin(line=9)])
    (problem,) = clash.value.problems
    assert problem.message == "two policies want the plugin acl in one place: a.v1.acl"
    assert (str(problem.origin), problem.note) == ("apis/a.yaml:9", "the other one is asked for at apis/a.yaml:3")


def test_headers_that_two_policies_set_are_joined():
    one = plugin("response-transformer", config={"add": {"headers": ["A:1"]}, "remove": {"headers": []}})
    two = plugin("response-transformer", config={"add": {"headers": ["B:2"]}, "rename": None})
    (joined,) = placed([one, two])
    assert joined.config["add"] == {"headers": ["A:1", "B:2"]}


def test_contradictions_are_not_joined():
    assert join({"a": 1}, {"a": 2}) is None
    assert join({"a": {"b": 1}}, {"a": {"b": 2}}) is None
    assert join({"a": 1, "b": None}, {"a": 1, "b": 2}) == {"a": 1, "b": 2}


def test_rights_are_never_joined():
    with pytest.raises(ConfigurationError):
        placed([plugin(config={"allow": ["a"]}), plugin(config={"allow": ["b"]})])


# ---------------------------------------------------------------- routes


@pytest.mark.parametrize(
    ("public", "path"),
    [("/ngsi/v2", "~/ngsi/v2(/|$)"), ("/ngsi/v2/", "~/ngsi/v2(/|$)"), ("/a.b/(c)+", r"~/a\.b/\(c\)\+(/|$)")],
)
def test_a_path_is_taken_literally_and_ends_at_a_segment(public, path):
    assert path_of(public) == path


def test_the_router_looks_at_the_more_specific_level_first():
    levels = {"read": ["GET"], "admin": ["GET", "DELETE"], "history": ["GET"], "subscribe": ["POST"]}
    paths = {"admin": ["/admin", "/entities/*"], "history": ["/entities/*/history"], "subscribe": ["/subscriptions"]}
    found = routes.desired(a_platform(with_api("ngsi-v2", levels=levels, level_paths=paths)))
    fields = {route.key.name: route.fields for route in found}
    order = {name.rpartition(".")[2]: one["regex_priority"] for name, one in fields.items()}
    assert order == {"read": 0, "admin": 1, "history": 2, "subscribe": 0}
    assert fields["ngsi-v2.v2.admin"]["paths"] == ("~/ngsi/v2/admin(/|$)", "~/ngsi/v2/entities/[^/]+(/|$)")
    assert {name.rpartition(".")[2] for name, one in fields.items() if one["strip_path"]} == {"read"}


def test_an_upstream_without_an_address_is_said_at_the_api():
    catalog = a_platform(with_api(upstream="absent"))
    with pytest.raises(ConfigurationError, match=r"apis/ngsi-v2.yaml:1:1: upstream 'absent' has no address"):
        [one for kind in KINDS for one in kind.desired(catalog)]


def test_a_sandbox_that_is_not_up_can_be_validated_all_the_same():
    catalog = a_platform(in_environment(embedded=True, upstreams={}), with_api(upstream="absent"))
    assert [one for kind in KINDS for one in kind.desired(catalog)]


# ---------------------------------------------------------------- what stands where


def test_a_draft_is_not_at_the_gateway_at_all():
    catalog = a_platform(
        with_api("ngsi-v2", a_version("v3", "/ngsi/v3", "draft")), with_service("p", reading="ngsi-v2")
    )
    names = {str(one.key) for kind in KINDS for one in kind.desired(catalog)}
    assert names == {"kong.consumer nasushiobara.p nasushiobara.p", "kong.key nasushiobara.p primary"}


def test_a_retired_version_has_no_auth_no_acl_and_of_functions_only_what_callers_are_told():
    catalog = a_platform(
        with_api("ngsi-v2", a_version("v1", "/ngsi/v1", "retired")), with_service("p", reading="ngsi-v2")
    )
    assert sorted(by_instance(catalog)) == [
        "ngsi-v2.v1.correlation-id",
        "ngsi-v2.v1.post-function",
        "ngsi-v2.v1.request-termination",
    ]
    assert by_instance(catalog)["ngsi-v2.v1.post-function"].config["access"] == []


@pytest.mark.parametrize(("locale", "title"), [("ja", "提供終了 / Gone"), ("en", "Gone / 提供終了")])
def test_the_body_of_a_410_is_in_both_languages_and_the_platforms_own_comes_first(locale, title):
    versions = a_version("v1", "/ngsi/v1", "retired", successor="v2", guide="https://p.example.jp/g"), a_version()
    found = by_instance(a_platform(with_api("ngsi-v2", *versions), locale=locale))
    body = json.loads(str(found["ngsi-v2.v1.request-termination"].config["body"]))
    assert (body["type"], body["title"], body["status"]) == ("about:blank", title, 410)
    assert "提供を終了しました。後継バージョンは /ngsi/v2 です。" in body["detail"]
    assert "is no longer available. Its successor is at /ngsi/v2." in body["detail"]
    assert (body["successor"], body["guide"]) == ("/ngsi/v2", "https://p.example.jp/g")


def test_a_410_without_a_successor_names_none():
    found = by_instance(a_platform(with_api("ngsi-v2", a_version("v1", "/ngsi/v1", "retired"))))
    body = json.loads(str(found["ngsi-v2.v1.request-termination"].config["body"]))
    assert body.keys() == {"type", "title", "status", "detail"}


# ---------------------------------------------------------------- headers of an answer


def test_the_headers_of_a_deprecated_version_and_those_for_browsers_are_one_plugin():
    versions = a_version("v1", "/ngsi/v1", "deprecated", sunset="2027-03-31", successor="v2"), a_version()
    found = by_instance(a_platform(with_api("ngsi-v2", *versions, security_headers=Asked())))
    config = found["ngsi-v2.v1.response-transformer"].config
    put = [line.partition(":")[0] for line in config["replace"]["headers"]]
    assert put == ["Sunset", "X-Content-Type-Options", "Strict-Transport-Security", "Cache-Control"]
    assert config["replace"] == config["add"]
    assert config["append"]["headers"] == ['Link:</ngsi/v2>; rel="successor-version"']
    assert {"Server", "X-Powered-By"} <= set(config["remove"]["headers"])


@pytest.mark.parametrize(
    "other",
    [
        headers.transformer({"cache-control": "max-age=60"}),
        headers.transformer(append={"Cache-Control": "private"}),
        headers.transformer(remove=["cache-control"]),
        {"rename": {"headers": ["X-Mine:Cache-Control"]}},
    ],
    ids=["another value", "one more value", "taken away", "renamed to it"],
)
def test_two_policies_that_say_different_things_about_one_header_are_an_error_that_names_both_lines(other):
    one = plugin(headers.NAME, 3, config=headers.transformer({"Cache-Control": "no-store"}))
    with pytest.raises(ConfigurationError) as clash:
        placed([one, plugin(headers.NAME, 9, config=other)])
    (problem,) = clash.value.problems
    assert (str(problem.origin), problem.note) == ("apis/a.yaml:9", "the other one is asked for at apis/a.yaml:3")


def test_two_policies_that_say_the_same_about_a_header_or_add_to_it_are_joined():
    one = headers.transformer({"A": "1"}, append={"Link": "<a>"}, remove=["Server"])
    two = headers.transformer({"A": "1", "B": "2"}, append={"Link": "<b>"}, remove=["Server"])
    (joined,) = placed([plugin(headers.NAME, config=one), plugin(headers.NAME, config=two)])
    assert joined.config["replace"]["headers"] == ["A:1", "B:2"]
    assert joined.config["append"]["headers"] == ["Link:<a>", "Link:<b>"]
    assert joined.config["remove"]["headers"] == ["Server"]


def test_what_open_data_answer_may_be_kept_by_caches():
    for auth, kept in [((), True), ((KEY,), False)]:
        found = by_instance(a_platform(with_api(auth=auth, scoping="none", security_headers=Asked())))
        put = found["ngsi-v2.v2.response-transformer"].config["replace"]["headers"]
        assert ("Cache-Control:no-store" in put) is not kept


# ---------------------------------------------------------------- pages of other origins


def preflights(**api):
    catalog = a_platform(with_api(**api))
    return {one.key.name: one.fields for one in routes.desired(catalog) if one.key.name.endswith("cors_preflight")}


def test_preflights_have_a_route_of_their_own_for_the_methods_of_the_api_alone():
    route = preflights(cors=Cors(("https://p.example.jp",)))["ngsi-v2.v2.cors_preflight"]
    assert route["methods"] == {"OPTIONS"}
    assert route["headers"] == {
        "Access-Control-Request-Method": ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("api", "what"),
    [
        ({}, "an API without cors"),
        ({"cors": Cors(("*",)), "levels": {"read": ["GET", "OPTIONS"]}}, "a level that takes OPTIONS itself"),
        ({"cors": Cors(("*",), methods=("PUT",)), "levels": {"read": ["GET"]}}, "no method of the API"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_there_is_no_route_for_preflights_where_there_is_nothing_to_ask_about(api, what):
    assert preflights(**api) == {}


def test_a_page_may_use_no_method_that_the_api_does_not_have():
    cors = Cors(("*",), methods=("GET", "DELETE"))
    found = by_instance(a_platform(with_api(cors=cors, levels={"read": ["GET", "HEAD"]})))
    assert found["ngsi-v2.v2.cors"].config["methods"] == ["GET"]


def test_a_page_may_send_what_callers_of_the_api_need_and_not_whatever_it_likes():
    found = by_instance(a_platform(with_api(cors=Cors(("*",)), auth=(TOKEN,), scoping="none")))
    assert "Authorization" in found["ngsi-v2.v2.cors"].config["headers"]
    assert not {"apikey", "X-Data-Scope"} & set(found["ngsi-v2.v2.cors"].config["headers"])


# ---------------------------------------------------------------- logs and counters


def test_the_log_and_the_counters_stand_everywhere_and_once():
    log = AccessLog(http="https://logs.example.jp/in", origin=Origin("renkei.yaml", 9))
    found = by_instance(a_platform(in_environment(access_log=log, metrics=Asked())))
    assert sorted(found) == ["tochigi.http-log", "tochigi.prometheus"]
    assert {one.place for one in found.values()} == {(None, None, None)}
    assert str(found["tochigi.http-log"].origin) == "renkei.yaml:9"


def test_a_log_in_a_file_has_the_same_fields():
    places = (AccessLog(http="https://logs.example.jp"), AccessLog(file="/var/log/kong/access.json"))
    one, two = (by_instance(a_platform(in_environment(access_log=place))) for place in places)
    lua = "custom_fields_by_lua"
    assert one["tochigi.http-log"].config[lua] == two["tochigi.file-log"].config[lua]


def test_every_field_of_the_log_takes_something_out_or_runs_guarded():
    fields = access_log.fields("renkei:tochigi")
    assert {name for name, lua in fields.items() if lua == "return nil"} == set(access_log.LEFT_OUT)
    assert all(lua.startswith("local ok, value = pcall(") for lua in fields.values() if lua != "return nil")


def test_open_data_is_limited_by_address_and_asks_nobody():
    found = by_instance(
        a_platform(with_api("open", a_version("v1", "/o"), auth=(), scoping="none", limits={"read": {"hour": 5}}))
    )
    assert sorted(name.rpartition(".")[2] for name in found) == [
        "correlation-id",
        "post-function",
        "rate-limiting",
        "request-size-limiting",
    ]
    assert found["open.v1.read.rate-limiting"].config["limit_by"] == "ip"


def test_only_where_either_may_be_used_is_there_an_anonymous_consumer():
    for auth, anonymous in [((KEY,), None), ((TOKEN,), None), ((KEY, TOKEN), "renkei-anonymous-tochigi")]:
        found = by_instance(a_platform(with_api(auth=auth)))
        assert {
            found[name].config["anonymous"] for name in found if name.endswith(("key-auth", "jwt"))
        } == {anonymous}  # fmt: skip


def test_a_longer_window_that_allows_less_is_an_error_before_kong_refuses_it():
    with pytest.raises(ConfigurationError, match="a limit of 10 per hour is less than 900 per minute"):
        route_plugins(a_platform(with_api(limits={"read": {"minute": 900, "hour": 10}})))


def test_a_services_own_limit_keeps_the_levels_other_windows():
    catalog = a_platform(
        with_api(limits={"read": {"minute": 900, "month": 100_000}}),
        with_service("portal", reading="ngsi-v2", limits={("ngsi-v2", "read"): {"minute": 50}}),
    )
    config = by_instance(catalog)["nasushiobara.portal~ngsi-v2.v2.read.rate-limiting"].config
    assert (config["minute"], config["month"], config["hour"]) == (50, 100_000, None)


# ---------------------------------------------------------------- addresses


def _addresses():
    four = st.tuples(st.integers(0, 2**32 - 1), st.integers(24, 32)).map(
        lambda t: str(ipaddress.IPv4Network(t, strict=False))
    )
    near = st.tuples(st.integers(0xCB007100, 0xCB0071FF), st.integers(24, 32)).map(
        lambda t: str(ipaddress.IPv4Network(t, strict=False))
    )
    six = st.tuples(st.integers(0, 2**128 - 1), st.integers(32, 128)).map(
        lambda t: str(ipaddress.IPv6Network(t, strict=False))
    )
    return st.lists(st.one_of(near, four, six), min_size=1, max_size=4)


@settings(deadline=None)
@given(_addresses(), _addresses(), st.integers(0xCB007100, 0xCB0071FF))
def test_an_address_is_in_the_intersection_when_it_is_in_both(first, second, number):
    address = ipaddress.IPv4Address(number)
    one, two = networks(first), networks(second)
    both = intersection(one, two)
    assert any(address in net for net in both) == (any(address in n for n in one) and any(address in n for n in two))


def test_nothing_in_common_denies_everybody():
    catalog = a_platform(
        with_api(allowed_ips=("203.0.113.0/24",)),
        with_service("portal", reading="ngsi-v2", allowed_ips=("198.51.100.1", "2001:db8::/32")),
    )
    config = by_instance(catalog)["nasushiobara.portal~ngsi-v2.v2.ip-restriction"].config
    assert (config["allow"], config["deny"]) == (None, ["0.0.0.0/0", "::/0"])


# ---------------------------------------------------------------- the guard's table


def test_the_periods_of_grant_service_and_scope_are_intersected():
    catalog = a_platform(
        with_scope("road", period=during("2026-06-01", "2026-11-01")),
        with_scope("river"),
        with_service(
            "portal",
            a_grant("ngsi-v2", "read", scopes=["road", "river"], period=during("2026-04-01", "2027-04-01")),
            period=during("2026-07-01"),
        ),
    )
    start, road_end, end = (int(during(day).start.timestamp()) for day in ("2026-07-01", "2026-11-01", "2027-04-01"))
    assert data(catalog)[-2:] == [
        f"nasushiobara.portal 1 2 {start} {road_end}",
        f"nasushiobara.portal 1 1 {start} {end}",
    ]


def test_a_grant_whose_periods_never_meet_is_not_in_the_table():
    catalog = a_platform(
        with_scope("road", period=during(None, "2026-01-01")),
        with_service("portal", a_grant("ngsi-v2", period=during("2026-04-01"))),
    )
    assert not any(line.startswith("nasushiobara") for line in data(catalog))


def test_an_open_api_gives_open_scopes_alone():
    catalog = a_platform(
        with_scope("road"),
        with_scope("secret", disclosure="closed"),
        with_scope("rainfall", disclosure="open"),
        with_api("open", a_version("v1", "/o"), auth=()),
    )
    assert data(catalog, "open", "v1") == [
        "scope rainfall tochigi /rainfall/#",
        "level open.v1.read",
        "level open.v1.update",
        "call 1 / GET HEAD",
        "call 2 / DELETE PATCH POST PUT",
        "* 1 1 - -",
        "* 2 1 - -",
    ]


def test_a_tenant_in_anothers_realm_is_named():
    catalog = a_platform(
        with_tenant("mibu", in_realm_of="tochigi"), with_service("s", tenant="mibu", reading="ngsi-v2")
    )
    assert "realm mibu tochigi" in data(catalog)


def test_a_grant_takes_at_most_sixty_bytes():
    def size(count: int) -> int:
        services = (
            with_service(f"service-{n:04}", a_grant("ngsi-v2", "read", period=during("2026-04-01", "2027-04-01")))
            for n in range(count)
        )
        return sum(len(line) + 1 for line in data(a_platform(*services)))

    assert (size(1000) - size(1)) / 999 <= 60


@pytest.mark.parametrize(
    "scope",
    [
        {"fiware": ("tochigi", "/road/]]..os.exit()")},
        {"fiware": ("to chigi", "/road")},
        {"fiware": ("tochigi", "/road\nlevel x")},
        {"fiware": ("tochigi", "/道路")},
    ],
    ids=str,
)
def test_what_could_be_lua_or_another_line_does_not_get_into_the_table(scope):
    with pytest.raises(ConfigurationError, match="the gateway cannot carry"):
        data(a_platform(with_scope("road", **scope), with_service("portal", reading="ngsi-v2")))


THREE_SCOPINGS = (
    with_tenant("mibu", in_realm_of="tochigi"),
    with_api("ngsi-v2", auth=(KEY, TOKEN)),
    with_api("files", scoping="path"),
    with_api("open", a_version("v1", "/o"), auth=(), scoping="none"),
    with_service("portal", a_grant("ngsi-v2", "read", "update", scopes=["river", "road"]), reading="files"),
    with_service("sensor", a_grant("ngsi-v2", "update", period=during("2026-04-01", "2027-04-01")), tenant="mibu"),
)


@pytest.mark.parametrize("name", ["ngsi-v2.v2", "files.v2", "open.v1"])
def test_a_guard_can_be_read_back_and_written_again_to_the_letter(name):
    (text,) = by_instance(a_platform(*THREE_SCOPINGS))[f"{name}.post-function"].config["access"]
    said = chunk.read(text)
    assert said is not None
    assert chunk.write(said) == text


def test_a_plan_shows_the_grants_of_a_guard_and_not_its_text():
    (text,) = by_instance(a_platform(*THREE_SCOPINGS))["ngsi-v2.v2.post-function"].config["access"]
    assert chunk.read(text)["grants"] == {
        "mibu.sensor update road 2026-03-31T15:00:00Z 2027-03-31T15:00:00Z",
        "nasushiobara.portal read river,road - -",
        "nasushiobara.portal update river,road - -",
    }


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_no_change_of_a_guards_text_by_hand_reads_like_the_guard_itself(draw):
    (text,) = by_instance(a_platform(*THREE_SCOPINGS))["ngsi-v2.v2.post-function"].config["access"]
    place = draw.draw(st.integers(0, len(text) - 1))
    more = draw.draw(
        st.sampled_from(["", "x", " ", "\n", "-", "1", "]]", "  more = f(),\n", "level ngsi-v2.v2.read\n"])
    )
    changed = text[:place] + more + text[place + draw.draw(st.integers(0, 1)) :]
    if changed != text:
        assert chunk.read(changed) != chunk.read(text)


@settings(deadline=None)
@given(st.text())
def test_a_text_in_lua_is_only_plain_ascii(text):
    written = guard.literal(text)
    assert written[0] == written[-1] == '"'
    inner = written[1:-1]
    assert inner.isascii()
    assert not set(inner) & set("\n\r\"'[]()")
    assert b"".join(_bytes(inner)) == text.encode()


def _bytes(text: str):
    place = 0
    while place < len(text):
        if text[place] == "\\":
            yield bytes([int(text[place + 1 : place + 4])])
            place += 4
        else:
            yield text[place].encode()
            place += 1


def test_a_scope_that_says_nothing_for_the_apis_scoping_is_an_error():
    catalog = a_platform(
        with_scope("road", paths=()), with_api("files", scoping="path"), with_service("portal", reading="files")
    )
    with pytest.raises(ConfigurationError, match="data scope 'road' says nothing for `scoping: path`"):
        data(catalog, "files")


def test_the_guard_needs_json_only_where_tokens_are_taken():
    for auth, needed in [((KEY,), False), ((KEY, TOKEN), True), ((), False)]:
        catalog = a_platform(with_api(auth=auth))
        code = by_instance(catalog)["ngsi-v2.v2.post-function"].config["access"][0]
        assert ("require" in code) is needed is guard.takes_tokens(catalog)


def test_the_origin_of_a_clash_is_the_users_line():
    catalog = a_platform(with_api(limits={"read": {"minute": 9}}))
    level = replace(catalog.apis["ngsi-v2"].levels[0], origin=here("apis/ngsi-v2.yaml", 31))
    api = replace(catalog.apis["ngsi-v2"], levels=(level,))
    found = by_instance(replace(catalog, apis={"ngsi-v2": api}))
    assert str(found["ngsi-v2.v2.read.rate-limiting"].origin) == "apis/ngsi-v2.yaml:31"
