"""How clients prove who they are, on the real Keycloak: by a key of their own, or, public ones, not at all."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from control_plane.catalog.clientkeys import client_key
from control_plane.catalog.model import Catalog, ClientAuth, MfaMode
from control_plane.engine.plan import Update
from tests.building import (
    TOKEN,
    USER,
    Part,
    a_grant,
    a_platform,
    with_api,
    with_role,
    with_service,
    with_tenant,
    with_user,
)
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Person
from tests.keycloak.conftest import World, a_world, told

pytestmark = pytest.mark.servers

REALM = "nasushiobara"
PASSWORD = "correct horse battery staple"
OURS, OTHERS = (rsa.generate_private_key(65537, 2048) for _ in range(2))
SIGNED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def kid(key: rsa.RSAPrivateKey) -> str:
    return client_key(key.public_key(), "RS256").kid


def by_key(*keys: rsa.RSAPrivateKey) -> ClientAuth:
    return ClientAuth("RS256", tuple(client_key(key.public_key(), "RS256") for key in keys))


def jwks(*keys: rsa.RSAPrivateKey) -> str:
    """Their public halves as Keycloak keeps them."""
    return json.dumps({"keys": [json.loads(key.jwk) for key in by_key(*keys).keys]})


class Fetched(BaseHTTPRequestHandler):
    """The service's own address of its keys."""

    keys: tuple[rsa.RSAPrivateKey, ...] = (OURS,)

    def do_GET(self) -> None:
        body = jwks(*self.keys).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Fetched) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/jwks"
        server.shutdown()


@dataclass
class Stage:
    world: World
    catalog: Catalog

    @property
    def url(self) -> str:
        return f"{self.world.server.url}/realms/{self.world.realm(REALM)}"

    def client(self, name: str) -> Any:
        found = self.world.get(REALM, f"/clients?clientId={REALM}.{name}")
        assert isinstance(found, list)
        return found[0]

    def by_hand(self, name: str, **changed: Any) -> None:
        id = self.client(name)["id"]
        self.world.by_hand("PUT", REALM, f"/clients/{id}", {"clientId": f"{REALM}.{name}", **changed})

    def asks(self, name: str, **form: str) -> requests.Response:
        """For a token of its own."""
        form = {"grant_type": "client_credentials", "client_id": f"{REALM}.{name}", **form}
        return requests.post(f"{self.url}/protocol/openid-connect/token", data=form, timeout=30)

    def shows(self, name: str, key: rsa.RSAPrivateKey, seconds: int = 50, **claims: Any) -> requests.Response:
        """Asks with an assertion, RFC 7523, that lives for so long."""
        me, now = f"{REALM}.{name}", int(time.time())
        says = {"iss": me, "sub": me, "aud": self.url, "jti": uuid.uuid4().hex, "exp": now + seconds, **claims}
        assertion = jwt.encode(says, key, "RS256", {"kid": kid(key)})
        return self.asks(name, client_assertion_type=SIGNED, client_assertion=assertion)

    def person(self, verifier: str | None = None) -> Person:
        person = Person(self.url, f"{REALM}.page", "")
        return person if verifier is None else replace(person, verifier=verifier)


def a_page(name: str) -> Part:
    """A public client in the browser, through which people call ngsi-v2."""
    return with_service(
        name, a_grant("ngsi-v2"), auth=(TOKEN,), public=True, redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=("https://page.example.jp/", "https://page.example.jp/bye"),
        web_origins=("https://page.example.jp",),
    )  # fmt: skip


def known_to(name: str) -> str:
    """The secret of a client, as the store of these tests has it."""
    return f"value of services/{REALM}.{name}#client_secret"


def services(address: str) -> Catalog:
    return a_platform(
        with_tenant(REALM, mfa=MfaMode.BY_ROLE),
        with_api("ngsi-v2", auth=(TOKEN,), callers=(USER,)),
        with_api("other", auth=(TOKEN,)),
        with_role("reader", a_grant("ngsi-v2")),
        with_user("staff-01", roles=["reader"]),
        with_service("gis", reading="other", auth=(TOKEN,), client_auth=by_key(OURS)),
        with_service("fetched", reading="other", auth=(TOKEN,), client_auth=ClientAuth("RS256", keys_url=address)),
        with_service("plain", reading="other", auth=(TOKEN,)),
        a_page("page"),
        *a_client_for_each_edit(),
    )


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer, address: str) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        catalog = world.here(services(address))
        world.apply(catalog)
        yield Stage(world, catalog)


def test_what_was_applied_leaves_nothing_to_do(stage: Stage) -> None:
    assert told(stage.world.plan(stage.catalog)) == []


# ---------------------------------------------------------------- a key


def test_the_service_gets_a_token_with_its_key_and_nobody_with_another(stage: Stage) -> None:
    assert stage.shows("gis", OURS).status_code == 200
    assert stage.shows("gis", OTHERS).status_code == 400


