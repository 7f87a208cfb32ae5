"""An existing Kong becomes YAML where the language can say the same; the rest is told, and nothing opens wider."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from control_plane.adopt.existing import of
from control_plane.adopt.translate import translate
from control_plane.app.importing import import_kong
from control_plane.catalog.load import read
from control_plane.cli.main import run
from control_plane.engine.resource import state
from control_plane.kong import KINDS
from control_plane.kong.declarative import declarative
from tests.building import NOON, a_grant, a_platform, during, with_api, with_scope, with_service
from tests.kong.test_adopt import fields_that_change, strip
from tests.kong.world import World, lines

PLATFORM = a_platform(
    with_scope("road", disclosure="open"),
    with_api("ngsi-v2", limits={"read": {"minute": 900}, "update": {"minute": 60}}),
    with_api("files", scoping="none"),
    with_service("portal", a_grant("ngsi-v2", "read", "update", period=during("2026-04-01", "2027-04-01"))),
    with_service("loader", a_grant("files", "read", scopes=()), tenant="oyama", allowed_ips=("127.0.0.1",)),
    locale="ja",
)

DECK = """
_format_version: "3.0"
_info: {select_tags: [team-a]}
services:
  - name: legacy orders
    host: orders.internal
    port: 8080
    protocol: http
    path: /api
    plugins:
      - {name: key-auth, config: {key_names: [apikey]}}
      - {name: acl, config: {allow: [readers, writers]}}
    routes:
      - {name: orders-read, paths: [/orders], methods: [GET]}
      - name: orders-write
        paths: [/orders]
        methods: [POST, PUT]
        plugins:
          - {name: acl, config: {allow: [writers]}}
          - {name: rate-limiting, config: {minute: 30, limit_by: consumer}}
consumers:
  - {username: Shop One, keyauth_credentials: [{key: shop-key}], acls: [{group: readers}]}
  - {username: city.portal, keyauth_credentials: [{key: portal-key}], acls: [{group: writers}]}
  - {username: nobody, acls: [{group: nothing}], keyauth_credentials: [{key: nobody-key}]}
