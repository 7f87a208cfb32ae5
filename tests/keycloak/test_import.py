"""A realm that an operator has built without renkei becomes YAML; then the plan shows only ownership marks."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from control_plane.app.importing import Imported, keep
from control_plane.app.importing_realms import NEVER, import_realms
from control_plane.catalog.load import read
from control_plane.catalog.model import Catalog, KeycloakSettings
from control_plane.cli.main import run
from control_plane.engine.plan import Create, FieldChange, Plan, Update
from control_plane.engine.values import RealmKey, Secret, Value
from control_plane.keycloak import directories
from control_plane.problems import Refused
from tests.authorities import Authority
from tests.building import NOON
from tests.conftest import KeycloakServer
from tests.keycloak.browser import CALLBACK, Page, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.stage import PASSWORD
from tests.keycloak.test_adoption import ids, rows

pytestmark = pytest.mark.servers

SECRET = "what the nightly batch knows"
RIGHTS = ("manage-realm", "manage-users", "manage-clients", "manage-events", "view-events", "manage-identity-providers")
REALM = {  # as somebody sets a realm up in the console who keeps a record and has people who read Japanese
    "enabled": True,
    "displayName": "日光市",
    "internationalizationEnabled": True,
    "supportedLocales": ["ja", "en"],
    "defaultLocale": "ja",
    "passwordPolicy": "length(12) and notUsername(undefined) and passwordHistory(5)",
    "bruteForceProtected": True,
    "failureFactor": 7,
    "ssoSessionIdleTimeout": 1200,
    "accessTokenLifespan": 120,
    "rememberMe": False,
    "loginWithEmailAllowed": False,
    "eventsEnabled": True,
    "eventsExpiration": 90 * 86400,
    "enabledEventTypes": ["LOGIN", "LOGIN_ERROR", "LOGOUT"],
    "adminEventsEnabled": True,
    "adminEventsDetailsEnabled": False,
    "smtpServer": {
        "host": "mail.example.jp",
        "port": "587",
        "from": "noreply@example.jp",
        "fromDisplayName": "日光市",
        "starttls": "true",
        "auth": "true",
        "user": "renkei",
        "password": "known to the mail server",
    },
}
NOT_SHOWN = {"providers/city#client_secret": "known to the city", "mail/smtp#password": "known to the mail server"}
CERTIFICATE = Authority().pair("login.example.jp").certificate
THERE = "https://id.example.jp"
CITY = {  # as somebody has set it who wants signatures checked and nothing believed
    "issuer": THERE,
    "authorizationUrl": f"{THERE}/auth",
    "tokenUrl": f"{THERE}/token",
    "jwksUrl": f"{THERE}/certs",
    "userInfoUrl": f"{THERE}/userinfo",
    "useJwksUrl": "true",
    "validateSignature": "true",
    "clientId": "nikko",
    "clientSecret": NOT_SHOWN["providers/city#client_secret"],
    "clientAuthMethod": "client_secret_post",
    "defaultScope": "openid email",
    "pkceEnabled": "true",
    "pkceMethod": "S256",
    "syncMode": "IMPORT",
}
SCHOOL = {
    "idpEntityId": THERE,
    "singleSignOnServiceUrl": f"{THERE}/saml",
    "postBindingResponse": "true",
    "postBindingAuthnRequest": "true",
    "nameIDPolicyFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    "principalType": "SUBJECT",
    "allowCreate": "true",
    "wantAuthnRequestsSigned": "true",
    "signatureAlgorithm": "RSA_SHA256",
    "wantAssertionsSigned": "true",
    "validateSignature": "true",
    "signingCertificate": "".join(CERTIFICATE.splitlines()[1:-1]),
    "syncMode": "IMPORT",
}
DIRECTORY = {
    "name": "staff",
    "providerId": "ldap",
    "providerType": directories.STORAGE,
    "config": {
        "enabled": ["false"],
        "vendor": ["other"],
        "connectionUrl": ["ldaps://ldap.example.jp"],
        "usersDn": ["ou=x"],
        "editMode": ["READ_ONLY"],
        "bindDn": ["cn=x"],
        "bindCredential": ["x"],
    },
}
SALT = "known to Keycloak alone so far"
DEPARTMENT = {"department": ["総務課"]}
ELSEWHERE = {
    "clientId": "x",
    "clientSecret": "x",
    "authorizationUrl": "https://id.example.jp/auth",
    "tokenUrl": "https://id.example.jp/token",
}
PERSON = {"type": "password", "value": PASSWORD, "temporary": False}


@dataclass
class Town:
    """The world, and the realm of others in it."""

    world: World

    @property
    def name(self) -> str:
        return self.world.realm("nikko")

    def post(self, path: str, body: object) -> str:
        """By hand; the new object's id."""
        answer = self.world.by_hand("POST", "nikko", path, body)
        return str(answer.headers.get("Location", "")).rpartition("/")[2]

    def role(self, name: str) -> dict[str, Any]:
        found = self.world.get("nikko", f"/roles/{name}")
        assert isinstance(found, dict)
        return found

    def imported(self, out: Path, keys: Path | None = None) -> Imported:
        server = self.world.server
        settings = KeycloakSettings(server.url, server.client_id, NEVER)
        return import_realms(settings, server.client_secret, (self.name,), out, "tochigi", keys)

    def login(self, username: str, client: str, secret: str = "") -> Page:
        person = Person(f"{self.world.server.url}/realms/{self.name}", client, secret, verifier="")
        return person.sends(person.opens(), username=username, password=PASSWORD)

    def batch_token(self) -> requests.Response:
        form = {"grant_type": "client_credentials", "client_id": f"{self.name}.batch", "client_secret": SECRET}
        url = f"{self.world.server.url}/realms/{self.name}/protocol/openid-connect/token"
        return requests.post(url, data=form, timeout=30)


