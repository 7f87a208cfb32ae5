"""Our own account: made by an administrator, with exactly the rights that the page lists, and each of them needed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from control_plane.app import apply as applying
from control_plane.app.run import Run
from control_plane.catalog.model import Catalog, KeycloakSettings, SecretRef
from control_plane.cli.main import run
from control_plane.keycloak import Keycloak, account, claims, dormancy, target
from control_plane.keycloak.account import Give, Leave, MakeClient, MakeRealm, MakeRole, SetClient, Step, Take, Wanted
from control_plane.keycloak.session import Session
from control_plane.problems import NotAllowed, Refused
from tests.building import Part, a_platform, with_administrators, with_group, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak import platforms
from tests.keycloak.conftest import World, a_world, told

PAGE = Path(__file__).parents[2] / "docs/reference/rights.md"
SECRET = "a secret of the store"


def a_small_platform(*more: Part) -> Catalog:
    """With policies for the clients that people make by hand: they are read and written with the same rights."""
    step_up = None if platforms.OLD else 300
    return platforms.a_small_platform(with_tenant("nasushiobara", step_up=step_up, clients={"pkce": True}), *more)


@pytest.mark.parametrize(("heading", "rights"), [("apply", claims.WRITING), ("plan", claims.READING)])
def test_the_page_lists_exactly_the_rights_that_are_given(heading: str, rights: dict[str, str]) -> None:
    section = re.search(rf"^## What `{heading}` needs\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    assert section
    assert re.findall(r"^\| `([a-z-]+)` \|", section[1], re.M) == sorted(rights)


def test_whoever_manages_a_thing_may_read_it() -> None:
    assert {right.replace("manage-", "view-") for right in claims.WRITING} == claims.READING.keys()


# ---------------------------------------------------------------- on the real Keycloak


@dataclass
class Office:
    """An administrator of the whole server, who makes accounts for us."""

    world: World
    catalog: Catalog
    session: Session
    made: list[str] = field(default_factory=list)

    def wanted(self, rights: Any = claims.WRITING, *, creates: bool = False, client_id: str | None = None) -> Wanted:
        name = client_id or f"{self.world.prefix}-{uuid.uuid4().hex[:4]}"
        self.made.append(name)
        realms = {realm.name: realm.owner for realm in self.catalog.realms.values()}
        return Wanted(name, self.world.platform, realms, frozenset(rights), creates)

    def look(self, wanted: Wanted, secret: str | None = SECRET, *, adopt: bool = False) -> tuple[Step, ...]:
        return account.look(self.session, wanted, secret, adopt=adopt)

    def make(self, wanted: Wanted) -> None:
        for step in self.look(wanted):
            account.make(self.session, wanted, step, SECRET)
        assert self.look(wanted) == ()

    def keycloak(self, wanted: Wanted) -> Keycloak:
        """A run with that account."""
        usual = self.world.keycloak(self.catalog)
        settings = replace(usual.settings, client_id=wanted.client_id)
        usual.session, usual.settings = Session(settings, SECRET), settings
        return usual

    def map(self, wanted: Wanted, method: str, of: str, *names: str) -> None:
        """Give (POST) or take (DELETE) roles behind renkei's back, in realm master."""
        step = (Give if method == "POST" else Take)(of, names)
        account.make(self.session, wanted, step, SECRET)

    def close(self) -> None:
        for name in self.made:
            for one in self.session.list("admin/realms/master/clients", clientId=name):
                self.session.delete(f"admin/realms/master/clients/{one['id']}")


def an_office(server: KeycloakServer, world: World, catalog: Catalog) -> Iterator[Office]:
    """The administrator is a client with the role admin, as `kc.sh bootstrap-admin service` makes one."""
    name = f"{world.prefix}-office"
    body = {"clientId": name, "secret": "s", "serviceAccountsEnabled": True, "standardFlowEnabled": False}
    assert server.by_hand("POST", "/realms/master/clients", body).ok
    client = server.by_hand("GET", f"/realms/master/clients?clientId={name}").json()[0]["id"]
    me = server.by_hand("GET", f"/realms/master/clients/{client}/service-account-user").json()["id"]
    role = server.by_hand("GET", "/realms/master/roles/admin").json()
    assert server.by_hand("POST", f"/realms/master/users/{me}/role-mappings/realm", [role]).ok
    office = Office(world, catalog, Session(KeycloakSettings(server.url, name, SecretRef("x", "y")), "s"))
    yield office
    office.close()
    assert server.by_hand("DELETE", f"/realms/master/clients/{client}").ok


def _a_world(server: KeycloakServer) -> Iterator[World]:
    """With a platform of its own: an account has rights in all realms with its platform's mark."""
    for world in a_world(server):
        world.platform = world.prefix
        yield world