"""


def catalog_of(directory: Path):
    found = read(directory, NOON)
    return found.catalog(found.environments[0])


@pytest.mark.servers
def test_our_own_platform_without_marks_comes_back_and_the_plan_shows_only_ownership_marks(world: World, tmp_path):
    world.apply(PLATFORM)
    strip(world)
    done = import_kong(world.server.admin_url, tmp_path / "new", "tochigi", None)
    assert done.notes == ()
    imported = catalog_of(tmp_path / "new")
    settings = replace(imported.environment, keycloak=PLATFORM.environment.keycloak)
    plan = world.plan(replace(imported, environment=settings), adopt=True)
    assert {line.split(" ")[0] for line in lines(plan)} == {"update"}
    assert fields_that_change(plan) == {("tags",)}
    assert plan.unmanaged == ()


def test_what_render_kong_writes_can_be_imported_and_asks_for_the_same_objects(tmp_path):
    def wanted(catalog):
        return state(resource for kind in KINDS for resource in kind.desired(catalog))

    written = tmp_path / "kong.yaml"
    written.write_text(yaml.safe_dump(declarative(wanted(PLATFORM), lambda one: f"value of {one}")), "utf-8")
    done = import_kong(str(written), tmp_path / "new", "tochigi", None)
    assert done.notes == ()
    assert wanted(catalog_of(tmp_path / "new")) == wanted(PLATFORM)


def test_a_file_of_decks_becomes_a_configuration_that_is_valid(tmp_path, capsys):
    (tmp_path / "kong.yaml").write_text(DECK, "utf-8")
    out, keys = tmp_path / "new", tmp_path / "keys"
    arguments = ["--from", str(tmp_path / "kong.yaml"), "--out", str(out), "--platform", "tochigi", "--keys", str(keys)]
    assert run(["import", "kong", *arguments]) == 0
    assert run(["-C", str(out), "validate"]) == 0
    catalog = catalog_of(out)
    api = catalog.apis["legacy-orders"]
    assert {level.name: level.methods for level in api.levels} == {"read": ("GET",), "update": ("POST", "PUT")}
    assert api.level("update").limit == {"minute": 30}
    granted = {service.name: [grant.levels for grant in service.grants] for service in catalog.services()}
    assert granted["imported.shop-one"] == [("read",)]
    assert granted["city.portal"] == [("read", "update")]
    assert granted["imported.nobody"] == [], "who was in no group gets nothing"
    in_files = "".join(path.read_text("utf-8") for path in out.rglob("*") if path.is_file())
    assert not any(key in in_files + capsys.readouterr().out for key in ("shop-key", "portal-key", "nobody-key"))
    kept = keys / "services" / "city.portal.json"
    assert "portal-key" in kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "kong.yaml").write_text(DECK, "utf-8")
    (tmp_path / "renkei.yaml").write_text("platform: other", "utf-8")
    arguments = ["--from", str(tmp_path / "kong.yaml"), "--out", str(tmp_path), "--platform", "tochigi"]
    assert run(["import", "kong", *arguments]) == 1
    assert not (tmp_path / "apis").exists()


KEY = {"name": "key-auth"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"plugins": [{"name": "basic-auth"}]}, "basic-auth"),
        ({"plugins": [KEY, {"name": "request-transformer"}]}, "request-transformer"),
        ({"plugins": [KEY, {"name": "pre-function"}]}, "pre-function"),
        ({"plugins": [KEY, {"name": "post-function", "config": {"access": ["return"]}}]}, "post-function"),
        ({"plugins": [KEY, {"name": "jwt", "config": {"key_claim_name": "azp"}}]}, "a key and a token together"),
        ({"plugins": [{"name": "jwt", "config": {"key_claim_name": "iss"}}]}, "azp"),
        ({"plugins": [{"name": "key-auth", "config": {"anonymous": "guest"}}]}, "without credentials"),
        ({"plugins": [KEY, {"name": "ip-restriction", "config": {"deny": ["10.0.0.0/8"]}}]}, "denied"),
        ({"plugins": [KEY, {"name": "request-termination"}]}, "request-termination"),
        ({"routes": [{"name": "r", "paths": ["/x"], "hosts": ["a.test"]}]}, "hosts"),
        ({"routes": [{"name": "r", "paths": ["/x"], "headers": {"a": ["b"]}}]}, "headers"),
        ({"routes": [{"name": "r", "paths": ["/x", "/y"]}]}, "2 paths"),
        ({"routes": [{"name": "r", "paths": ["~/x/.*"]}]}, "no plain prefix"),
        ({"routes": [{"name": "r", "paths": ["/x"]}, {"name": "s", "paths": ["/x"]}]}, "one level"),
        ({"enabled": False}, "switched off"),
        ({"routes": []}, "no route"),
    ],
)
def test_an_api_whose_protection_cannot_be_said_is_left_and_told_with_the_reason(change, reason):
    service = {"name": "orders", "host": "h", "routes": [{"name": "r", "paths": ["/x"]}], "plugins": [KEY], **change}
    found = translate(of({"_format_version": "3.0", "services": [service]}), "tochigi")
    assert found.apis == {}
    [note] = found.notes
    assert note.what == "service orders"
    assert reason in note.why


@pytest.mark.parametrize(
    "plugin",
    [
        {"name": "request-termination"},
        {"name": "request-size-limiting"},
        {"name": "ip-restriction", "config": {"deny": ["10.0.0.0/8"]}},
        {"name": "ip-restriction", "service": "a", "config": {"deny": ["10.0.0.0/8"]}},
    ],
)
def test_a_consumer_that_is_kept_out_of_something_gets_nothing_until_somebody_says_what(plugin):
    consumer = {"username": "t.kept-out", "keyauth_credentials": [{"key": "1"}], "plugins": [plugin]}
    service = {"name": "a", "host": "h", "routes": [{"name": "r", "paths": ["/x"]}], "plugins": [KEY]}
    found = translate(of({"services": [service], "consumers": [consumer]}), "tochigi")
    assert found.tenants == {}
    assert found.keys == {}
    assert [note.what for note in found.notes] == ["consumer t.kept-out"]


@pytest.mark.parametrize("second", ["10.0.0.0/8", "192.0.2.0/24"], ids=["the same", "others"])
def test_addresses_of_a_consumer_at_each_service_are_taken_when_they_are_the_same_everywhere(second):
    at = [("a", "10.0.0.0/8"), ("b", second)]
    plugins = [{"name": "ip-restriction", "service": name, "config": {"allow": [net]}} for name, net in at]
    consumer = {"username": "t.near", "keyauth_credentials": [{"key": "1"}], "plugins": plugins}
    services = [
        {"name": name, "host": "h", "routes": [{"name": name, "paths": [f"/{name}"]}], "plugins": [KEY]}
        for name in ("a", "b")
    ]
    found = translate(of({"services": services, "consumers": [consumer]}), "tochigi")
    if second == "10.0.0.0/8":
        assert found.tenants["t"]["near"]["allowed_ips"] == ["10.0.0.0/8"]
    else:
        assert [note.what for note in found.notes] == ["consumer t.near"]


def test_two_consumers_whose_names_become_one_do_not_share_their_rights():
    groups = {"Shop One": "readers", "shop-one": "writers"}
    consumers = [
        {"username": name, "keyauth_credentials": [{"key": name}], "acls": [{"group": group}]}
        for name, group in groups.items()
    ]
    acl = {"name": "acl", "config": {"allow": ["writers"]}}
    service = {"name": "a", "host": "h", "routes": [{"name": "r", "paths": ["/x"]}], "plugins": [KEY, acl]}
    found = translate(of({"services": [service], "consumers": consumers}), "tochigi")
    assert not found.tenants["imported"]["shop-one"].get("grants")
    assert found.keys == {"imported.shop-one": "Shop One"}
    assert [note.what for note in found.notes] == ["consumer shop-one"]


def test_callers_who_send_their_key_elsewhere_are_told_of():
    plugin = {"name": "key-auth", "config": {"key_names": ["x-api-key", "apikey"]}}
    service = {"name": "a", "host": "h", "routes": [{"name": "r", "paths": ["/x"]}], "plugins": [plugin]}
    found = translate(of({"services": [service]}), "tochigi")
    assert "x-api-key" in found.notes[0].why
    assert "a" in found.apis


def test_an_open_api_with_data_scopes_is_left_for_which_data_are_open_is_not_in_kong():
    catalog = a_platform(with_scope("road", disclosure="open"), with_api("ngsi-v2", auth=()), locale="ja")
    data = declarative(state(one for kind in KINDS for one in kind.desired(catalog)))
    found = translate(of(data), "tochigi")
    assert found.apis == {}
    assert "open to all for some data" in found.notes[0].why


def test_a_plugin_for_every_call_counts_for_each_api():
    data = {"services": [{"name": "a", "host": "h", "routes": [{"name": "r", "paths": ["/x"]}]}]}
    assert translate(of(data), "tochigi").apis["a"]["auth"] == "none"
    assert translate(of({**data, "plugins": [KEY]}), "tochigi").apis["a"]["auth"] == ["api-key"]
    assert translate(of({**data, "plugins": [{"name": "oauth2"}]}), "tochigi").apis == {}


def test_a_denied_group_is_not_granted():
    service = {
        "name": "a",
        "host": "h",
        "routes": [{"name": "r", "paths": ["/x"], "methods": ["GET"]}],
        "plugins": [KEY, {"name": "acl", "config": {"deny": ["bad"]}}],
    }
    consumers = [
        {"username": "t.good", "keyauth_credentials": [{"key": "1"}]},
        {"username": "t.bad", "keyauth_credentials": [{"key": "2"}], "acls": [{"group": "bad"}]},
    ]
    found = translate(of({"services": [service], "consumers": consumers}), "tochigi")
    assert found.tenants["t"]["good"]["grants"] == [{"api": "a", "levels": ["read"]}]
    assert not found.tenants["t"]["bad"].get("grants")
