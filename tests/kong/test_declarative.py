"""The wanted state as Kong's declarative configuration."""

from __future__ import annotations

import json

import yaml

from control_plane.engine.resource import state
from control_plane.engine.values import RealmKey, Secret
from control_plane.kong import KINDS
from control_plane.kong.declarative import declarative
from control_plane.kong.naming import steady_id
from control_plane.kong.policies import access_log
from tests.building import a_platform
from tests.kong.test_kinds import parts


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