@pytest.fixture(scope="module")
def office(keycloak_server: KeycloakServer) -> Iterator[Office]:
    """An administrator on a server where the small platform was applied by an account that he had made."""
    for world in _a_world(keycloak_server):
        catalog = world.here(a_small_platform())
        for office in an_office(keycloak_server, world, catalog):
            office.make(office.wanted())
            yield office


@pytest.fixture(scope="module")
def applied(office: Office) -> Wanted:
    wanted = office.wanted()
    office.make(wanted)
    client = office.keycloak(wanted)
    office.world.make(office.world.plan(office.catalog, client), client)
    return wanted


@pytest.mark.servers
def test_an_account_is_made_with_its_rights_and_no_others(office: Office) -> None:
    wanted = office.wanted()
    steps = office.look(wanted)
    of = [f"{office.world.realm(realm)}-realm" for realm in ("nasushiobara", "tochigi")]
    assert steps == (MakeClient(wanted.client_id), *(Give(one, tuple(sorted(claims.WRITING))) for one in of))
    office.make(wanted)
    held = claims.of_token(office.keycloak(wanted).session.token())
    assert {client: sorted(access["roles"]) for client, access in held["resource_access"].items()} == dict.fromkeys(
        of, sorted(claims.WRITING)
    )
    assert "realm_access" not in held


@pytest.mark.servers
def test_realms_that_are_not_there_are_made_empty_and_off(keycloak_server: KeycloakServer) -> None:
    for world in _a_world(keycloak_server):
        for office in an_office(keycloak_server, world, world.here(a_small_platform())):
            wanted = office.wanted()
            made = [step for step in office.look(wanted) if isinstance(step, MakeRealm)]
            assert {step.realm for step in made} == office.catalog.realms.keys()
            office.make(wanted)
            found = world.get("nasushiobara")
            assert isinstance(found, dict)
            assert found["enabled"] is False
            assert found["attributes"]["renkei.platform"] == world.platform


@pytest.mark.servers
def test_with_exactly_these_rights_a_platform_is_made_changed_and_read(office: Office, applied: Wanted) -> None:
    world = office.world
    assert told(world.plan(office.catalog, office.keycloak(applied))) == []
    changed = world.here(
        a_small_platform(
            with_group("planning", tenant="nikko", roles=["dashboard-editor"]),
            with_user("nikko-09", tenant="nikko", groups=["planning"]),
            with_administrators("nikko-09", tenant="nikko", groups=["viewers"]),
        )
    )
    for catalog in (changed, office.catalog):
        client = office.keycloak(applied)
        plan = world.plan(catalog, client)
        assert told(plan)
        world.make(plan, client)
        assert told(world.plan(catalog, office.keycloak(applied))) == []


@pytest.mark.servers
@pytest.mark.parametrize("right", sorted(claims.WRITING))
def test_a_right_that_is_missing_is_named_and_nothing_is_written(office: Office, applied: Wanted, right: str) -> None:
    world, realm = office.world, office.world.realm("nasushiobara")
    change = world.here(a_small_platform(with_user("staff-09"), with_group("planning")))
    wanted = office.wanted()
    office.make(wanted)
    plan = world.plan(change, office.keycloak(wanted))
    office.map(wanted, "DELETE", f"{realm}-realm", right)
    one = target(office.keycloak(wanted))
    with pytest.raises(Refused) as caught:
        applying.apply(cast(Run, SimpleNamespace(plan=plan, systems=SimpleNamespace(targets=[one]))), print)
    messages = [problem.message for problem in caught.value.problems]
    lacks = sorted(claims.WRITING) if right == "manage-realm" else [right]  # without it the realm itself is hidden
    assert messages == [f"Keycloak: our account lacks {', '.join(lacks)} in realm '{realm}'"]
    assert "renkei bootstrap keycloak" in (caught.value.problems[0].help or "")
    assert told(world.plan(change, office.keycloak(applied))) == told(plan)


@pytest.mark.servers
def test_an_account_that_only_looks_plans_the_same_and_may_write_nothing(office: Office, applied: Wanted) -> None:
    change = office.world.here(a_small_platform(with_user("staff-09")))
    wanted = office.wanted(claims.READING)
    office.make(wanted)
    looking = office.keycloak(wanted)
    plan = office.world.plan(change, looking)
    assert told(plan) == ["create user staff-09"]
    assert told(plan) == told(office.world.plan(change, office.keycloak(applied)))
    assert sorted(problem.message for problem in target(looking).preflight()) == [
        f"Keycloak: our account lacks {', '.join(sorted(claims.WRITING.keys() - claims.READING))} in realm '{realm}'"
        for realm in sorted(office.catalog.realms)
    ]


