"""The wanted state as Kong's declarative configuration."""

from __future__ import annotations

import json
import stat

import pytest
import yaml

from control_plane.cli.files import SECRET, write
from control_plane.cli.main import run
from control_plane.engine.resource import state
from control_plane.engine.values import RealmKey, Secret
from control_plane.kong import KINDS
from control_plane.kong.declarative import declarative, left_out, written
from control_plane.kong.naming import steady_id
from control_plane.kong.policies import access_log
from tests.building import a_platform
from tests.kong.test_kinds import GATEWAY, parts
from tests.kong.world import World


def want():
    return state(resource for kind in KINDS for resource in kind.desired(a_platform(*parts())))


def reveal(reference: Secret | RealmKey) -> str:
    return f"value of {reference}"


def test_every_object_is_in_it_once_and_every_reference_leads_to_one():
    found = declarative(want(), reveal)
    assert found["_format_version"] == "3.0"
    services = {one["name"] for one in found["services"]}
    routes = {one["name"]: one for one in found["routes"]}
    consumers = {one["username"] for one in found["consumers"]}
    assert {route["service"] for route in routes.values()} == services
    for plugin in found["plugins"]:
        assert plugin.get("service", "ngsi-v2.v2") in services
        assert plugin.get("route") is None or plugin["route"] in routes
    for credential in (*found["acls"], *found["keyauth_credentials"], *found["jwt_secrets"]):
        assert credential["consumer"] in consumers
    objects = sum(len(entities) for name, entities in found.items() if name != "_format_version")
    publications = sum(key.kind == "kong.publication" for key in want())
    assert objects == len(want()) - publications
    assert all(one["enabled"] for one in found["services"])


def test_it_survives_yaml_and_is_the_same_each_time():
    found = declarative(want())
    assert yaml.safe_load(yaml.safe_dump(found)) == found == json.loads(json.dumps(declarative(want())))


def test_what_stands_for_every_call_names_no_place_and_a_log_its_fields():
    plugins = {one["instance_name"]: one for one in declarative(want())["plugins"]}
    log = plugins["tochigi.http-log"]
    assert not {"service", "route", "consumer"} & log.keys()
    assert log["config"]["custom_fields_by_lua"] == access_log.fields("renkei:tochigi")


def test_without_the_means_to_reveal_there_is_no_credential_in_it():
    found = declarative(want())
    assert "keyauth_credentials" not in found
    assert "jwt_secrets" not in found


def test_a_key_that_was_loaded_is_found_as_ours_again():
    keys = declarative(want(), reveal)["keyauth_credentials"]
    assert [key["id"] for key in keys] == [steady_id("tochigi", "key", "nasushiobara.portal", "primary")]


def test_as_text_it_is_the_same_data_with_lua_that_can_be_read():
    text = written(declarative(want()), ["a heading", ""])
    assert text.startswith("# a heading\n#\n_format_version: '3.0'\n")
    assert yaml.safe_load(text) == declarative(want())
    assert "\n      local SETTINGS = {\n" in text or "\n    local SETTINGS = {\n" in text


def test_what_is_left_out_is_named_with_its_place():
    assert ("key", "nasushiobara.portal", "services/nasushiobara.portal#api_key") in list(left_out(want()))
    assert not any("value of" in where for _, _, where in left_out(want()))


# Foreign keys of the format (by name), and what each names; from Kong's schema of its declarative configuration.
NAMES = {"service": "name", "route": "name", "consumer": "username", "upstream": "name"}
ORDER = {
    "ca_certificates": ("PUT", "/ca_certificates/{id}"),
    "certificates": ("PUT", "/certificates/{id}"),
    "upstreams": ("PUT", "/upstreams/{name}"),
    "targets": ("POST", "/upstreams/{upstream}/targets"),
    "services": ("PUT", "/services/{name}"),
    "consumers": ("PUT", "/consumers/{username}"),
    "routes": ("PUT", "/routes/{name}"),
    "plugins": ("PUT", "/plugins/{instance_name}"),
    "acls": ("POST", "/consumers/{consumer}/acls"),
    "keyauth_credentials": ("PUT", "/consumers/{consumer}/key-auth/{id}"),
    "jwt_secrets": ("POST", "/consumers/{consumer}/jwt"),
}
LISTS = {"keyauth_credentials": "key-auths", "jwt_secrets": "jwts"}


