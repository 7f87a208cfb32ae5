"""The complete example holds what the prefecture's requirements say, and stays an example."""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from control_plane.catalog.load import load
from control_plane.catalog.model import Auth, Catalog, Disclosure, Grant, MfaMode, State, TenantType, User
from control_plane.keycloak.clientscopes import consents
from control_plane.reports.ceiling import counted

from .conftest import NOVEMBER, ROOT

FOLDERS = ("tenants", "apis", "roles", "templates", "rosters", "keys")
DOCUMENTATION_RANGES = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
EMAIL = re.compile(r"[\w.+-]+@[\w.-]+")


def holders(catalog: Catalog, role: str) -> list[User]:
    """Users who hold the role directly, through a group or through a role that includes it."""
    groups = {(group.tenant, group.name): group.roles for group in catalog.groups()}

    def roles_of(user: User) -> set[str]:
        given = {*user.roles, *(name for group in user.groups for name in groups[user.tenant, group])}
        return {included for name in given for included in catalog.roles_with(name)}

    return [user for user in catalog.users() if role in roles_of(user)]


def grants(catalog: Catalog, service: str) -> list[Grant]:
    return [grant for grant in catalog.grants() if grant.service == service]


def test_the_prefecture_its_25_cities_and_towns_two_universities_and_three_companies_are_there(tochigi):
    assert Counter(tenant.type for tenant in tochigi.tenants.values()) == {
        TenantType.PREFECTURE: 1,
        TenantType.MUNICIPALITY: 25,
        TenantType.UNIVERSITY: 2,
        TenantType.COMPANY: 3,
    }


def test_six_cities_have_a_realm_of_their_own_and_the_others_share_the_prefectures(tochigi):
    cities = [tenant for tenant in tochigi.tenants.values() if tenant.type is TenantType.MUNICIPALITY]
    own = {tenant.name for tenant in cities if not tenant.shared}
    assert own == {"utsunomiya", "ashikaga", "tochigi-city", "oyama", "nikko", "nasushiobara"}
    assert {tenant.realm for tenant in cities if tenant.shared} == {"tochigi"}


def test_a_city_with_its_own_realm_asks_everyone_for_a_second_factor_and_the_shared_realm_by_role(tochigi):
    assert tochigi.realms["tochigi"].baseline.mfa is MfaMode.BY_ROLE
    assert tochigi.realms["nasushiobara"].baseline.mfa is MfaMode.EVERYONE


def test_six_staff_accounts_and_two_vendor_accounts_work_on_dashboards_with_a_second_factor(tochigi):
    staff, vendors = holders(tochigi, "dashboard-editor"), holders(tochigi, "dashboard-maintainer")
    assert [user.username for user in staff] == [f"staff-0{n}" for n in range(1, 7)]
    assert [user.username for user in vendors] == ["vendor-01", "vendor-02"]
    assert tochigi.roles["dashboard-editor"].max_holders == 6
    assert tochigi.roles["dashboard-maintainer"].max_holders == 2
    assert tochigi.demands_mfa("dashboard-editor") and tochigi.demands_mfa("dashboard-maintainer")
    assert all(tochigi.realm_of(user.tenant).baseline.recovery_codes for user in (*staff, *vendors))


def test_the_prefectures_realm_has_people_with_and_without_a_role_that_demands_a_second_factor(tochigi):
    demanding = {
        user.username for role in tochigi.roles if tochigi.demands_mfa(role) for user in holders(tochigi, role)
    }
    here = {user.username for user in tochigi.users() if tochigi.realm_of(user.tenant).name == "tochigi"}
    assert here & demanding and here - demanding


def test_services_read_900_times_and_update_300_times_a_minute(tochigi):
    for name in ("ngsi-v2", "files"):
        assert tochigi.apis[name].level("read").limit["minute"] == 900
        assert tochigi.apis[name].level("update").limit["minute"] == 300


def test_no_reading_service_can_use_up_the_platforms_month_alone(tochigi):
    assert all(tochigi.apis[name].level("read").limit["month"] <= 10_000_000 for name in ("ngsi-v2", "files"))