def build(town: Town) -> None:
    """By hand, as an operator without renkei would."""
    world = town.world
    answer = world.server.by_hand("POST", "/realms", {"realm": town.name, **REALM})
    assert answer.ok, answer.text
    world.realms.add(town.name)
    may_manage(world, town.name)
    profile: Any = world.get("nikko", "/users/profile")
    both = {"view": ["admin", "user"], "edit": ["admin"]}
    profile["attributes"] += [
        {"name": "department", "displayName": "department", "permissions": {"view": ["admin"], "edit": ["admin"]}},
        {"name": "phones", "displayName": "phones", "multivalued": True, "permissions": both},
    ]
    world.by_hand("PUT", "nikko", "/users/profile", profile)
    for name, description in (("viewer", "Looks at dashboards"), ("editor", ""), ("Legacy Role", "")):
        town.post("/roles", {"name": name, **({"description": description} if description else {})})
    town.post(f"/roles-by-id/{town.role('editor')['id']}/composites", [town.role("viewer")])
    digital = town.post("/groups", {"name": "digital"})
    town.post(f"/groups/{digital}/role-mappings/realm", [town.role("editor")])
    town.post(f"/groups/{digital}/children", {"name": "総務課"})
    legacy = town.post("/groups", {"name": "legacy"})
    town.post(f"/groups/{legacy}/role-mappings/realm", [town.role("Legacy Role")])
    for username, names, more in (
        (
            "nikko-01",
            ("日光", "職員一"),
            {"groups": ["/digital"], "email": "nikko-01@example.jp", "attributes": DEPARTMENT},
        ),
        ("nikko-02", ("日光", "職員二"), {"groups": ["/digital/総務課"], "email": "nikko-02@example.jp"}),
        ("nikko-03", ("日光", "職員三"), {}),
        ("of-the-old-group", ("日光", "職員四"), {"groups": ["/legacy"]}),
        ("without-a-name", ("", ""), {}),
        ("gone", ("日光", "職員五"), {"enabled": False}),
    ):
        family, given = names
        person = {"username": username, "enabled": True, "lastName": family, "firstName": given, **more}
        town.post("/users", {**person, "credentials": [PERSON]})
    clients(town)
    doors(town)


