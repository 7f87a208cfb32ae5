"""Ids of people that one service alone knows, on the real Keycloak."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
import requests

from control_plane.catalog.model import Catalog, MfaMode
from control_plane.engine.plan import Plan, Update
from control_plane.keycloak import pairwise
from control_plane.keycloak.users import NAME as USER
from tests.building import TOKEN, a_platform, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.stage import PASSWORD, Stage

pytestmark = pytest.mark.servers

REALM = "nasushiobara"
ELSEWHERE = "https://elsewhere.example.jp/callback"


class Addresses(BaseHTTPRequestHandler):
    """The service's list of where its logins return to."""

    def do_GET(self) -> None:
        body = json.dumps([CALLBACK, ELSEWHERE]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def addresses() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Addresses) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/addresses.json"
        server.shutdown()


def a_portal(name: str, **more: Any) -> Any:
    return with_service(name, auth=(TOKEN,), **{"redirect_uris": (CALLBACK,), "pairwise": True, **more})


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer, addresses: str) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = world.here(
            a_platform(
                with_tenant(REALM, mfa=MfaMode.BY_ROLE),
                *(a_portal(name) for name in ("web", "passport", "edited", "old")),
                a_portal("several", redirect_uris=(CALLBACK, ELSEWHERE), sector_url=addresses),
                a_portal("plain", pairwise=False),
                with_user(f"{REALM}-citizen"),
            )
        )
        world.apply(catalog)
        found = Stage(world, catalog)
        found.with_password(REALM, "citizen")
        yield found


@dataclass
class SignedIn:
    person: Person
    answer: dict[str, Any]

    @property
    def access(self) -> dict[str, Any]:
        return claims(self.answer["access_token"])

    @property
    def id_token(self) -> dict[str, Any]:
        return claims(self.answer["id_token"])


def claims(token: str) -> dict[str, Any]:
    said: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return said


def signs_in(stage: Stage, client: str, secret: str | None = None) -> SignedIn:
    known = f"value of services/{REALM}.{secret or client}#client_secret"
    person = replace(stage.person(REALM), client_id=f"{REALM}.{client}", client_secret=known, cookies={})
    page = person.signs_in(f"{REALM}-citizen", PASSWORD)
    return SignedIn(person, person.token(page).json())


def known_as(stage: Stage, client: str, secret: str | None = None) -> str:
    return str(signs_in(stage, client, secret).access["sub"])


def changed(stage: Stage, name: str, **fields: Any) -> Catalog:
    tenant = stage.catalog.tenants[REALM]
    services = tuple(replace(one, **fields) if one.id == name else one for one in tenant.services)
    return replace(stage.catalog, tenants={**stage.catalog.tenants, REALM: replace(tenant, services=services)})


def client(stage: Stage, name: str) -> dict[str, Any]:
    found = stage.world.get(REALM, f"/clients?clientId={REALM}.{name}")
    assert isinstance(found, list)
    one: dict[str, Any] = found[0]
    return one


def salt(name: str) -> str:
    return f"value of services/{REALM}.{name}#subject_salt"


def test_what_was_applied_leaves_nothing_to_do(stage: Stage) -> None:
    assert told(stage.world.plan(stage.catalog)) == []


def test_two_services_know_a_person_by_two_ids_and_neither_is_the_accounts_own(stage: Stage) -> None:
    """Though both return to the same host: each has a salt of its own."""
    own = stage.user(REALM, "citizen")["id"]
    assert known_as(stage, "plain") == own
    assert len({own, known_as(stage, "web"), known_as(stage, "passport"), known_as(stage, "several")}) == 4


def test_the_id_is_the_same_in_every_token_and_at_every_login(stage: Stage) -> None:
    first, again = signs_in(stage, "web"), signs_in(stage, "web")
    token = first.answer["access_token"]
    renewed = claims(first.person.refreshed(first.answer["refresh_token"]).json()["access_token"])
    info = first.person.userinfo(token).json()
    ids = {first.access["sub"], first.id_token["sub"], again.access["sub"], renewed["sub"], info["sub"]}
    assert len(ids) == 1


def test_nothing_else_in_the_tokens_says_who_it_is(stage: Stage) -> None:
    found = signs_in(stage, "web")
    account = stage.user(REALM, "citizen")
    texts = [json.dumps(one, ensure_ascii=False) for one in (found.access, found.id_token)]
    texts += [found.person.userinfo(found.answer["access_token"]).text, asked_back(found).text]
    for name in ("id", "username", "email", "firstName", "lastName"):
        assert [text for text in texts if account[name] in text] == [], name


def asked_back(found: SignedIn) -> requests.Response:
    """What Keycloak tells the service of its own token (RFC 7662)."""
    url = f"{found.person.url}/protocol/openid-connect/token/introspect"
    who = (found.person.client_id, found.person.client_secret)
    return requests.post(url, data={"token": found.answer["access_token"]}, auth=who, timeout=30)


