"""The list of accounts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from control_plane.catalog.model import Catalog, Delegates, Exemption, Membership, People, Period, Role, User
from control_plane.reports import Count, Live, LiveUser, Report, users, with_factors, with_logins, words
from control_plane.reports.report import Cell, Word

from . import world


def listed(catalog: Catalog | None = None, live: Live | None = None) -> Report:
    return users(catalog or world.platform(), live, world.source(live is not None))


def row(report: Report, account: str) -> dict[str, Cell]:
    names = [column.title.code for column in report.columns]
    return next(found for one in report.rows if (found := dict(zip(names, one, strict=True)))["account"] == account)


def ja(cell: Cell) -> list[str]:
    return [part.ja if isinstance(part, Word) else str(part) for part in (cell if isinstance(cell, tuple) else (cell,))]


def test_every_declared_account_has_one_row_the_prefecture_first() -> None:
    assert [one[1] for one in listed().rows] == ["ken-0001", "staff-01", "staff-02", "staff-03", "staff-04", "ota-0001"]


def test_a_row_says_who_it_is_and_where_it_is_declared() -> None:
    found = row(listed(), "staff-01")
    assert (found["organization"], found["family_name"], found["given_name"]) == ("那須塩原市", "那須", "職員一")
    assert found["email"] == "staff-01@example.jp"
    assert found["declared"] == "tenants/nasushiobara.yaml:12"
    assert ja(found["groups"]) == ["デジタル推進課"]


def test_a_role_given_directly_says_so() -> None:
    assert "監査担当者 ← 直接付与" in ja(row(listed(), "staff-02")["roles"])


def test_a_role_that_came_by_a_group_and_one_by_a_composite_of_it_say_so() -> None:
    assert ja(row(listed(), "staff-01")["roles"]) == [
        "ダッシュボード作成者 ← グループ「デジタル推進課」",
        "ダッシュボード閲覧者 ← ダッシュボード作成者 ← グループ「デジタル推進課」",
    ]


def test_a_role_that_came_by_two_ways_says_both() -> None:
    told = [part.code for part in row(listed(), "staff-02")["roles"] if isinstance(part, Word)]  # type: ignore[union-attr]
    assert [code for code in told if code.startswith("dashboard-viewer")] == [
        "dashboard-viewer < group:tourism",
        "dashboard-viewer < dashboard-editor < group:digital",
    ]


def test_the_shortest_of_several_composites_is_told_and_a_circle_ends() -> None:
    roles = {
        "a": Role("a", "A", includes=("b", "c")),
        "b": Role("b", "B", includes=("c",)),
        "c": Role("c", "C", includes=("a",)),
    }
    catalog = world.platform((world.person("staff-01", roles=("a",)),), (), roles={**world.platform().roles, **roles})
    assert ja(row(listed(catalog), "staff-01")["roles"]) == ["A ← 直接付与", "B ← A ← 直接付与", "C ← A ← 直接付与"]


def test_every_role_that_the_catalog_says_a_person_holds_is_listed() -> None:
    catalog = world.platform()
    for user in catalog.users():
        groups = {group.name: group.roles for group in catalog.tenants[user.tenant].groups}
        given = {*user.roles, *(role for name in user.groups for role in groups[name])}
        held = {role for one in given for role in catalog.roles_with(one)}
        cell = row(listed(catalog), user.username)["roles"]
        assert {part.code.split(" < ")[0] for part in cell if isinstance(part, Word)} == held  # type: ignore[union-attr]


def test_groups_and_roles_as_a_guest_say_whose_group_it_is() -> None:
    catalog = world.platform()
    city = catalog.tenants["nasushiobara"]
    stay = Membership("nasushiobara", ("digital",))
    people = tuple(replace(one, elsewhere=(stay,)) for one in catalog.tenants["otawara"].users)
    visited = replace(
        catalog, tenants={**catalog.tenants, "otawara": replace(catalog.tenants["otawara"], users=people)}
    )
    found = row(listed(visited), people[0].username)
    assert f"{city.title} デジタル推進課" in ja(found["groups"])
    assert "ダッシュボード作成者 ← 那須塩原市グループ「デジタル推進課」" in ja(found["roles"])


@pytest.mark.parametrize(
    "account, told",
    [
        ("ken-0001", "必須（レルム全員、基準 staff）"),
        ("staff-01", "必須（役割: ダッシュボード作成者）"),
        ("staff-02", "必須（役割: 監査担当者、ダッシュボード作成者）"),
        ("staff-03", "不要"),
    ],
)
def test_mfa_says_by_which_rule_it_is_demanded(account: str, told: str) -> None:
    assert ja(row(listed(), account)["mfa_demanded"]) == [told]


def test_who_administers_or_audits_people_is_told_and_shows_a_second_factor() -> None:
    catalog = world.platform()
    city = catalog.tenants["nasushiobara"]
    people = (*city.users, world.person("staff-05", groups=("tourism",)))
    names = Delegates(("staff-03", "staff-05"))
    named = replace(city, users=people, administrators=names, auditors=Delegates(role="auditor"))
    catalog = replace(catalog, tenants={**catalog.tenants, "nasushiobara": named})
    found = row(listed(catalog), "staff-05")
    assert ja(found["roles"])[-1] == "団体の利用者の管理"
    assert ja(found["mfa_demanded"]) == ["必須（団体の利用者の管理・監査）"]
    assert "団体の利用者の管理" not in ja(row(listed(catalog), "staff-03")["roles"])  # the period is over
    assert ja(row(listed(catalog), "staff-02")["roles"])[-1] == "団体の利用者の監査"
    assert ja(row(listed(catalog), "staff-02")["mfa_demanded"]) == ["必須（役割: 監査担当者、ダッシュボード作成者）"]


def test_the_last_day_is_the_one_that_is_agreed_on_paper() -> None:
    found = row(listed(), "staff-01")
    assert (found["from"], found["until"]) == (date(2026, 4, 1), date(2027, 3, 31))


def test_an_end_within_a_day_keeps_its_time() -> None:
    end = datetime(2027, 3, 31, 17, 15, tzinfo=world.TOKYO)
    catalog = world.platform((world.person("staff-01", period=Period(None, end.astimezone(UTC))),))
    assert row(listed(catalog), "staff-01")["until"] == end


@pytest.mark.parametrize(
    "account, state", [("staff-01", "active"), ("staff-03", "ended"), ("staff-04", "not-yet"), ("ota-0001", "active")]
)
def test_without_servers_the_state_is_that_of_the_period(account: str, state: str) -> None:
    found = row(listed(), account)
    assert found["state"].code == state  # type: ignore[union-attr]
    assert found["enabled"] is None and found["mfa_registered"] is None and found["created"] is None


@pytest.mark.parametrize(
    "account, state",
    [
        ("staff-01", "active"),
        ("staff-03", "ended"),
        ("staff-04", "not-applied"),
        ("ota-0001", "disabled"),
        ("gone-01", "left"),
        ("by-hand", "unmanaged"),
    ],
)
def test_with_servers_the_state_says_what_is_there(account: str, state: str) -> None:
    assert row(listed(live=world.live()), account)["state"].code == state  # type: ignore[union-attr]


def with_user(account: str, **more: object) -> Live:
    live = world.live()
    users = {**live.users, ("nasushiobara", account): LiveUser(**({"enabled": True} | more))}  # type: ignore[arg-type]
    return replace(live, users=users)


def test_an_account_whose_period_is_over_and_that_still_opens_stands_out() -> None:
    assert row(listed(live=with_user("staff-03")), "staff-03")["state"].code == "not-applied"  # type: ignore[union-attr]
    assert row(listed(live=with_user("gone-01")), "gone-01")["state"].code == "left-enabled"  # type: ignore[union-attr]


def test_somebody_whom_a_directory_knows_is_the_directorys_and_counted_as_that() -> None:
    clerk = LiveUser(True, owned=False, family_name="佐藤", directory="庁内ディレクトリ")
    report = listed(live=replace(world.live(), users={**world.live().users, ("nasushiobara", "clerk-01"): clerk}))
    assert ja(row(report, "clerk-01")["state"]) == ["ディレクトリ「庁内ディレクトリ」"]
    assert ("directory", 1) in [(word.code, number) for word, number in report.summary]


def test_a_declared_account_that_the_server_has_without_our_mark_is_unmanaged() -> None:
    live = with_user("staff-01", owned=False)
    assert row(listed(live=live), "staff-01")["state"].code == "unmanaged"  # type: ignore[union-attr]


def test_a_row_tells_the_last_login_and_who_has_not_signed_in_for_long() -> None:
    at = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
    live = with_logins(world.live(), {("nasushiobara", "staff-01"): at}, {("nasushiobara", "staff-01")})
    found = row(listed(live=live), "staff-01")
    assert found["last_login"] == at
    assert str(found["last_login"]) == "2026-06-01 09:30:00+09:00"
    assert found["state"].code == "dormant"  # type: ignore[union-attr]
    assert row(listed(live=live), "staff-02")["last_login"] is None


@pytest.mark.parametrize(
    "keep_days, state", [(365, "left-long-ago"), (366, "left"), (None, "left")], ids=["over", "not over", "without end"]
)
def test_who_left_has_the_day_of_it_and_is_told_when_the_time_is_over(keep_days: int | None, state: str) -> None:
    catalog = world.platform()
    city = catalog.realms["nasushiobara"]
    kept = replace(city, baseline=replace(city.baseline, people=People(keep_days)))
    live = with_user("gone-01", enabled=False, left=date(2025, 10, 1))
    found = row(listed(replace(catalog, realms={**catalog.realms, "nasushiobara": kept}), live), "gone-01")
    assert (found["state"].code, found["left"]) == (state, date(2025, 10, 1))  # type: ignore[union-attr]


def test_an_account_only_on_the_server_stands_with_its_organization() -> None:
    found = row(listed(live=world.live()), "by-hand")
    assert found["organization"] == "那須塩原市" and found["email"] == "by-hand@example.jp"
    assert found["declared"] is None


def test_an_account_in_a_realm_that_nobody_declares_is_not_left_out() -> None:
    live = replace(world.live(), users={("elsewhere", "a-01"): LiveUser(True, owned=False)})
    assert row(listed(live=live), "a-01")["organization"] == "elsewhere"


def test_a_second_factor_that_is_demanded_and_missing_stands_out() -> None:
    report = listed(live=world.live())
    cell = row(report, "staff-02")["mfa_registered"]
    assert isinstance(cell, Word) and (cell.code, cell.tone) == ("no", "bad")
    assert {word.code: number for word, number in report.summary}["mfa-missing"] == 2  # staff-02, ken-0001


def test_who_has_no_one_time_password_where_a_passkey_will_do_is_not_said_to_have_no_second_factor() -> None:
    catalog = world.platform()
    city = catalog.realms["nasushiobara"]
    both = replace(city, baseline=replace(city.baseline, factors=("totp", "passkey")))
    report = listed(replace(catalog, realms={**catalog.realms, "nasushiobara": both}), world.live())
    assert ja(row(report, "staff-02")["mfa_registered"]) == ["未確認"]
    assert ja(row(report, "staff-01")["mfa_registered"]) == ["登録済み"]


def test_who_has_been_asked_is_told_with_each_factor_and_the_day_since_when() -> None:
    since = datetime(2026, 3, 28, 16, tzinfo=UTC)
    live = with_factors(
        world.live(), {("nasushiobara", "staff-01"): (("passkey", _ms(since)), ("recovery-codes", "x"))}
    )
    cell = row(listed(live=live), "staff-01")["mfa_registered"]
    assert ja(cell) == ["パスキー（2026-03-29 から）", "リカバリーコード"]


def test_recovery_codes_alone_stand_out() -> None:
    live = with_factors(world.live(), {("nasushiobara", "staff-01"): (("recovery-codes", None),)})
    report = listed(live=live)
    assert ja(row(report, "staff-01")["mfa_registered"])[0] == "リカバリーコードのみ"
    assert {word.code: number for word, number in report.summary}["recovery-codes-only"] == 1


def test_who_is_left_out_by_name_is_told_with_reason_and_end_and_misses_nothing() -> None:
    exempt = Exemption("読み上げ端末のため", Period(None, world.NOW + timedelta(days=30)))
    catalog = world.platform((replace(world.STAFF[1], exempt=exempt),))
    city = catalog.realms["nasushiobara"]
    allowed = replace(city, baseline=replace(city.baseline, exemptions=True))
    report = listed(replace(catalog, realms={**catalog.realms, "nasushiobara": allowed}), world.live())
    found = row(report, world.STAFF[1].username)
    (said,) = ja(found["mfa_demanded"])
    assert said.startswith("免除") and said.endswith("読み上げ端末のため")
    assert found["mfa_registered"] != words.MFA_MISSING


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def test_a_name_in_capitals_is_found_as_keycloak_keeps_it() -> None:
    catalog = world.platform((world.person("Staff-01"),))
    report = listed(catalog, world.live())
    assert row(report, "Staff-01")["state"].code == "active"  # type: ignore[union-attr]
    assert not [one for one in report.rows if one[1] == "staff-01"]


def test_created_is_told_in_the_platforms_zone() -> None:
    created = row(listed(live=world.live()), "staff-01")["created"]
    assert isinstance(created, datetime)
    assert (created.isoformat(), created.utcoffset()) == ("2026-03-28T10:02:03+09:00", timedelta(hours=9))


def test_the_number_of_accounts_is_proven_against_the_realms_own_count() -> None:
    report = listed(live=world.live())
    assert report.counts == (Count("nasushiobara", 5, 5), Count("tochigi", 2, 2))
    assert report.proven is True
    less = replace(world.live(), user_counts={"nasushiobara": 6, "tochigi": 2, "empty": 0})
    assert listed(live=less).proven is False
    assert listed().proven is None


def test_the_summary_adds_up() -> None:
    report = listed(live=world.live())
    told = {word.code: number for word, number in report.summary}
    assert told.pop("accounts") == len(report.rows)
    told.pop("mfa-missing")
    assert sum(told.values()) == len(report.rows)


def test_the_order_of_the_yaml_changes_nothing() -> None:
    def shuffled(people: tuple[User, ...]) -> Catalog:
        catalog = world.platform(people[::-1])
        return replace(catalog, tenants=dict(reversed(catalog.tenants.items())))

    live = world.live()
    turned = replace(live, users=dict(reversed(live.users.items())))
    assert listed(shuffled(world.STAFF), turned).sha256 == listed(live=live).sha256


def test_the_digest_changes_with_any_row_and_with_nothing_else() -> None:
    first = listed()
    other = replace(first, source=replace(first.source, commit="another"), summary=(), notes=())
    assert other.sha256 == first.sha256
    changed = listed(world.platform((world.person("staff-01", given="職員九"), *world.STAFF[1:])))
    assert changed.sha256 != first.sha256