@pytest.mark.servers
@pytest.mark.parametrize("right", sorted(claims.READING.keys() - {"view-events"}))
def test_a_right_to_read_that_is_missing_is_named_and_nothing_passes_for_gone(
    office: Office, applied: Wanted, right: str
) -> None:
    wanted = office.wanted(claims.READING)
    office.make(wanted)
    realm = office.world.realm("nasushiobara")
    office.map(wanted, "DELETE", f"{realm}-realm", right)
    with pytest.raises(NotAllowed, match=rf"our account lacks {right}\b") as caught:
        office.world.plan(office.catalog, office.keycloak(wanted))
    assert realm in caught.value.problems[0].message


@pytest.mark.servers
def test_a_record_of_logins_that_may_not_be_read_is_named_and_does_not_pass_for_empty(
    office: Office, applied: Wanted
) -> None:
    wanted = office.wanted(claims.READING)
    office.make(wanted)
    realm = office.world.realm("nasushiobara")
    client = office.keycloak(wanted)
    office.world.plan(office.catalog, client)
    assert dormancy.read(client, realm, ["staff-01"], datetime.now(UTC)).last == {}
    office.map(wanted, "DELETE", f"{realm}-realm", "view-events")
    client = office.keycloak(wanted)
    office.world.plan(office.catalog, client)
    with pytest.raises(NotAllowed, match=rf"our account lacks view-events in realm '{realm}'"):
        dormancy.read(client, realm, ["staff-01"], datetime.now(UTC))


@pytest.mark.servers
def test_what_it_has_besides_is_taken(office: Office) -> None:
    wanted = office.wanted()
    office.make(wanted)
    realm = f"{office.world.realm('tochigi')}-realm"
    office.map(wanted, "POST", realm, "impersonation", "manage-events")
    office.map(wanted, "POST", account.MASTER, "create-realm")
    group = f"{wanted.client_id}-powers"
    assert office.world.server.by_hand("POST", "/realms/master/groups", {"name": group}).ok
    (made,) = office.session.list("admin/realms/master/groups", search=group)
    me = account._service_account(office.session, wanted.client_id)
    office.session.put(f"admin/realms/master/users/{me}/groups/{made['id']}")

    steps = office.look(wanted)
    assert set(steps) == {
        Take(realm, ("impersonation", "manage-events")),
        Take(account.MASTER, ("create-realm",)),
        Leave(f"/{group}"),
    }
    office.make(wanted)
    office.session.delete(f"admin/realms/master/groups/{made['id']}")


@pytest.mark.servers
def test_an_account_that_may_create_realms_has_that_right_besides(office: Office) -> None:
    wanted = office.wanted(creates=True)
    assert Give(account.MASTER, ("create-realm",)) in office.look(wanted)
    office.make(wanted)
    assert claims.of_server(office.keycloak(wanted).session) == {"create-realm"}


@pytest.mark.servers
def test_an_account_that_may_say_who_has_a_role_that_opens_nothing_else(office: Office) -> None:
    """Made where it is missing, and taken again from an account that is not meant to have it."""
    wanted = office.wanted(claims.READING)
    office.make(wanted)
    assert not claims.names_people(office.keycloak(wanted).session)
    office.session.delete(f"admin/realms/master/roles/{claims.WHO}")
    meant = replace(wanted, names=True)
    assert office.look(meant) == (MakeRole(claims.WHO), Give(account.MASTER, (claims.WHO,)))
    office.make(meant)
    session = office.keycloak(wanted).session
    assert claims.names_people(session)
    assert claims.of_server(session) == {claims.WHO}
    assert office.look(wanted) == (Take(account.MASTER, (claims.WHO,)),)
    office.make(wanted)
    assert not claims.names_people(office.keycloak(wanted).session)


@pytest.mark.servers
def test_an_administrator_of_everything_may_say_who(office: Office) -> None:
    assert claims.names_people(office.session)


@pytest.mark.servers
def test_a_client_that_somebody_opened_is_closed_and_has_the_secret_of_the_store(office: Office) -> None:
    wanted = office.wanted()
    office.make(wanted)
    (found,) = office.session.list("admin/realms/master/clients", clientId=wanted.client_id)
    body = {"clientId": wanted.client_id, "directAccessGrantsEnabled": True, "secret": "another"}
    office.session.put(f"admin/realms/master/clients/{found['id']}", body)
    assert office.look(wanted) == (SetClient(wanted.client_id, ("directAccessGrantsEnabled", "secret")),)
    office.make(wanted)


@pytest.mark.servers
def test_a_client_of_others_is_taken_over_only_where_that_is_asked_for(office: Office) -> None:
    wanted = office.wanted()
    body = {"clientId": wanted.client_id, "serviceAccountsEnabled": True, "secret": SECRET}
    assert office.world.server.by_hand("POST", "/realms/master/clients", body).ok
    with pytest.raises(Refused, match="it is not ours"):
        office.look(wanted)
    for step in office.look(wanted, adopt=True):
        account.make(office.session, wanted, step, SECRET)
    assert office.look(wanted) == ()