def clients(town: Town) -> None:
    """One that a service of ours could be, one that is wide open, one with a name of its own for people's logins."""
    careful = {
        "clientId": f"{town.name}.batch",
        "secret": SECRET,
        "serviceAccountsEnabled": True,
        "standardFlowEnabled": False,
        "fullScopeAllowed": False,
    }
    id = town.post("/clients", careful)
    with_few_scopes(town, id)
    town.post(
        "/clients",
        {"clientId": f"{town.name}.open", "redirectUris": [CALLBACK], "directAccessGrantsEnabled": True},
    )
    town.post("/clients", {"clientId": "portal", "publicClient": True, "redirectUris": [CALLBACK]})
    own_ids = {
        "name": "pairwise subject",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-sha256-pairwise-sub-mapper",
        "config": {"pairwiseSubAlgorithmSalt": SALT},
    }
    health = {
        **careful,
        "clientId": f"{town.name}.health",
        "standardFlowEnabled": True,
        "redirectUris": [CALLBACK],
        "webOrigins": ["+"],
        "attributes": {"pkce.code.challenge.method": "S256"},
        "protocolMappers": [own_ids],
    }
    with_few_scopes(town, town.post("/clients", health))


def with_few_scopes(town: Town, id: str) -> None:
    for kind in ("default-client-scopes", "optional-client-scopes"):
        for scope in rows(town.world, "nikko", f"/clients/{id}/{kind}"):
            if scope["name"] not in ("basic", "service_account"):
                town.world.by_hand("DELETE", "nikko", f"/clients/{id}/{kind}/{scope['id']}")


def doors(town: Town) -> None:
    """Two logins elsewhere that could be ours, one that believes every address; and a directory, not open yet."""
    for alias, sort, config, more in (
        ("city", "oidc", CITY, {}),
        ("school", "saml", SCHOOL, {"displayName": "日光高校"}),
        ("careless", "oidc", CITY, {"trustEmail": True}),
        ("writes-over", "oidc", {**CITY, "syncMode": "FORCE"}, {"firstBrokerLoginFlowAlias": "browser"}),
    ):
        town.post("/identity-provider/instances", {"alias": alias, "providerId": sort, "config": config, **more})
    by_claim = {"claim": "clerk", "claim.value": "yes", "role": "viewer", "syncMode": "FORCE"}
    mapper = {
        "name": "role viewer by clerk=yes",
        "identityProviderAlias": "city",
        "identityProviderMapper": "oidc-role-idp-mapper",
        "config": by_claim,
    }
    town.post("/identity-provider/instances/city/mappers", mapper)
    town.post("/components", DIRECTORY)


def may_manage(world: World, realm: str) -> None:
    """An administrator gives our account its rights in a realm that it has not made."""
    server = world.server
    [management] = server.by_hand("GET", f"/realms/master/clients?clientId={realm}-realm").json()
    [ours] = server.by_hand("GET", f"/realms/master/clients?clientId={server.client_id}").json()
    account = server.by_hand("GET", f"/realms/master/clients/{ours['id']}/service-account-user").json()
    roles = server.by_hand("GET", f"/realms/master/clients/{management['id']}/roles").json()
    given = [one for one in roles if one["name"] in RIGHTS]
    path = f"/realms/master/users/{account['id']}/role-mappings/clients/{management['id']}"
    assert server.by_hand("POST", path, given).ok


@pytest.fixture(scope="module")
def town(keycloak_server: KeycloakServer) -> Iterator[Town]:
    for world in a_world(keycloak_server):
        town = Town(world)
        build(town)
        yield town


def catalog_of(directory: Path) -> Catalog:
    found = read(directory, NOON)
    return found.catalog(found.environments[0])


