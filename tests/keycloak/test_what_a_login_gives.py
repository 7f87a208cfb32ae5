"""What the login of a city says of people: by OpenID Connect and by SAML, once or at every login."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from control_plane.catalog import certificates
from control_plane.catalog.model import Catalog, Certificate, MfaMode, Oidc, ProviderMapper, Saml, Sync
from control_plane.keycloak import protocols
from tests.building import Part, a_platform, with_group, with_provider, with_role, with_service, with_tenant, with_user
from tests.conftest import KeycloakServer
from tests.keycloak.browser import Page, Person
from tests.keycloak.conftest import World, a_world, told
from tests.keycloak.doors import CITY, HUB, SECRET, SIGNS_IN, links, unlinked
from tests.keycloak.stage import PASSWORD, Stage

pytestmark = pytest.mark.servers

OIDC, JOINS, SAML = "city-oidc", "city-create", "city-saml"
READS = ProviderMapper("roles", "clerk", role="reader")
STANDS = ProviderMapper("roles", "clerk", group="clerks")
LEADS = ProviderMapper("roles", "chief", role="editor")
FIRST = (READS, STANDS, LEADS)
ALWAYS = (
    ProviderMapper("department", attribute="department"),
    ProviderMapper(group="visitors"),
    ProviderMapper("preferred_username", attribute="username"),
    LEADS,
)
BY_SAML = (
    ProviderMapper("email", attribute="email"),
    *(replace(one, claim="Role") for one in FIRST),
)


def the_platform(world: World, *doors: Part) -> Catalog:
    """People of the hub whom Git gives nothing; the city calls some of them clerks and chiefs."""
    names = ("clerk", "guest", "saml")
    return world.here(
        a_platform(
            with_role("reader"),
            with_role("editor", mfa=True),
            *(with_role(name) for name in ("clerk", "chief")),
            *(with_tenant(realm, mfa=MfaMode.BY_ROLE, attributes=("department",)) for realm in (HUB, CITY)),
            *(with_group(name, tenant=HUB) for name in ("clerks", "visitors")),
            *(with_user(f"{HUB}-{name}", tenant=HUB, email=f"{CITY}-{name}@example.jp") for name in names),
            *(with_user(f"{CITY}-{name}", tenant=CITY, roles=["clerk"]) for name in names),
            with_user(f"{CITY}-new", tenant=CITY, attributes={"department": "総務課"}),
            with_user(f"{CITY}-chief", tenant=CITY, roles=["chief"]),
            with_service("web", tenant=HUB, **SIGNS_IN),
            *doors,
        )
    )


def by_oidc(world: World, name: str, **more: Any) -> Part:
    return with_provider(name, tenant=HUB, at=f"{world.server.url}/realms/{world.realm(CITY)}", **more)


def by_saml(world: World, certificate: Certificate, **more: Any) -> Part:
    city = f"{world.server.url}/realms/{world.realm(CITY)}"
    return with_provider(SAML, tenant=HUB, protocol=Saml(city, f"{city}/protocol/saml", (certificate,)), **more)


def certificate(world: World, realm: str) -> Certificate:
    """What the realm signs with, as its metadata hold it."""
    found = world.get(realm, "/keys")
    assert isinstance(found, dict)
    (signing,) = [one for one in found["keys"] if one["kid"] == found["active"]["RS256"]]
    return of(f"-----BEGIN CERTIFICATE-----\n{signing['certificate']}\n-----END CERTIFICATE-----\n")


def of(pem: str) -> Certificate:
    found = certificates.certificate(pem)
    assert found
    return found


def lasting_until(one: Certificate, end: datetime) -> Certificate:
    """Another certificate for the same key."""
    own = x509.load_pem_x509_certificate(one.pem.encode())
    names, since = (own.subject, own.issuer), datetime(2019, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(*names, own.public_key(), 1, since, end)  # type: ignore[arg-type]
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return of(signed.public_bytes(Encoding.PEM).decode())


@pytest.fixture(scope="module")
def stage(keycloak_server: KeycloakServer) -> Iterator[Stage]:
    for world in a_world(keycloak_server):
        world.apply(the_platform(world))  # a realm signs by SAML from the moment that it is there
        doors = (
            by_oidc(world, OIDC, mappers=FIRST),
            by_oidc(world, JOINS, first_login="create", sync=Sync.FORCE, mappers=ALWAYS),
            by_saml(world, certificate(world, CITY), mappers=BY_SAML),
        )
        catalog = the_platform(world, *doors)
        world.apply(catalog)
        the_city_knows_the_hub(world)
        yield Stage(world, catalog)


def the_city_knows_the_hub(world: World) -> None:
    hub = f"{world.server.url}/realms/{world.realm(HUB)}"
    ends = {name: f"{hub}/broker/{name}/endpoint" for name in (OIDC, JOINS, SAML)}
    told_by_token = {"claim.name": "roles", "multivalued": "true", "id.token.claim": "true", "jsonType.label": "String"}
    department = {"user.attribute": "department", "claim.name": "department", "id.token.claim": "true"}
    mappers = [
        {"name": "roles", "protocolMapper": "oidc-usermodel-realm-role-mapper", "config": told_by_token},
        {"name": "department", "protocolMapper": "oidc-usermodel-attribute-mapper", "config": department},
    ]
    oidc = {
        "clientId": "hub",
        "secret": SECRET,
        "redirectUris": [ends[OIDC], ends[JOINS]],
        "protocolMappers": [{**one, "protocol": "openid-connect"} for one in mappers],
    }
    world.by_hand("POST", CITY, "/clients", oidc)
    email = {"user.attribute": "email", "attribute.name": "email", "attribute.nameformat": "Basic"}
    saml = {
        "clientId": hub,
        "protocol": "saml",
        "redirectUris": [ends[SAML]],
        "attributes": {
            "saml.assertion.signature": "true",
            "saml.server.signature": "true",
            "saml.client.signature": "true",
            "saml.signing.certificate": protocols.base64_of(certificate(world, HUB)),
            "saml.signature.algorithm": "RSA_SHA256",
            "saml.force.post.binding": "true",
            "saml_name_id_format": "persistent",
        },
        "protocolMappers": [
            {"name": "email", "protocol": "saml", "protocolMapper": "saml-user-property-mapper", "config": email}
        ],
    }
    world.by_hand("POST", CITY, "/clients", saml)


def through(stage: Stage, door: str, name: str) -> tuple[Person, Page]:
    stage.with_password(CITY, name)
    person = stage.person(HUB)
    page = person.goes_to(person.opens(), f"/broker/{door}/login")
    if door == SAML:
        page = person.sends(page, **page.hidden)
    page = person.sends(page, username=f"{CITY}-{name}", password=PASSWORD)
    if "SAMLResponse" in page.hidden:
        page = person.sends(page, **page.hidden)
    return person, page


def linked(stage: Stage, door: str, name: str) -> None:
    """The person's first login through the door, with the proof that the account is his."""
    unlinked(stage, name)
    username = stage.with_password(HUB, name)
    person, page = through(stage, door, name)
    assert page.asks_for_password
    assert person.token(person.sends(page, username=username, password=PASSWORD)).ok
    assert links(stage, name) == [door]


