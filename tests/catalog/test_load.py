"""A directory to a catalog: environments, templates, periods, and what is no configuration at all."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from benchmarks.synthetic import Size
from benchmarks.synthetic import write as write_synthetic
from control_plane.catalog import syntax
from control_plane.catalog.load import load, read, read_environments
from control_plane.catalog.model import Auth, FileSecretsSettings, MfaMode, Period, SecretRef, State, VaultSettings
from control_plane.problems import ConfigurationError

from .worlds import API, AS_OF, CITY, RENKEI, TEMPLATES, WORLD, messages, problems, world, write

TOKYO = ZoneInfo("Asia/Tokyo")
PRODUCTION = """\
  production:
    title: 本番環境
    keycloak: {url: https://id.example.jp/, client_id: renkei, client_secret: !secret keycloak/admin#client_secret}
    kong: {admin_url: https://kong.example.jp:8444, admin_token: !secret kong/admin#token, verify: ca.pem}
    secrets: {vault: {url: https://vault.example.jp:8200, path: renkei/production, auth: approle}}
    upstreams: {orion: http://orion.example.jp:1026}
  training:
    extends: production
    secrets: {files: secrets}
"""
SERVICE = """\
services:
  - service: portal
    title: 地域ポータル
    auth: [api-key]
    from: 2026-04-01
    grants:
      - {api: ngsi-v2, levels: [read], scopes: [facility], until: 2027-03-31}
      - {api: ngsi-v2, levels: [update], scopes: [facility], versions: [v2]}
"""


# ---------------------------------------------------------------- environments


def test_the_only_environment_need_not_be_named(tmp_path):
    assert world(tmp_path).environment.name == "sandbox"


def test_of_several_environments_one_must_be_named(tmp_path):
    found = problems(tmp_path, renkei=RENKEI + PRODUCTION)
    assert [problem.message for problem in found] == ["which environment? There are production, sandbox, training"]


def test_an_environment_that_is_not_there_is_a_problem_that_names_those_that_are(tmp_path):
    [problem] = problems(tmp_path, "prodction", renkei=RENKEI + PRODUCTION)
    assert problem.note == "There are production, sandbox, training."
    assert problem.help == "did you mean 'production'?"


def test_the_environments_can_be_listed_from_a_directory_with_mistakes_elsewhere(tmp_path):
    write(tmp_path, {**WORLD, "renkei.yaml": RENKEI + PRODUCTION, "tenants/city.yaml": "tenant: [\n"})
    assert read_environments(tmp_path) == ("production", "sandbox", "training")


def test_an_environment_holds_its_servers_and_names_its_secrets(tmp_path):
    found = world(tmp_path, "production", renkei=RENKEI + PRODUCTION).environment
    assert not found.embedded and found.title == "本番環境"
    assert found.keycloak and found.keycloak.url == "https://id.example.jp"
    assert found.keycloak.client_secret == SecretRef("keycloak/admin", "client_secret")
    assert found.kong and (found.kong.verify, found.kong.admin_token) == ("ca.pem", SecretRef("kong/admin", "token"))
    assert found.secrets == VaultSettings("https://vault.example.jp:8200", "secret", "renkei/production", "approle")


def test_an_environment_takes_each_section_that_it_does_not_give_from_what_it_extends(tmp_path):
    catalog = world(tmp_path, "training", renkei=RENKEI + PRODUCTION)
    assert catalog.environment.upstreams == {"orion": "http://orion.example.jp:1026"}
    assert catalog.environment.secrets == FileSecretsSettings("secrets")
    assert catalog.environment.title == ""


def test_one_directory_read_once_gives_the_catalog_of_every_environment(tmp_path):
    loaded = read(write(tmp_path, {**WORLD, "renkei.yaml": RENKEI + PRODUCTION}), AS_OF)
    catalogs = [loaded.catalog(name) for name in loaded.environments]
    assert {replace(one, environment=catalogs[0].environment) == catalogs[0] for one in catalogs} == {True}


# ---------------------------------------------------------------- what the words become


def test_a_date_is_the_whole_day_in_the_platforms_zone(tmp_path):
    [service] = world(tmp_path, city=CITY + SERVICE).services()
    assert service.period == Period(datetime(2026, 4, 1, tzinfo=TOKYO), None)
    assert service.grants[0].period == Period(None, datetime(2027, 4, 1, tzinfo=TOKYO))
    assert service.grants[0].period.holds(datetime(2027, 3, 31, 14, 59, tzinfo=UTC))
    assert not service.grants[0].period.holds(datetime(2027, 3, 31, 15, 0, tzinfo=UTC))


def test_an_instant_is_that_instant(tmp_path):
    text = SERVICE.replace("until: 2027-03-31", "until: 2027-03-31T12:00:00+00:00")
    [service] = world(tmp_path, city=CITY + text).services()
    assert service.grants[0].period.end == datetime(2027, 3, 31, 21, tzinfo=TOKYO)


def test_a_period_is_of_another_zone_where_the_platform_is(tmp_path):
    renkei = RENKEI + "timezone: Europe/Berlin\n"
    [service] = world(tmp_path, renkei=renkei, city=CITY + SERVICE).services()
    assert service.grants[0].period.end == datetime(2027, 3, 31, 22, tzinfo=UTC)


def test_a_grant_without_versions_is_for_those_at_the_gateway(tmp_path):
    [service] = world(tmp_path, city=CITY + SERVICE).services()
    assert [grant.versions for grant in service.grants] == [("v1", "v2"), ("v2",)]


def test_versions_and_levels_of_an_api_are_those_of_its_file(tmp_path):
    api = world(tmp_path).apis["ngsi-v2"]
    assert [version.state for version in api.versions] == [State.DEPRECATED, State.PUBLISHED, State.DRAFT]
    assert api.version("v1").sunset == date(2027, 3, 31)
    assert api.level("read").methods == ("GET", "HEAD")
    assert api.auth == {Auth.API_KEY}


def test_an_api_that_is_open_asks_for_nothing(tmp_path):
    assert world(tmp_path, api=API.replace("[api-key]", "none")).apis["ngsi-v2"].auth == frozenset()


def test_a_level_has_its_own_limit_before_its_plans_and_a_plan_its_own_before_what_it_extends(tmp_path):
    plans = """\
api_plans:
  - {plan: standard, levels: {read: {minute: 900, hour: 9000}, update: {minute: 300, day: 5000}}}
  - {plan: metered, extends: standard, levels: {read: {minute: 600, month: 100000}}}
"""
    api = world(tmp_path, templates=TEMPLATES + plans, api=API + "plan: metered\n").apis["ngsi-v2"]
    assert api.level("read").limit == {"minute": 600, "hour": 9000, "month": 100000}
    assert api.level("update").limit == {"minute": 60, "day": 5000}


def test_a_template_takes_each_key_of_each_section_that_it_does_not_give_from_what_it_extends(tmp_path):
    templates = """\
realm_templates:
  - template: base
    mfa: {required: by-role, factors: [totp, passkey]}
    passkey: {domain: id.example.jp}
    password: {length: 12, history: 5}
    brute_force: {failures: 10, wait: 1m}
    tokens: {access: 300, sso_max: 10h}
    attributes: [department, building]
  - template: staff
    extends: base
    mfa: {required: everyone}
    password: {length: 14, special: 1}
    attributes: [laboratory]
"""
    found = world(tmp_path, templates=templates).realms["city"].baseline
    assert (found.mfa, found.factors) == (MfaMode.EVERYONE, ("totp", "passkey"))
    assert found.password_policy == {"length": 14, "history": 5, "special": 1}
    assert found.brute_force == {"failures": 10, "wait": 60}
    assert found.tokens == {"access": 300, "sso_max": 36000}
    assert found.attributes == ("laboratory",)


def test_an_exemption_holds_through_its_last_day_and_its_end_is_a_date_to_apply_at(tmp_path):
    templates = TEMPLATES.replace("everyone", "everyone, exemptions: true")
    person = (
        "{username: staff-01, family_name: 見本, given_name: 職員一, mfa_exempt: {reason: 端末, until: 2027-03-31}}"
    )
    catalog = world(
        tmp_path, templates=templates, city=CITY + f"users:\n  - {person}\n", api=API.replace("2027", "2028")
    )
    [user] = catalog.users()
    assert user.exempt.reason == "端末"
    assert user.exempt.period.end == datetime(2027, 4, 1, tzinfo=TOKYO) == catalog.next_change()


def test_a_realm_whose_template_says_nothing_of_a_second_factor_asks_everyone(tmp_path):
    found = world(tmp_path, templates="realm_templates:\n  - template: staff\n").realms["city"].baseline
    assert found.mfa is MfaMode.EVERYONE


def test_a_tenant_in_a_shared_realm_lives_there(tmp_path):
    town = CITY.replace("city", "town").replace("{template: staff}", "{shared: city}")
    catalog = world(tmp_path, town=town)
    assert list(catalog.realms) == ["city"]
    assert (catalog.tenants["town"].realm, catalog.tenants["town"].shared) == ("city", True)


def test_without_a_time_the_catalog_is_of_now(tmp_path):
    catalog = load(write(tmp_path, WORLD))
    assert timedelta(0) <= datetime.now(UTC) - catalog.as_of < timedelta(minutes=1)


def test_a_time_without_an_offset_is_refused(tmp_path):
    with pytest.raises(ConfigurationError):
        load(write(tmp_path, WORLD), as_of=datetime(2026, 11, 20))  # noqa: DTZ001  that is the mistake


def test_origins_name_the_line_of_the_object(tmp_path):
    catalog = world(tmp_path, city=CITY + SERVICE)
    [service] = catalog.services()
    assert str(service.origin) == "tenants/city.yaml:6"
    assert str(service.grants[1].origin) == "tenants/city.yaml:12"
    assert str(catalog.apis["ngsi-v2"].level("update").origin) == "apis/ngsi-v2.yaml:13"


# ---------------------------------------------------------------- what is no configuration


def test_a_directory_that_is_not_there_is_a_problem(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no directory"):
        load(tmp_path / "nowhere")


def test_a_file_instead_of_a_directory_is_a_problem(tmp_path):
    with pytest.raises(ConfigurationError, match="is not a directory"):
        load(write(tmp_path, WORLD) / "renkei.yaml")


def test_a_path_that_no_system_takes_is_a_problem():
    with pytest.raises(ConfigurationError):
        load(Path("x\0y"))


def test_a_directory_without_anything_is_a_problem(tmp_path):
    with pytest.raises(ConfigurationError, match=r"there is no renkei\.yaml"):
        load(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_problem(tmp_path):
    (write(tmp_path, WORLD) / "tenants/city.yaml").chmod(0)
    with pytest.raises(ConfigurationError, match="the file cannot be read: permission denied"):
        load(tmp_path)


def test_a_directory_or_a_pipe_with_the_name_of_a_file_is_a_problem_and_does_not_hang(tmp_path):
    write(tmp_path, WORLD)
    (tmp_path / "tenants/x.yaml").mkdir()
    os.mkfifo(tmp_path / "tenants/y.yaml")
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path)
    assert [problem.message for problem in raised.value.problems] == ["this is not a file"] * 2


def test_a_file_that_is_too_large_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(syntax, "LARGEST", 100)
    assert "the file is larger than 0 MB" in messages(tmp_path)


def test_links_inside_the_configuration_are_followed(tmp_path):
    write(tmp_path, WORLD)
    (tmp_path / "tenants/city.yaml").rename(tmp_path / "city.txt")
    (tmp_path / "tenants/city.yaml").symlink_to("../city.txt")
    assert list(load(tmp_path).tenants) == ["city"]


def test_what_is_no_configuration_file_is_left_alone(tmp_path):
    write(tmp_path, {**WORLD, "tenants/README.md": "x", "tenants/.city.yaml.swp": "x", "other/x.yaml": "["})
    assert list(load(tmp_path).tenants) == ["city"]


def test_a_mistake_in_one_file_does_not_hide_those_in_others_nor_makes_new_ones(tmp_path):
    city = CITY + SERVICE.replace("auth: [api-key]", "auth: [api-kye]")
    town = CITY.replace("city", "town").replace("{template: staff}", "{shared: city}").replace("見本市", "2026")
    scopes = "data_scopes:\n  - {scope: facility, title: x, owner: city, disclosure: opne}\n"
    assert messages(tmp_path, city=city, town=town, scopes=scopes) == [
        "'disclosure': 'opne' is none of open, limited, closed",
        "'auth': 'api-kye' is none of api-key, token",
        "'title': a text is expected, not the number 2026",
    ]


# ---------------------------------------------------------------- laws


def test_the_names_of_files_and_how_roles_are_split_into_them_change_nothing(tmp_path):
    size = Size(users=40, services=20, tenants=8, apis=3, roles=6, scopes=5, realms=2)
    write_synthetic(tmp_path / "one", size)
    write_synthetic(tmp_path / "two", size)
    for number, path in enumerate(sorted((tmp_path / "two").glob("*/*.yaml"), reverse=True)):
        path.rename(path.with_name(f"{number:03}.yaml"))
    [roles] = (tmp_path / "two/roles").glob("*.yaml")
    head, _, scopes = roles.read_text(encoding="utf-8").partition("data_scopes:\n")
    lines = head.splitlines(keepends=True)
    roles.write_text("data_scopes:\n" + scopes + lines[0] + "".join(reversed(lines[1:])), encoding="utf-8")
    one, two = (load(tmp_path / name, as_of=AS_OF) for name in ("one", "two"))
    assert list(one.tenants) == list(two.tenants) and list(one.roles) == list(two.roles)
    assert bare(one) == bare(two)


def bare(value: object) -> object:
    """Without origins."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(bare(inner) for inner in value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: bare(inner) for name, inner in vars(value).items() if name != "origin"}
    return value


def test_what_stands_in_hundreds_of_files_is_all_there(tmp_path):
    size = Size()
    write_synthetic(tmp_path, size)
    catalog = load(tmp_path)
    assert (sum(1 for _ in catalog.users()), sum(1 for _ in catalog.services())) == (size.users, size.services)


def test_a_problem_of_a_file_as_such_leaves_nobody_a_line_to_look_up(tmp_path):
    """A link out of the configuration must not show the first line of what it leads to."""
    (tmp_path / "outside.txt").write_text("first line\n", encoding="utf-8")
    write(tmp_path / "in", WORLD)
    (tmp_path / "in/tenants/x.yaml").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path / "in")
    assert [(problem.message, problem.source) for problem in raised.value.problems] == [
        ("the file is outside of the configuration", "")
    ]