def test_a_proof_may_live_for_a_minute_and_no_longer(stage: Stage) -> None:
    """Whatever it says of its end: counted from when it says that it was made, else it must end within the minute."""
    now = int(time.time())
    assert stage.shows("gis", OURS, seconds=3600).status_code == 400
    assert stage.shows("gis", OURS, seconds=3600, iat=now).status_code == 200
    assert stage.shows("gis", OURS, seconds=3600, iat=now - 120).status_code == 400
    assert stage.shows("gis", OURS, seconds=3600, iat=now + 1800).status_code == 400


def test_no_secret_is_a_proof_of_a_client_with_keys_and_no_key_of_one_with_a_secret(stage: Stage) -> None:
    shown = stage.client("gis")["secret"]
    assert stage.asks("gis", client_secret=shown).json()["error"] == "invalid_client"
    assert stage.shows("plain", OURS).status_code == 401


def test_two_keys_hold_while_one_takes_the_place_of_the_other(stage: Stage) -> None:
    try:
        stage.world.apply(with_keys(stage, by_key(OURS, OTHERS)))
        assert [stage.shows("gis", key).status_code for key in (OURS, OTHERS)] == [200, 200]
        stage.world.apply(with_keys(stage, by_key(OTHERS)))
        assert [stage.shows("gis", key).status_code for key in (OURS, OTHERS)] == [400, 200]
    finally:
        stage.world.apply(stage.catalog)


def with_keys(stage: Stage, auth: ClientAuth | None, name: str = "gis") -> Catalog:
    return changed(stage, name, client_auth=auth)


def changed(stage: Stage, name: str, **fields: Any) -> Catalog:
    tenant = stage.catalog.tenants[REALM]
    found = tuple(replace(one, **fields) if one.id == name else one for one in tenant.services)
    return replace(stage.catalog, tenants={**stage.catalog.tenants, REALM: replace(tenant, services=found)})


def test_the_old_secret_is_nothing_any_more_even_if_the_kind_of_proof_is_set_back(stage: Stage) -> None:
    known = known_to("plain")
    assert stage.asks("plain", client_secret=known).status_code == 200
    try:
        stage.world.apply(with_keys(stage, by_key(OURS), "plain"))
        assert stage.shows("plain", OURS).status_code == 200
        stage.by_hand("plain", clientAuthenticatorType="client-secret")
        assert stage.asks("plain", client_secret=known).status_code == 401
    finally:
        stage.world.apply(stage.catalog)
    assert stage.asks("plain", client_secret=known).status_code == 200


def test_keys_are_fetched_and_those_of_a_former_address_are_forgotten(stage: Stage, address: str) -> None:
    assert stage.shows("fetched", OURS).status_code == 200
    try:
        Fetched.keys = (OTHERS,)
        assert stage.shows("fetched", OURS).status_code == 200, "Keycloak remembers what it has fetched"
        moved = ClientAuth("RS256", keys_url=address + "?moved")
        stage.world.apply(with_keys(stage, moved, "fetched"))
        assert stage.shows("fetched", OURS).status_code == 400
        assert stage.shows("fetched", OTHERS).status_code == 200
    finally:
        Fetched.keys = (OURS,)
        stage.world.apply(stage.catalog)


def test_keys_move_from_git_to_an_address_and_back_in_one_write(stage: Stage, address: str) -> None:
    stage.world.apply(with_keys(stage, ClientAuth("RS256", keys_url=address)))
    assert stage.shows("gis", OURS).status_code == 200
    stage.world.apply(stage.catalog)
    assert stage.shows("gis", OURS).status_code == 200
    assert told(stage.world.plan(stage.catalog)) == []


def test_a_client_becomes_of_another_kind_in_one_apply_and_is_then_of_that_kind_alone(stage: Stage) -> None:
    """From keys to nothing, to a secret, and back: what it was before opens nothing."""
    kinds = {
        "public": changed(stage, "gis", public=True, client_auth=None),
        "secret": with_keys(stage, None),
        "keys": stage.catalog,
    }
    for kind, catalog in kinds.items():
        stage.world.apply(catalog)
        assert told(stage.world.plan(catalog)) == [], kind
        proofs = {
            "secret": stage.asks("gis", client_secret=known_to("gis")),
            "keys": stage.shows("gis", OURS),
            "public": stage.asks("gis"),
        }
        works = {name for name, answer in proofs.items() if answer.ok}
        assert works == ({kind} if kind != "public" else set())


# ---------------------------------------------------------------- public


def test_a_person_signs_in_through_a_public_client_with_pkce_and_not_without(stage: Stage) -> None:
    found = stage.world.get(REALM, "/users?username=staff-01&exact=true")
    assert isinstance(found, list)
    body = {"type": "password", "value": PASSWORD, "temporary": False}
    stage.world.by_hand("PUT", REALM, f"/users/{found[0]['id']}/reset-password", body)
    another = "of-another-application-that-has-caught-the-code-of-the-login"
    for verifier, status in ((another, 400), (stage.person().verifier, 200)):
        person = stage.person()
        page = person.sends(person.opens(), username="staff-01", password=PASSWORD)
        assert page.code, page.text
        assert replace(person, verifier=verifier).token(page).status_code == status
    refused = stage.person(verifier="").opens()
    assert refused.code is None and "code_challenge" in str(refused.error)