@pytest.mark.servers
def test_a_realm_of_another_platform_is_refused(office: Office) -> None:
    with pytest.raises(Refused, match=f"is marked as another platform's: '{office.world.platform}'"):
        office.look(replace(office.wanted(), platform="nasu"))


@pytest.mark.servers
def test_the_command_makes_secret_and_account_once(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = office.wanted().client_id
    keycloak = (
        f"{{url: '{office.session.settings.url}', client_id: {name}, client_secret: !secret keycloak/admin#secret}}"
    )
    (tmp_path / "renkei.yaml").write_text(
        f"platform: {name}\nenvironments:\n  test:\n    keycloak: {keycloak}\n"
        "    kong: {admin_url: http://kong.invalid:8001}\n    secrets: {files: secrets}\n"
    )
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/realms.yaml").write_text("realm_templates: [{template: staff}]\n")
    (tmp_path / "tenants").mkdir()
    tenant = f"tenant: {name}\ntitle: 見本市\ntype: municipality\nrealm: {{template: staff}}\n"
    (tmp_path / "tenants/city.yaml").write_text(tenant)
    office.world.realms.add(name)

    command = ["-C", str(tmp_path), "bootstrap", "keycloak", "--as", office.session.settings.client_id, "--yes"]
    monkeypatch.setenv("RENKEI_BOOTSTRAP_SECRET", "wrong")
    assert run(command) == 1
    assert "kc.sh bootstrap-admin service" in capsys.readouterr().err
    monkeypatch.setenv("RENKEI_BOOTSTRAP_SECRET", "s")
    assert run(command) == 0
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if line.startswith("  ")] == [
        f"  + secret keycloak/admin#secret in the secrets in {tmp_path / 'secrets'}",
        f"  + realm {name}, empty and switched off",
        f"  + client {name} of realm master",
        f"  + {', '.join(sorted(claims.WRITING))} of {name}-realm",
    ]
    kept = "".join(file.read_text() for file in (tmp_path / "secrets").rglob("*") if file.is_file())
    (found,) = office.session.list("admin/realms/master/clients", clientId=name)
    assert found["secret"] in kept
    assert found["secret"] not in said.out + said.err
    assert run(command) == 0
    assert capsys.readouterr().out == f"Client {name} has exactly the rights that it needs.\n"

    lists = ["-C", str(tmp_path), "report", "consents"]
    assert run([*lists, "--who"]) == 1
    refused = capsys.readouterr().err
    assert "our account is not meant to say who has consented" in refused
    assert "role 'renkei-who' of realm 'master'" in refused
    assert run([*command, "--who"]) == 0
    assert "+ renkei-who of master" in capsys.readouterr().out
    assert run([*lists, "--who"]) == 1, "there is no Kong here"
    assert "kong.invalid" in capsys.readouterr().err


@pytest.mark.servers
def test_our_own_client_is_out_of_reach_of_every_plan_whatever_its_mark_says(world: World) -> None:
    """In a realm of ours, with our mark, and Git knows nothing of it: any other client would be deleted."""
    there = platform_of_one_realm()
    catalog = world.here(there)
    world.apply(catalog)
    (realm,) = there.realms
    name, mark = "hand-renkei", {"renkei.platform": world.platform}
    body = {"clientId": name, "secret": SECRET, "serviceAccountsEnabled": True, "attributes": mark}
    world.by_hand("POST", realm, "/clients", body)
    (client,) = world.by_hand("GET", realm, f"/clients?clientId={name}").json()
    (management,) = world.by_hand("GET", realm, "/clients?clientId=realm-management").json()
    account_of_it = world.by_hand("GET", realm, f"/clients/{client['id']}/service-account-user").json()
    admin = world.by_hand("GET", realm, f"/clients/{management['id']}/roles/realm-admin").json()
    where = f"/users/{account_of_it['id']}/role-mappings/clients/{management['id']}"
    world.by_hand("POST", realm, where, [admin])
    assert told(world.plan(catalog)) == [f"delete client {name}"]  # to the account of realm master it is any client

    own = world.keycloak(catalog)
    settings = replace(own.settings, client_id=name, realm=world.realm(realm))
    own.session, own.settings = Session(settings, SECRET), settings
    with pytest.raises(Refused, match="must stay: renkei itself signs in with it"):
        world.plan(catalog, own)
    assert world.by_hand("GET", realm, f"/clients?clientId={name}").json()


def platform_of_one_realm() -> Catalog:
    """An account of the realm sees no other one."""
    catalog = a_platform(with_tenant("sano"))
    return replace(catalog, realms={"sano": catalog.realms["sano"]}, tenants={"sano": catalog.tenants["sano"]})