def kept(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans of these tests look secrets up where the import has kept them."""
    from control_plane.secrets.files import Files

    def secret_of(reference: Secret | RealmKey) -> str:
        assert isinstance(reference, Secret)
        path, _, name = reference.ref.partition("#")
        return str((Files(keys).read(path) or {})[name])

    monkeypatch.setattr("tests.keycloak.conftest.secret_of", secret_of)


MARK = {("managed",), ("title",), ("tenant",), ("renkei.platform",), ("renkei.tenant",), ("renkei-left",)}


def beside_marks(plan: Plan) -> set[tuple[str, str, str, Value, Value]]:
    """What the plan would change besides ownership marks: of which object, which field, what goes and what comes."""
    return {
        (one.key.kind.partition(".")[2], one.key.name, change.path[0], *gone_and_come(change))
        for one in plan
        if isinstance(one, Update)
        for change in one.changes
        if change.path not in MARK
    }


def gone_and_come(change: FieldChange) -> tuple[Value, Value]:
    before, after = change.before, change.after
    if isinstance(before, frozenset) and isinstance(after, frozenset):
        return before - after, after - before
    return before, after


def test_a_realm_of_others_becomes_ours_and_nobody_notices(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, out, keys = Town(world), tmp_path / "new", tmp_path / "keys"
    build(town)
    before = ids(world, "nikko")
    assert town.login("nikko-01", "portal").code
    assert town.batch_token().ok
    done = town.imported(out, keys)
    assert run(["-C", str(out), "validate"]) == 0
    catalog = catalog_of(out)
    assert {one.username for one in catalog.users()} == {"nikko-01", "nikko-02", "nikko-03"}
    assert {one.path for one in catalog.groups()} == {"/digital", "/digital/総務課"}
    assert {name: role.includes for name, role in catalog.roles.items()} == {"editor": ("viewer",), "viewer": ()}
    assert [one.name for one in catalog.services()] == [f"{town.name}.batch", f"{town.name}.health"]
    city, school = catalog.identity_providers(town.name)
    assert (city.name, city.first_login, [one.role for one in city.mappers]) == ("city", "create", ["viewer"])
    assert (school.name, school.title, school.sync) == ("school", "日光高校", "import")
    baseline = catalog.realms[town.name].baseline
    assert baseline.password_policy == {"length": 12, "not_username": True, "history": 5}
    assert (baseline.brute_force["failures"], baseline.tokens["access"], baseline.events_days) == (7, 120, 90)
    assert (baseline.attributes, baseline.locales) == (("department",), ("ja", "en"))

    keep(NOT_SHOWN, keys)  # by hand: Keycloak shows neither
    kept(keys, monkeypatch)
    plan = world.plan(catalog, adopt=True)
    batch, health = f"{town.name}.batch", f"{town.name}.health"
    scopes = (frozenset({"service_account"}), frozenset({"renkei-gateway"}))
    changes = beside_marks(plan)
    imposed = {(kind, name, field) for kind, name, field, *_ in changes if kind in ("provider", "mail", "brokering")}
    steps = ("firstBrokerLoginFlowAlias", "postBrokerLoginFlowAlias")
    assert imposed == {
        *(("provider", name, step) for name in ("city", "school") for step in steps),
        ("provider", "city", "displayName"),
        ("provider", "city", "clientSecret"),
        ("mail", "smtp", "password"),
        ("brokering", "identity-providers", "open"),
    }
    assert {one for one in changes if one[:3] not in imposed} == {
        ("role", "editor", "description", None, "editor"),
        ("client", batch, "name", None, "batch"),
        ("client", batch, "defaultClientScopes", *scopes),
        ("client", health, "name", None, "health"),
        ("client", health, "defaultClientScopes", *scopes),
        ("user", "nikko-03", "groups", frozenset(), frozenset({f"/{town.name}"})),
    }
    made = [(one.key.kind, one.key.name.partition("-v1-")[0]) for one in plan if isinstance(one, Create)]
    assert sorted(made) == [
        ("keycloak.flow", "renkei-after-provider"),
        ("keycloak.flow", "renkei-first-login-create"),
        ("keycloak.group", f"/{town.name}"),
        ("keycloak.scope", "renkei-gateway"),
    ]
    world.apply(catalog, adopt=True)
    for alias, is_open in (("city", True), ("school", True), ("careless", False), ("writes-over", False)):
        assert world.by_hand("GET", "nikko", f"/identity-provider/instances/{alias}").json()["enabled"] is is_open
    assert told(world.plan(catalog)) == []
    after = ids(world, "nikko")
    assert {name: after[name] for name in before} == before, "nothing was made anew"
    assert town.login("nikko-01", "portal").code, "the password is the same, and nothing more is asked"
    assert town.batch_token().ok, "the secret is the same"
    assert {note.what for note in done.notes} == {
        f"{what} of realm {town.name}"
        for what in (
            "role Legacy Role",
            "group /legacy",
            "user of-the-old-group",
            "user without-a-name",
            "user gone",
            f"client {town.name}.open",
            f"client {town.name}.batch",
            f"client {town.name}.health",
            "client portal",
            "attribute phones",
            "login flow",
            "provider city",
            "provider school",
            "provider careless",
            "provider writes-over",
            "brokering identity-providers",
            "mail smtp",
            "directory staff",
        )
    }
    in_files = "".join(path.read_text("utf-8") for path in out.rglob("*") if path.is_file())
    assert not any(secret in in_files + repr(done) for secret in (SECRET, SALT, *NOT_SHOWN.values()))
    assert SALT in (keys / "services" / f"{health}.json").read_text("utf-8")
    where = keys / "services" / f"{town.name}.batch.json"
    assert SECRET in where.read_text("utf-8")
    assert stat.S_IMODE(where.stat().st_mode) == 0o600


def test_what_cannot_be_said_is_listed_with_the_reason(town: Town, tmp_path: Path) -> None:
    notes = [(note.what.removesuffix(f" of realm {town.name}"), note.why) for note in town.imported(tmp_path).notes]
    for what, why in (
        ("role Legacy Role", "an id has lower-case letters"),
        ("group /legacy", "roles - Legacy Role"),
        ("user of-the-old-group", "groups - /legacy"),
        ("user without-a-name", "'family_name': a text is expected"),
        ("user gone", "switched off"),
        (f"client {town.name}.open", "it may take passwords directly"),
        (f"client {town.name}.open", "its tokens carry every role of its user"),
        (f"client {town.name}.open", "its logins need no PKCE"),
        ("client portal", "its callers would have to take another id"),
        ("attribute phones", "all that the user profile asks"),
        ("login flow", "nobody watches it"),
        ("provider careless", "trustEmail true → false"),
        ("provider writes-over", "would write over what Git says of these people"),
        ("provider city", "the store must have it before an apply"),
        ("provider city", "passes renkei's steps, which prove the account"),
        ("brokering identity-providers", "- careless"),
        ("mail smtp", "the store must have it before an apply"),
        ("directory staff", "drift calls it security"),
    ):
        assert any(why in said for named, said in notes if named == what), what


def test_a_client_whose_secret_nobody_kept_is_not_adopted(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --keys the next apply would make another secret, and the batch would stand still."""
    town.imported(tmp_path)
    monkeypatch.setattr("tests.keycloak.conftest.version_of", lambda reference: None)
    with pytest.raises(Refused, match=rf"{town.name}\.batch would get a new secret"):
        town.world.plan(catalog_of(tmp_path), adopt=True)


def test_of_a_realm_as_keycloak_makes_it_every_change_of_an_apply_is_told(world: World, tmp_path: Path) -> None:
    """No record of logins, one language, an address twice: renkei has that in one way only."""
    town = Town(world)
    loose = {"realm": town.name, "enabled": True, "registrationAllowed": True, "passwordPolicy": "length(6)"}
    assert world.server.by_hand("POST", "/realms", loose).ok
    world.realms.add(town.name)
    may_manage(world, town.name)
    town.post("/identity-provider/instances", {"alias": "elsewhere", "providerId": "oidc", "config": ELSEWHERE})
    done = town.imported(tmp_path)
    plan = world.plan(catalog_of(tmp_path), adopt=True)
    told_of = " ".join(note.why for note in done.notes)
    changes = beside_marks(plan) - {("realm", town.name, "displayName", None, town.name)}
    assert {name for _, _, name, _, _ in changes} >= {"registrationAllowed", "passwordPolicy", "eventsEnabled", "open"}
    for _, _, name, *_ in changes:
        assert name in told_of
    assert "- length(6) + length(8)" in told_of, "a weaker rule than the language has becomes its weakest"
    assert "- elsewhere" in told_of


def test_import_tells_in_the_same_manner_as_of_kong(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, out = town.world.server, tmp_path / "new"
    (tmp_path / "secret").write_text(server.client_secret + "\n", "utf-8")
    at = ["--from", server.url, "--client-id", server.client_id, "--client-secret-file", str(tmp_path / "secret")]
    arguments = ["import", "keycloak", *at, "--out", str(out), "--platform", "tochigi", "--realm"]
    assert run([*arguments, "no-such-realm"]) == 1
    assert "there is no realm 'no-such-realm'" in capsys.readouterr().err
    assert not out.exists()
    assert run([*arguments, town.name]) == 0
    said = capsys.readouterr().out
    assert f"  + {out}/tenants/{town.name}.yaml" in said
    assert f"  ! client portal of realm {town.name}: " in said
    assert "3 secrets not kept: --keys DIRECTORY" in said
    assert server.client_secret not in said + "".join(one.read_text("utf-8") for one in out.rglob("*") if one.is_file())
    assert run([*arguments, town.name]) == 1, "nothing is overwritten"