def test_the_id_is_worked_out_as_keycloak_does(stage: Stage) -> None:
    account = stage.user(REALM, "citizen")["id"]
    for service in stage.catalog.tenants[REALM].services:
        if service.pairwise:
            id = client(stage, service.id)["id"]
            where = f"/clients/{id}/evaluate-scopes/generate-example-access-token?userId={account}&scope=openid"
            shown = stage.world.get(REALM, where)
            assert isinstance(shown, dict)
            assert pairwise.subject(service.sector, account, salt(service.id)) == shown["sub"], service.id
    assert pairwise.subject("localhost", account, salt("web")) == known_as(stage, "web")


def test_the_list_of_who_is_who_has_the_id_that_the_service_got(stage: Stage) -> None:
    server = stage.world.keycloak(stage.catalog)
    stage.world.plan(stage.catalog, server)
    web = next(one for one in stage.catalog.services() if one.id == "web")
    found = pairwise.subjects(web, server.ids(USER, stage.world.realm(REALM)), salt("web"))
    assert found == {f"{REALM}-citizen": known_as(stage, "web")}


def test_another_change_of_the_client_leaves_the_ids_as_they_are(stage: Stage) -> None:
    before = known_as(stage, "edited")
    try:
        stage.world.apply(changed(stage, "edited", title="another", redirect_uris=(CALLBACK, f"{CALLBACK}/2")))
        assert known_as(stage, "edited") == before
    finally:
        stage.world.apply(stage.catalog)


def test_a_renamed_service_knows_people_by_the_same_ids(stage: Stage) -> None:
    before = known_as(stage, "old")
    try:
        stage.world.apply(changed(stage, "old", id="new", previously=f"{REALM}.old"))
        assert known_as(stage, "new", secret="old") == before
    finally:
        stage.world.apply(changed(stage, "old", previously=f"{REALM}.new"))
        stage.world.apply(stage.catalog)  # with the secrets of its own name


def test_another_host_gives_everybody_another_id_and_the_plan_says_so(stage: Stage) -> None:
    before = known_as(stage, "edited")
    moved = changed(stage, "edited", redirect_uris=("http://127.0.0.1:9/callback",))
    try:
        change, plan = first(stage.world.plan(moved))
        assert "everybody gets another id" in plan.costs[change.key]
        assert plan.dangers[change.key]
        stage.world.apply(moved)
        account = stage.user(REALM, "citizen")["id"]
        assert pairwise.subject("127.0.0.1", account, salt("edited")) != before
    finally:
        stage.world.apply(stage.catalog)
    assert known_as(stage, "edited") == before


def test_a_service_that_begins_to_have_ids_of_its_own_is_told_what_that_costs(stage: Stage) -> None:
    change, plan = first(stage.world.plan(changed(stage, "plain", pairwise=True)))
    assert "everybody gets another id" in plan.costs[change.key]
    back, plan = first(stage.world.plan(changed(stage, "web", pairwise=False)))
    assert "everybody gets another id" in plan.costs[back.key]


def first(plan: Plan) -> tuple[Update, Plan]:
    assert told(plan) == [f"update client {next(iter(plan)).key.name}"]
    (change,) = plan
    assert isinstance(change, Update)
    return change, plan


@pytest.mark.parametrize("how", ["another salt", "no salt", "no mapper", "another mapper in its place", "one more"])
def test_what_is_changed_by_hand_is_security_drift_and_mended_to_the_same_ids(stage: Stage, how: str) -> None:
    before = known_as(stage, "edited")
    by_hand(stage.world, client(stage, "edited"), how)
    change, plan = first(stage.world.plan(stage.catalog))
    assert plan.dangers[change.key]
    stage.world.apply(stage.catalog)
    assert told(stage.world.plan(stage.catalog)) == []
    assert known_as(stage, "edited") == before


def by_hand(world: World, found: dict[str, Any], how: str) -> None:
    where = f"/clients/{found['id']}/protocol-mappers/models"
    (mapper,) = found["protocolMappers"]
    match how:
        case "another salt":
            config = {**mapper["config"], "pairwiseSubAlgorithmSalt": "known to somebody"}
            world.by_hand("PUT", REALM, f"{where}/{mapper['id']}", {**mapper, "config": config})
        case "no salt":
            world.by_hand("PUT", REALM, f"{where}/{mapper['id']}", {**mapper, "config": {}})
        case "no mapper":
            world.by_hand("DELETE", REALM, f"{where}/{mapper['id']}")
        case "another mapper in its place":
            world.by_hand("DELETE", REALM, f"{where}/{mapper['id']}")
            world.by_hand("POST", REALM, where, hardcoded(mapper["name"]))
        case "one more":
            world.by_hand("POST", REALM, where, hardcoded("more"))


def hardcoded(name: str) -> dict[str, Any]:
    config = {"claim.name": "sub", "claim.value": "somebody", "access.token.claim": "true", "jsonType.label": "String"}
    sort = "oidc-hardcoded-claim-mapper"
    return {"name": name, "protocol": "openid-connect", "protocolMapper": sort, "config": config}


def test_the_salt_is_in_no_plan_and_in_nothing_that_was_read(stage: Stage) -> None:
    server = stage.world.keycloak(stage.catalog)
    plan = stage.world.plan(changed(stage, "web", pairwise=False, title="another"), server)
    assert salt("web") not in repr(plan)