def load(world: World, configuration):
    """What a Kong without a database does with the file: every entity checked and put in, references by name."""
    assert configuration["_format_version"] == "3.0"
    assert configuration.keys() - {"_format_version"} <= ORDER.keys()
    for collection, (method, path) in ORDER.items():
        for entity in configuration.get(collection, ()):
            foreign = {name: {key: entity[name]} for name, key in NAMES.items() if name in entity}
            in_path = {name for name in NAMES if "{" + name + "}" in path}
            body = {name: value for name, value in {**entity, **foreign}.items() if name not in in_path}
            world.by_hand(method, path.format(**entity), body)


def snapshot(world: World):
    """Every entity as Kong holds it, by names instead of ids."""
    names = {
        row["id"]: row.get("name") or row.get("username")
        for collection in ("services", "routes", "consumers", "upstreams")
        for row in world.by_hand("GET", f"/{collection}?size=1000")["data"]
    }
    found = {}
    for collection in ORDER:
        if collection == "targets":
            rows = [
                target
                for upstream in world.by_hand("GET", "/upstreams?size=1000")["data"]
                for target in world.by_hand("GET", f"/upstreams/{upstream['id']}/targets?size=1000")["data"]
            ]
        else:
            rows = world.by_hand("GET", f"/{LISTS.get(collection, collection)}?size=1000")["data"]
        found[collection] = sorted((_nameless(collection, row, names) for row in rows), key=json.dumps)
    return found


def _nameless(collection, row, names):
    """The entity without what Kong makes up: times, the unused secret of RS256, ids where we choose none."""
    chosen = collection in ("targets", "keyauth_credentials", "certificates", "ca_certificates")
    random = {"created_at", "updated_at", *(() if chosen else ("id",)), *(("secret",) if "jwt" in collection else ())}
    told = {name: value for name, value in row.items() if name not in random}
    for name, value in told.items():
        if name in NAMES and value:
            told[name] = names[value["id"]]
        elif name in ("tags", "methods", "protocols") and value:
            told[name] = sorted(value)
    return told


@pytest.mark.servers
def test_a_kong_without_a_database_holds_what_apply_leaves_entity_by_entity(world: World):
    catalog = a_platform(*parts())
    world.vault.own["upstreams/pool#key"] = GATEWAY.key
    world.apply(catalog)
    applied = snapshot(world)
    here = world.here(catalog)
    text = written(declarative(state(one for kind in KINDS for one in kind.desired(here)), world.vault.value), [])
    world.empty()
    for upstream in world.by_hand("GET", "/upstreams?size=1000")["data"]:
        world.by_hand("DELETE", f"/upstreams/{upstream['id']}")
    assert not any(snapshot(world).values())
    load(world, yaml.safe_load(text))
    loaded = snapshot(world)
    for collection, entities in applied.items():
        assert loaded[collection] == entities, collection
    assert not world.plan(catalog), "what was loaded is found as ours again, and nothing is left to do"


def test_render_kong_needs_no_server_and_holds_no_secret(tmp_path, capsys):
    assert run(["init", str(tmp_path)]) == 0
    for out in ("one.yaml", "two.yaml"):
        assert run(["-C", str(tmp_path), "render", "kong", "--out", str(tmp_path / out)]) == 0
    one, two = (tmp_path / out for out in ("one.yaml", "two.yaml"))
    assert one.read_bytes() == two.read_bytes()
    found = yaml.safe_load(one.read_text("utf-8"))
    assert found["services"] and found["routes"]
    assert not found.keys() & {"keyauth_credentials", "jwt_secrets"}
    assert "#   key  city.portal" in one.read_text("utf-8")


def test_keys_go_into_a_file_that_only_its_owner_reads_and_never_to_the_terminal(tmp_path, capsys):
    assert run(["init", str(tmp_path)]) == 0
    assert run(["-C", str(tmp_path), "render", "kong", "--with-secrets"]) == 1
    assert "keys are not shown on a terminal" in capsys.readouterr().err


def test_a_file_with_secrets_is_closed_also_when_it_was_open_before(tmp_path):
    path = tmp_path / "kong.yaml"
    path.write_text("longer than what comes")
    path.chmod(0o644)
    write(path, b"secret", SECRET)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"secret"
