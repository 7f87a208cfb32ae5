"""A small platform: a prefecture, a city with its own realm, one in the prefecture's, a company, three APIs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from control_plane.catalog.model import (
    Api,
    Approval,
    Auth,
    Catalog,
    DataScope,
    Disclosure,
    Environment,
    Fiware,
    Grant,
    Group,
    Level,
    MfaMode,
    Period,
    Platform,
    Realm,
    RealmBaseline,
    Role,
    Scoping,
    Service,
    State,
    Tenant,
    TenantType,
    User,
    Version,
)
from control_plane.problems import Origin
from control_plane.reports import Live, LiveService, LiveUser, Source

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 10, 1, 9, 30, tzinfo=TOKYO)
READ = datetime(2026, 10, 1, 0, 31, 12, tzinfo=UTC)
YEAR = Period(datetime(2026, 4, 1, tzinfo=TOKYO), datetime(2027, 4, 1, tzinfo=TOKYO))  # 2026-04-01 to 2027-03-31
LAST_YEAR = Period(datetime(2025, 4, 1, tzinfo=TOKYO), datetime(2026, 4, 1, tzinfo=TOKYO))
NEXT_YEAR = Period(datetime(2027, 4, 1, tzinfo=TOKYO), None)


def person(username: str, family: str = "那須", given: str = "職員", **more: object) -> User:
    fields: dict[str, object] = {"tenant": "nasushiobara", "email": f"{username}@example.jp"}
    fields |= {"origin": Origin("tenants/nasushiobara.yaml", 12)} | more
    return User(username=username, family_name=family, given_name=given, **fields)  # type: ignore[arg-type]


STAFF = (
    person("staff-01", given="職員一", groups=("digital",), period=YEAR),
    person("staff-02", given="職員二", groups=("digital", "tourism"), roles=("auditor",)),
    person("staff-03", given="職員三", groups=("tourism",), period=LAST_YEAR),
    person("staff-04", given="職員四", period=NEXT_YEAR, email=None),
)


def tenant(name: str, title: str, type: TenantType, realm: str | None = None, **more: object) -> Tenant:
    return Tenant(name, title, type, realm or name, shared=realm is not None, **more)  # type: ignore[arg-type]


def grant(api: str, levels: tuple[str, ...] = ("read",), **more: object) -> Grant:
    fields: dict[str, object] = {"scopes": (), "versions": ("v2",), "period": YEAR} | more
    place = Origin("tenants/nasushiobara.yaml", 31)
    return Grant("nasushiobara", "nasushiobara.portal", api, levels, origin=place, **fields)  # type: ignore[arg-type]


PORTAL = Service(
    "nasushiobara",
    "portal",
    "地域ポータル",
    frozenset({Auth.API_KEY, Auth.TOKEN}),
    allowed_ips=("203.0.113.0/24",),
    grants=(
        grant(
            "ngsi-v2",
            ("read", "update"),
            scopes=("road", "river"),
            versions=("v1", "v2"),
            approval=Approval("2026-0012", "tochigi", date(2026, 3, 10)),
        ),
        grant("files", scopes=("road",), period=LAST_YEAR),
        grant("soon"),
    ),
    limits={("ngsi-v2", "read"): {"minute": 1200}},
    origin=Origin("tenants/nasushiobara.yaml", 24),
)
IDLE = Service("otawara", "bus", "バス位置情報", frozenset({Auth.TOKEN}), origin=Origin("tenants/otawara.yaml", 9))


def platform(users: tuple[User, ...] = STAFF, services: tuple[Service, ...] = (PORTAL,), **more: object) -> Catalog:
    """The catalog with these users and services at the city."""
    cities = {
        "nasushiobara": tenant(
            "nasushiobara",
            "那須塩原市",
            TenantType.MUNICIPALITY,
            groups=(
                Group("nasushiobara", "digital", "デジタル推進課", ("dashboard-editor",)),
                Group("nasushiobara", "tourism", "商工観光課", ("dashboard-viewer",)),
            ),
            users=users,
            services=services,
        ),
        "otawara": tenant(
            "otawara",
            "大田原市",
            TenantType.MUNICIPALITY,
            "tochigi",
            users=(person("ota-0001", "大田原", "職員一", tenant="otawara"),),
            services=(IDLE,),
        ),
        "mihon": tenant("mihon", "見本システム株式会社", TenantType.COMPANY, "tochigi"),
        "tochigi": tenant(
            "tochigi",
            "栃木県",
            TenantType.PREFECTURE,
            users=(person("ken-0001", "栃木", "職員一", tenant="tochigi", roles=("platform-operator",)),),
        ),
    }
    staff, citizens = RealmBaseline("staff"), RealmBaseline("mixed", mfa=MfaMode.BY_ROLE)
    catalog = Catalog(
        Platform("tochigi", "栃木県データ連携基盤", "ja", TOKYO),
        Environment("production", title="本番環境"),
        NOW,
        tenants=dict(sorted(cities.items())),
        realms={
            "nasushiobara": Realm("nasushiobara", "那須塩原市", "nasushiobara", citizens),
            "tochigi": Realm("tochigi", "栃木県", "tochigi", staff),
        },
        roles={
            one.name: one
            for one in (
                Role("auditor", "監査担当者", mfa=True),
                Role("dashboard-editor", "ダッシュボード作成者", mfa=True, includes=("dashboard-viewer",)),
                Role("dashboard-viewer", "ダッシュボード閲覧者"),
                Role("platform-operator", "システムベンダ運用者", mfa=True, includes=("dashboard-editor", "auditor")),
            )
        },
        scopes={
            "river": DataScope(
                "river", "河川水位データ", "tochigi", Disclosure.LIMITED, period=YEAR, fiware=Fiware("tochigi")
            ),
            "road": DataScope("road", "道路管理データ", "tochigi", Disclosure.LIMITED, fiware=Fiware("tochigi")),
        },
        apis={one.name: one for one in (api("files", "ファイル API"), api("ngsi-v2", "FIWARE NGSIv2"), draft())},
    )
    return replace(catalog, **more)


def api(name: str, title: str) -> Api:
    v1 = Version("v1", f"/{name}/v1", State.DEPRECATED, sunset=date(2027, 3, 31), successor="v2")
    v2 = Version("v2", f"/{name}/v2", State.PUBLISHED)
    levels = (
        Level("read", ("GET", "HEAD"), {"minute": 900, "day": 50000}),
        Level("update", ("POST",), {"minute": 300}),
    )
    auth = frozenset({Auth.API_KEY, Auth.TOKEN})
    return Api(name, title, "tochigi", "orion", auth, Scoping.FIWARE, "standard", (v1, v2), levels)


def draft() -> Api:
    return replace(api("soon", "準備中 API"), versions=(Version("v2", "/soon/v2", State.DRAFT),))


def live() -> Live:
    created = datetime(2026, 3, 28, 1, 2, 3, 456000, tzinfo=UTC)
    city, prefecture = "nasushiobara", "tochigi"
    users = {
        (city, "staff-01"): LiveUser(True, True, created),
        (city, "staff-02"): LiveUser(True, False, created),
        (city, "staff-03"): LiveUser(False, None, created),
        (city, "gone-01"): LiveUser(False, False, created, family_name="那須", given_name="退職者"),
        (city, "by-hand"): LiveUser(True, False, created, owned=False, email="by-hand@example.jp"),
        (prefecture, "ken-0001"): LiveUser(True, False, created),
        (prefecture, "ota-0001"): LiveUser(False, True, created),
    }
    services = {
        "nasushiobara.portal": LiveService(client=True, client_enabled=True, consumer=True, keys=2, tokens=1),
        "old.tool": LiveService(consumer=True, keys=1, owned=False),
    }
    return Live(READ, users, {city: 5, prefecture: 2}, services)


def source(with_servers: bool = True, **more: object) -> Source:
    fields: dict[str, object] = {"commit": "4f2a91c0b7de"} | ({"read_at": READ} if with_servers else {}) | more
    return Source("栃木県データ連携基盤", "production", "本番環境", NOW, TOKYO, **fields)  # type: ignore[arg-type]