def test_every_realm_keeps_its_events_for_one_year(tochigi):
    assert {realm.baseline.events_days for realm in tochigi.realms.values()} == {365}


def test_the_broker_has_a_deprecated_version_beside_the_published_one(tochigi):
    broker = tochigi.apis["ngsi-v2"]
    assert [(version.name, version.state) for version in broker.versions] == [
        ("v1", State.DEPRECATED),
        ("v2", State.PUBLISHED),
    ]
    assert broker.version("v1").sunset and broker.version("v1").successor == "v2"


def test_the_example_shows_every_state_of_a_version_and_every_disclosure_of_data(tochigi):
    assert {version.state for api in tochigi.apis.values() for version in api.versions} == set(State)
    assert {scope.disclosure for scope in tochigi.scopes.values()} == set(Disclosure)


def test_members_of_the_passport_are_asked_before_it_gets_what_is_known_of_them(tochigi):
    asked = {scope.name: scope.consent for scope in tochigi.scopes.values() if scope.consent}
    assert asked == {"nasushiobara-passport-member": "観光パスポートの会員情報（お住まいの地域、年代、訪れた施設）"}
    passport = next(service for service in tochigi.services() if service.name == "nasushiobara.tourism-passport")
    assert passport.redirect_uris and consents(tochigi, passport) == asked.keys()


def test_the_open_data_catalog_asks_nobody_who_he_is(tochigi):
    assert tochigi.apis["opendata-catalog"].auth == frozenset()
    assert not [grant for grant in tochigi.grants() if grant.api == "opendata-catalog"]


def test_the_portal_reads_roads_and_its_time_with_files_is_over(tochigi):
    broker, files = sorted(grants(tochigi, "nasushiobara.portal"), key=lambda grant: grant.api, reverse=True)
    assert (broker.api, broker.levels, broker.scopes) == ("ngsi-v2", ("read",), ("road",))
    assert broker.period.holds(NOVEMBER)
    assert files.api == "files" and not files.period.holds(NOVEMBER)
    portal = next(service for service in tochigi.services() if service.name == "nasushiobara.portal")
    assert portal.auth == {Auth.API_KEY, Auth.TOKEN} and not portal.allowed_ips


def test_there_is_a_grant_that_has_not_yet_begun(tochigi):
    assert any(grant.period.start and grant.period.start > NOVEMBER for grant in tochigi.grants())


def test_limited_data_of_somebody_else_are_granted_only_with_the_owners_approval(tochigi):
    for grant in tochigi.grants():
        owners = {tochigi.scopes[name].owner for name in grant.scopes if tochigi.scopes[name].disclosure == "limited"}
        for owner in owners - {grant.tenant}:
            assert grant.approval and grant.approval.by == owner