def account(stage: Stage, username: str) -> dict[str, Any]:
    found = stage.world.get(HUB, f"/users?username={username}&exact=true&briefRepresentation=false")
    assert isinstance(found, list)
    one: dict[str, Any] = found[0]
    return one


def roles(stage: Stage, username: str) -> set[str]:
    found = stage.world.get(HUB, f"/users/{account(stage, username)['id']}/role-mappings/realm")
    assert isinstance(found, list)
    return {one["name"] for one in found if not one["name"].startswith("default-roles-")}


def groups(stage: Stage, username: str) -> set[str]:
    found = stage.world.get(HUB, f"/users/{account(stage, username)['id']}/groups")
    assert isinstance(found, list)
    return {one["path"] for one in found}


def no_clerk_any_more(stage: Stage, name: str) -> None:
    person, role = stage.user(CITY, name), stage.world.get(CITY, "/roles/clerk")
    stage.world.by_hand("DELETE", CITY, f"/users/{person['id']}/role-mappings/realm", [role])


@pytest.mark.parametrize(("door", "name"), [(OIDC, "clerk"), (SAML, "saml")])
def test_a_role_and_a_group_by_a_claim_are_given_are_no_drift_and_go_when_the_claim_is_gone(
    stage: Stage, door: str, name: str
) -> None:
    before = groups(stage, f"{HUB}-{name}")
    linked(stage, door, name)
    assert roles(stage, f"{HUB}-{name}") == {"reader"}
    assert groups(stage, f"{HUB}-{name}") - before == {f"/{HUB}/clerks"}
    assert not stage.world.plan(stage.catalog)

    no_clerk_any_more(stage, name)
    person, page = through(stage, door, name)
    assert person.token(page).ok
    assert roles(stage, f"{HUB}-{name}") == set()
    assert groups(stage, f"{HUB}-{name}") == before
    stage.world.apply(stage.catalog)  # the city's own people are Git's too


def test_who_has_such_a_role_without_such_a_login_has_it_from_a_hand(stage: Stage) -> None:
    unlinked(stage, "guest")
    role = stage.world.get(HUB, "/roles/reader")
    stage.world.by_hand("POST", HUB, f"/users/{account(stage, f'{HUB}-guest')['id']}/role-mappings/realm", [role])
    plan = stage.world.plan(stage.catalog)
    assert told(plan) == [f"update user {HUB}-guest"]
    assert len(plan.dangers) == 1
    stage.world.apply(stage.catalog)
    assert roles(stage, f"{HUB}-guest") == set()


