"""What every kind must hold to, asked of each in the list: a new kind is covered unasked. No server is needed."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.catalog.certificates import certificate
from control_plane.catalog.model import (
    AccessLog,
    Asked,
    Certificate,
    ClientCertificate,
    Cors,
    Health,
    SecretRef,
    Upstream,
    UpstreamTarget,
)
from control_plane.engine.plan import make_plan, waves
from control_plane.engine.resource import Key, state
from control_plane.engine.values import Secret, canonical, plain
from control_plane.kong import KINDS
from tests.authorities import Authority
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
    with_tenant,
)

RENKEI, PLANS = here("renkei.yaml", 9), here("templates/plans.yaml", 5)
CA = Authority()
GATEWAY = CA.pair("gateway")


def a_certificate(pem: str) -> Certificate:
    found = certificate(pem)
    assert found is not None
    return found


POOL = Upstream(
    "https",
    "/files",
    (UpstreamTarget("a.test:443", 100), UpstreamTarget("b.test:443", 0)),
    Health("/up", 10, 3),
    authorities=(a_certificate(CA.certificate),),
    client=ClientCertificate(a_certificate(GATEWAY.certificate), SecretRef("upstreams/pool", "key"), RENKEI),
    origin=RENKEI,
)
BY_NAME = {kind.name: kind for kind in KINDS}
each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def parts(scopes=("road", "river")):
    """One of everything, so that each kind has something to ask for."""
    return [
        in_environment(
            access_log=AccessLog(http="https://logs.test/in", origin=RENKEI),
            metrics=Asked(RENKEI),
            upstreams={"orion": "http://orion.test:1026", "pool": POOL},
        ),
        with_scope("road"),
        with_scope("river"),
        with_tenant("mibu", in_realm_of="tochigi"),
        with_api("ngsi-v2", auth=(KEY, TOKEN), limits={"read": {"minute": 900}}, allowed_ips=("203.0.113.0/24",)),
        with_api(
            "files",
            a_version("v0", "/files/v0", "retired"),
            a_version("v1", "/files/v1"),
            scoping="path",
            upstream="pool",
        ),
        with_api(
            "open",
            a_version("v0", "/open/v0", "deprecated", sunset="2027-03-31"),
            a_version("v1", "/open/v1"),
            auth=(),
            scoping="none",
            cors=Cors(("*",), origin=PLANS),
            bot_detection=Asked(PLANS),
            security_headers=Asked(PLANS),
        ),
        with_service(
            "portal",
            a_grant("ngsi-v2", "read", scopes=scopes),
            a_grant("files", "read", "update"),
            auth=(KEY, TOKEN),
            allowed_ips=("203.0.113.9",),
            limits={("ngsi-v2", "read"): {"minute": 1200}},
        ),
        with_service("sensor", updating="ngsi-v2", tenant="mibu", auth=(TOKEN,)),
    ]


def desired(catalog):
    return state(resource for kind in KINDS for resource in kind.desired(catalog))


@each
def test_every_kind_asks_for_something_in_a_full_catalog_and_nothing_in_an_empty_one(kind):
    assert list(kind.desired(a_platform(*parts())))
    assert list(kind.desired(a_platform())) == []


@each
def test_what_is_wanted_says_where_it_comes_from_and_what_it_belongs_to(kind):
    for resource in kind.desired(a_platform(*parts())):
        assert resource.key.kind == kind.name
        assert resource.origin is not None
        for_every_call = resource.key.within == "tochigi"
        assert resource.belongs or "anonymous" in resource.key.name or for_every_call
        tags = resource.fields.get("tags")
        assert tags is None or "renkei:tochigi" in tags


@each
def test_a_secret_is_wanted_as_a_reference_without_a_value(kind):
    for resource in kind.desired(a_platform(*parts())):
        for value in resource.fields.values():
            assert not isinstance(value, Secret) or (
                value.version is None and value.ref.startswith(("services/", "upstreams/"))
            )


@each
def test_a_kind_says_what_it_is_and_can_be_made_and_taken_away(kind):
    assert len(inspect.getdoc(inspect.getmodule(kind.create)) or "") > 80
    assert kind.delete is not None
    assert set(kind.after) <= BY_NAME.keys()


@each
def test_fields_are_values_of_the_engine_and_have_one_text(kind):
    for resource in kind.desired(a_platform(*parts())):
        assert canonical(plain(resource.fields)) == canonical(plain(dict(reversed(list(resource.fields.items())))))


def test_two_kinds_never_have_one_name():
    assert len(BY_NAME) == len(KINDS)


def test_what_protects_comes_before_what_opens():
    order = waves(KINDS)
    wave = {name: place for place, names in enumerate(order) for name in names}
    assert wave["kong.upstream"] < wave["kong.target"] < wave["kong.service"] < wave["kong.plugin"]
    assert wave["kong.plugin"] < wave["kong.route"] < wave["kong.route-plugin"] < wave["kong.publication"]
    assert wave["kong.publication"] == len(order) - 1
    assert BY_NAME["kong.publication"].settle_before_write
    assert BY_NAME["kong.plugin"].settle_before_delete
    assert {kind.name for kind in KINDS if kind.revokes} == {"kong.acl", "kong.key", "kong.jwt"}


def test_a_plan_of_what_is_already_there_is_empty():
    want = desired(a_platform(*parts()))
    assert make_plan(KINDS, want, want).unchanged == len(want)


@settings(deadline=None)  # a busy machine is no failure
@given(st.permutations(range(len(parts()))), st.permutations(["river", "road"]))
def test_the_order_of_the_yaml_changes_nothing(order, scopes):
    turned = [parts(scopes)[place] for place in order]
    first, second = desired(a_platform(*parts())), desired(a_platform(*turned))
    assert {key: plain(r.fields) for key, r in first.items()} == {key: plain(r.fields) for key, r in second.items()}


def test_names_in_kong_never_meet_whatever_tenants_and_apis_are_called():
    """A tenant `files` with a service `v1` beside an API `files` with a version `v1`."""
    catalog = a_platform(
        with_api("files", a_version("v1", "/files/v1"), allowed_ips=("203.0.113.0/24",), scoping="none"),
        with_service("v1", reading="files", tenant="files", allowed_ips=("203.0.113.9",)),
    )
    want = desired(catalog)
    instances = [key.name for key in want if key.kind in ("kong.plugin", "kong.route-plugin")]
    assert len(instances) == len(set(instances))
    assert Key("kong.plugin", "files.v1", "files.v1~files.v1.ip-restriction") in want


def test_only_the_client_speaks_http():
    """Ids and requests stay inside client, http and taken_up."""
    package = Path(inspect.getfile(BY_NAME["kong.service"].create)).parent
    for file in package.rglob("*.py"):
        imports = {
            alias.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Import)
            for alias in node.names
        }  # fmt: skip
        assert "requests" not in imports or file.name in ("http.py", "taken_up.py")


@pytest.mark.parametrize("right", ["kong.key", "kong.jwt", "kong.acl"])
def test_a_right_is_given_when_the_guards_and_addresses_around_it_are_taken_up(right):
    order = {name: number for number, names in enumerate(waves(KINDS)) for name in names}
    assert BY_NAME[right].settle_before_write
    assert all(order[other] < order[right] for other in ("kong.plugin", "kong.route", "kong.route-plugin"))
    assert order[right] == order["kong.publication"]  # one wait for all of them