def test_rosters_from_excel_are_read_in_both_of_its_encodings(tochigi):
    assert (ROOT / "rosters/nasushiobara.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (ROOT / "rosters/ashikaga.csv").read_bytes().decode("cp932")
    assert [user.family_name for user in tochigi.tenants["nasushiobara"].users] == ["那須"] * 8
    assert [user.family_name for user in tochigi.tenants["ashikaga"].users] == ["足利"] * 6


def test_addresses_are_from_the_ranges_reserved_for_documentation(tochigi):
    addresses = [ip for service in tochigi.services() for ip in service.allowed_ips]
    assert addresses
    for address in addresses:
        assert any(ipaddress.ip_network(address).subnet_of(net) for net in DOCUMENTATION_RANGES), address


def test_every_mail_address_in_the_example_ends_in_example_jp():
    texts = {path: _text(path) for folder in FOLDERS for path in (ROOT / folder).iterdir()}
    found = [(path.name, mail) for path, text in texts.items() for mail in EMAIL.findall(text)]
    assert len(found) > 100
    assert not [entry for entry in found if not entry[1].endswith("@example.jp")]


@pytest.mark.parametrize("environment", ["production", "maintenance-test", "training", "sandbox"])
def test_the_example_is_valid_in_every_environment(environment):
    catalog = load(ROOT, environment, NOVEMBER)
    assert catalog.environment.embedded == (environment == "sandbox")
    if not catalog.environment.embedded:
        assert {api.upstream for api in catalog.apis.values()} <= catalog.environment.upstreams.keys()


def test_the_order_and_the_names_of_files_change_nothing(tochigi, tmp_path):
    shutil.copy(ROOT / "renkei.yaml", tmp_path)
    for folder in FOLDERS:
        files = sorted((ROOT / folder).iterdir())
        (tmp_path / folder).mkdir()
        for number, path in enumerate(reversed(files)):
            name = path.name if folder in ("rosters", "keys") else f"{number:03d}{path.suffix}"
            shutil.copy(path, tmp_path / folder / name)
    assert _without_places(load(tmp_path, "sandbox", NOVEMBER)) == _without_places(tochigi)


def test_the_order_inside_of_files_changes_nothing_but_the_order_in_lists(tochigi, tmp_path):
    for source in [ROOT / "renkei.yaml", *(path for folder in FOLDERS for path in (ROOT / folder).iterdir())]:
        target = tmp_path / source.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(_upside_down(source))
    found, expected = load(tmp_path, "sandbox", NOVEMBER), tochigi
    assert _without_places(found, ordered=False) == _without_places(expected, ordered=False)


def _upside_down(path: Path) -> bytes:
    """The file with the entries of every list and mapping, or the rows of the roster, in the opposite order."""
    if path.suffix == ".pem":
        return path.read_bytes()
    if path.suffix == ".csv":
        header, *rows = path.read_bytes().splitlines(keepends=True)
        return b"".join([header, *reversed(rows)])
    root = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    _turn(root)
    return yaml.serialize(root, Dumper=yaml.SafeDumper, allow_unicode=True, encoding="utf-8")


def _turn(node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        node.value.reverse()
        for key, value in node.value:
            if key.value != "locales":  # the first is the default
                _turn(value)
    elif isinstance(node, yaml.SequenceNode):
        node.value.reverse()
        for item in node.value:
            _turn(item)


def _text(path: Path) -> str:
    content = path.read_bytes()
    return content.decode("cp932" if path.name == "ashikaga.csv" else "utf-8-sig")


def _without_places(value: object, ordered: bool = True) -> object:
    """The value with every origin taken out; without `ordered`, the order in tuples counts for nothing either."""
    if isinstance(value, Mapping):
        return [(key, _without_places(item, ordered)) for key, item in value.items()]
    if isinstance(value, tuple):
        items = [_without_places(item, ordered) for item in value]
        return items if ordered else sorted(items, key=repr)
    if hasattr(value, "__dataclass_fields__"):
        fields = {key: item for key, item in vars(value).items() if key != "origin"}
        return (type(value).__name__, _without_places(fields, ordered))
    return sorted(value) if isinstance(value, frozenset) else value


def test_the_services_monthly_limits_come_to_no_more_than_the_fifty_million_calls_of_the_platform(tochigi):
    begins = [grant.period.start for grant in tochigi.grants() if grant.period.start]
    assert tochigi.platform.limits.calls_per_month == 50_000_000
    for instant in (tochigi.as_of, *begins):
        month = counted(replace(tochigi, as_of=instant))
        assert 30_000_000 < month.promised <= 50_000_000, instant
        assert month.endless == ()


def test_production_has_several_nodes_that_count_together_behind_a_load_balancer():
    kong = load(ROOT, "production", NOVEMBER).environment.kong
    assert kong.redis.tls and kong.redis.password_variable
    assert kong.behind.proxies == ("10.0.3.0/28",)


def test_who_may_update_data_may_not_make_the_broker_send_them_elsewhere(tochigi):
    subscribe = tochigi.apis["ngsi-v2"].level("subscribe")
    assert set(subscribe.paths) == {"/registrations", "/subscriptions"}
    assert set(tochigi.apis["ngsi-v2"].level("update").methods) == set(subscribe.methods)
    assert [grant for grant in tochigi.grants() if grant.api == "ngsi-v2" and "subscribe" in grant.levels] == []