def test_a_role_that_demands_a_second_factor_does_so_at_the_first_login_that_gives_it(stage: Stage) -> None:
    _, page = through(stage, JOINS, "chief")
    assert page.asks_to_set_up_otp
    assert roles(stage, f"{CITY}-chief") == {"editor"}


def test_who_is_new_has_what_the_provider_says_of_him_and_it_follows_at_every_login(stage: Stage) -> None:
    person, page = through(stage, JOINS, "new")
    assert person.token(page).ok
    found = account(stage, f"{CITY}-new")
    assert (found["email"], found["attributes"]["department"]) == (f"{CITY}-new@example.jp", ["総務課"])
    assert groups(stage, f"{CITY}-new") == {f"/{HUB}/visitors"}
    assert not stage.world.plan(stage.catalog)

    over_there = stage.user(CITY, "new")
    moved = {**over_there, "lastName": "日光", "attributes": {**over_there["attributes"], "department": ["土木課"]}}
    stage.world.by_hand("PUT", CITY, f"/users/{over_there['id']}", moved)
    person, page = through(stage, JOINS, "new")
    assert person.token(page).ok
    found = account(stage, f"{CITY}-new")
    assert (found["lastName"], found["attributes"]["department"]) == ("日光", ["土木課"])
    stage.world.apply(stage.catalog)


def test_a_role_that_no_login_gives_any_more_is_taken_from_who_is_linked_and_the_plan_is_empty(stage: Stage) -> None:
    linked(stage, OIDC, "guest")
    assert roles(stage, f"{HUB}-guest") == {"reader"}
    world = stage.world
    others = (
        by_oidc(world, JOINS, first_login="create", sync=Sync.FORCE, mappers=ALWAYS),
        by_saml(world, certificate(world, CITY), mappers=BY_SAML),
    )
    for doors in ((by_oidc(world, OIDC, mappers=(STANDS,)), *others), others):
        catalog = the_platform(world, *doors)
        world.apply(catalog)
        assert not world.plan(catalog)
        assert roles(stage, f"{HUB}-guest") == set()
    assert f"/{HUB}/clerks" not in groups(stage, f"{HUB}-guest")
    world.apply(stage.catalog)
    assert not world.plan(stage.catalog)


def test_an_answer_that_another_key_has_signed_opens_nothing(stage: Stage) -> None:
    world = stage.world
    where = f"/identity-provider/instances/{SAML}"
    found = world.get(HUB, where)
    assert isinstance(found, dict)
    other = {**found["config"], "signingCertificate": protocols.base64_of(certificate(world, HUB))}
    world.by_hand("PUT", HUB, where, {**found, "config": other})
    _, page = through(stage, SAML, "saml")
    assert page.code is None
    assert not page.asks_for_password
    plan = world.plan(stage.catalog)
    assert told(plan) == [f"update provider {SAML}"]
    assert len(plan.dangers) == 1
    world.apply(stage.catalog)
    assert world.get(HUB, where) == found


def test_a_certificate_that_is_over_opens_nothing_although_its_key_has_signed(stage: Stage) -> None:
    world, own = stage.world, certificate(stage.world, CITY)
    for end, comes_in in ((datetime(2020, 1, 1, tzinfo=UTC), False), (datetime(2120, 1, 1, tzinfo=UTC), True)):
        world.apply(the_platform(world, by_saml(world, lasting_until(own, end), mappers=BY_SAML)))
        unlinked(stage, "saml")
        _, page = through(stage, SAML, "saml")
        assert page.asks_for_password is comes_in
    world.apply(stage.catalog)


@pytest.mark.parametrize("setting", ["validateSignature", "wantAssertionsSigned", "wantAuthnRequestsSigned"])
def test_a_check_of_signatures_that_is_off_is_security_drift_and_mended(stage: Stage, setting: str) -> None:
    where = f"/identity-provider/instances/{SAML}"
    found = stage.world.get(HUB, where)
    assert isinstance(found, dict)
    stage.world.by_hand("PUT", HUB, where, {**found, "config": {**found["config"], setting: "false"}})
    plan = stage.world.plan(stage.catalog)
    assert told(plan) == [f"update provider {SAML}"]
    assert len(plan.dangers) == 1
    stage.world.apply(stage.catalog)
    assert stage.world.get(HUB, where) == found


def test_another_issuer_or_protocol_is_another_provider_to_which_nobody_is_linked(stage: Stage) -> None:
    world = stage.world
    city = f"{world.server.url}/realms/{world.realm(CITY)}"
    for protocol in (
        Oidc(f"{city}-other", city, city, city, "hub"),
        Saml(city, f"{city}/protocol/saml", (certificate(world, CITY),)),
    ):
        linked(stage, OIDC, "guest")
        changed = the_platform(world, with_provider(OIDC, tenant=HUB, protocol=protocol))
        world.apply(changed)
        assert not world.plan(changed)
        assert links(stage, "guest") == []
        world.apply(stage.catalog)