def test_a_public_client_has_no_token_of_its_own(stage: Stage) -> None:
    assert stage.asks("page").json()["error"] == "unauthorized_client"


# ---------------------------------------------------------------- drift


CHALLENGE = "pkce.code.challenge.method"
LOGOUTS = "post.logout.redirect.uris"
ALGORITHM, LONGEST = "token.endpoint.auth.signing.alg", "token.endpoint.auth.signing.max.exp"
KEYS = "jwks.string"
ELSEWHERE = {"use.jwks.string": "", "use.jwks.url": "true", "jwks.url": "https://elsewhere.example.jp"}
OUR_PAGE = "https://page.example.jp"


@dataclass(frozen=True)
class Edit:
    """What somebody changes by hand of a client of its own, the fields in which it is seen, and how bad that is."""

    kind: str
    changed: dict[str, Any]
    fields: set[str]
    danger: bool = True

    @classmethod
    def attributes(cls, kind: str, said: dict[str, str], *, danger: bool = True) -> Edit:
        return cls(kind, {"attributes": said}, set(said), danger)


EDITS = {
    "public": Edit("secret", {"publicClient": True}, {"publicClient"}),
    "another-proof": Edit("keys", {"clientAuthenticatorType": "client-secret"}, {"clientAuthenticatorType"}),
    "another-key": Edit.attributes("keys", {KEYS: jwks(OTHERS)}),
    "one-key-more": Edit.attributes("keys", {KEYS: jwks(OURS, OTHERS)}),
    "nonsense": Edit.attributes("keys", {KEYS: "nonsense"}),
    "from-elsewhere": Edit.attributes("keys", ELSEWHERE),
    "longer-proofs": Edit.attributes("keys", {LONGEST: "86400"}),
    "shorter-proofs": Edit.attributes("keys", {LONGEST: "30"}, danger=False),
    "another-algorithm": Edit.attributes("keys", {ALGORITHM: "PS256"}),
    "an-account": Edit("public", {"serviceAccountsEnabled": True}, {"serviceAccountsEnabled"}),
    "a-secret": Edit("public", {"publicClient": False}, {"publicClient"}),
    "no-pkce": Edit.attributes("public", {CHALLENGE: ""}),
    "weak-pkce": Edit.attributes("public", {CHALLENGE: "plain"}),
    "logout-elsewhere": Edit.attributes("public", {LOGOUTS: f"{OUR_PAGE}/##https://x.test/"}),
    "logout-to-fewer": Edit.attributes("public", {LOGOUTS: f"{OUR_PAGE}/"}, danger=False),
    "another-page": Edit("public", {"webOrigins": [OUR_PAGE, "https://x.test"]}, {"webOrigins"}),
}  # fmt: skip


def a_client_for_each_edit() -> Iterator[Part]:
    for name, edit in EDITS.items():
        match edit.kind:
            case "public":
                yield a_page(name)
            case "keys":
                yield with_service(name, reading="other", auth=(TOKEN,), client_auth=by_key(OURS))
            case _:
                yield with_service(name, reading="other", auth=(TOKEN,))


@pytest.fixture(scope="module")
def seen(stage: Stage) -> dict[str, tuple[Update, str | None]]:
    """What one plan says of all edits, and afterwards one apply has mended them: asked once for all tests."""
    for name, edit in EDITS.items():
        stage.by_hand(name, **edit.changed)
    plan = stage.world.plan(stage.catalog)
    stage.world.apply(stage.catalog)
    changes = {change.key.name: change for change in plan if isinstance(change, Update)}
    assert len(changes) == len(list(plan)), "nothing but updates"
    return {name.removeprefix(f"{REALM}."): (one, plan.dangers.get(one.key)) for name, one in changes.items()}


@pytest.mark.parametrize("name", EDITS)
def test_a_change_by_hand_is_seen_and_judged(seen: dict[str, tuple[Update, str | None]], name: str) -> None:
    change, why = seen[name]
    assert {one.path[0] for one in change.changes} >= EDITS[name].fields
    assert bool(why) is EDITS[name].danger


def test_all_of_them_are_mended_and_everybody_is_who_he_was(
    stage: Stage, seen: dict[str, tuple[Update, str | None]]
) -> None:
    assert len(seen) == len(EDITS)
    assert told(stage.world.plan(stage.catalog)) == []
    ways: dict[str, Callable[[str], requests.Response]] = {
        "keys": lambda name: stage.shows(name, OURS),
        "secret": lambda name: stage.asks(name, client_secret=known_to(name)),
    }
    answers = {name: ways[edit.kind](name).status_code for name, edit in EDITS.items() if edit.kind in ways}
    assert set(answers.values()) == {200}
    assert stage.asks("an-account").json()["error"] == "unauthorized_client"
