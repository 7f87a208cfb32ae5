"""Catalogs in few words: `a_platform(with_service("portal", reading="ngsi-v2"))`.

What a part needs and nobody has given (the tenant of a service, the API it reads, the scope of the grant) is there in
a plain form, so that a test says only what it is about. Parts may come in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from control_plane.catalog.model import (
    ALWAYS,
    Api,
    Auth,
    CallerKind,
    Catalog,
    DataScope,
    Delegates,
    Directory,
    Disclosure,
    Environment,
    FirstLogin,
    Fiware,
    Grant,
    Group,
    IdentityProvider,
    KeycloakSettings,
    KongSettings,
    Level,
    Membership,
    MfaMode,
    Oidc,
    Period,
    Platform,
    Realm,
    RealmBaseline,
    Role,
    Saml,
    Scoping,
    SecretRef,
    Service,
    State,
    Tenant,
    TenantType,
    User,
    Vendor,
    Version,
)
from control_plane.problems import Origin

ZONE = ZoneInfo("Asia/Tokyo")
NOON = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)  # 2026-10-05T12:00 in Tokyo
KEY, TOKEN = Auth.API_KEY, Auth.TOKEN
SERVICE, USER = CallerKind.SERVICE, CallerKind.USER


@dataclass(frozen=True)
class Part:
    """A step of the building; those of a lower rank come first, whatever the order they are written in."""

    rank: int
    change: Callable[[Catalog], Catalog]


def a_platform(*parts: Part, name: str = "tochigi", at: datetime = NOON, locale: str = "en") -> Catalog:
    """A platform with the prefecture `tochigi`, its realm of the same name, and the given parts."""
    catalog = Catalog(
        Platform(name, "栃木県データ連携基盤", locale, ZONE, origin=here("renkei.yaml")), AN_ENVIRONMENT, at
    )
    catalog = _with_tenant(catalog, "tochigi")
    for part in sorted(parts, key=lambda part: part.rank):
        catalog = part.change(catalog)
    sections = ("tenants", "realms", "roles", "scopes", "apis")
    in_order: dict[str, Any] = {section: dict(sorted(getattr(catalog, section).items())) for section in sections}
    return replace(catalog, **in_order)


AN_ENVIRONMENT = Environment(
    "test",
    keycloak=KeycloakSettings("http://keycloak.test", "renkei", SecretRef("keycloak/admin", "client_secret")),
    kong=KongSettings("http://kong.test:8001"),
    upstreams={"orion": "http://orion.test:1026"},
)


def in_environment(**changed: Any) -> Part:
    """The environment with other settings: `in_environment(upstreams={"orion": url})`."""
    return Part(0, lambda catalog: replace(catalog, environment=replace(catalog.environment, **changed)))


def here(file: str, line: int = 1) -> Origin:
    return Origin(file, line)


def during(start: str | None = None, end: str | None = None) -> Period:
    """`during("2026-04-01", "2027-04-01T00:00")` in the platform's time zone; the end is excluded."""
    first, last = (datetime.fromisoformat(one).replace(tzinfo=ZONE) if one else None for one in (start, end))
    return Period(first, last)


# ---------------------------------------------------------------- roles, scopes, realms, tenants


def with_role(name: str, *grants: Grant, mfa: bool = False, includes: Iterable[str] = (), **more: Any) -> Part:
    """A role; `grants` say what people with it may do through services."""
    file = "roles/platform.yaml"
    role = Role(name, name, mfa, tuple(includes), origin=here(file), **more)

    def change(catalog: Catalog) -> Catalog:
        catalog, found = _resolved(catalog, grants, file)
        held = tuple(replace(grant, tenant=None, service=None) for grant in found)
        return replace(catalog, roles={**catalog.roles, name: replace(role, grants=held)})

    return Part(7 if grants else 1, change)


def with_scope(
    name: str,
    *,
    owner: str = "tochigi",
    disclosure: str = "limited",
    fiware: tuple[str, ...] | None = None,
    paths: Iterable[str] | None = None,
    period: Period = ALWAYS,
    values: Iterable[str] = (),
    consent: str | None = None,
) -> Part:
    """A data scope; `fiware` is the service and its paths, by default `("tochigi", "/NAME/#")`; `paths` /NAME."""
    return Part(
        1, lambda catalog: _with_scope(catalog, name, owner, disclosure, fiware, paths, period, values, consent)
    )


def _with_scope(
    catalog: Catalog,
    name: str,
    owner: str = "tochigi",
    disclosure: str = "limited",
    fiware: tuple[str, ...] | None = None,
    paths: Iterable[str] | None = None,
    period: Period = ALWAYS,
    values: Iterable[str] = (),
    consent: str | None = None,
) -> Catalog:
    service, *below = fiware or ("tochigi", f"/{name}/#")
    scope = DataScope(
        name,
        name,
        owner,
        Disclosure(disclosure),
        period,
        Fiware(service, tuple(below)),
        tuple(paths) if paths is not None else (f"/{name}",),
        origin=here("roles/scopes.yaml"),
        values=tuple(values),
        consent=consent,
    )
    return replace(catalog, scopes={**catalog.scopes, name: scope})


def with_tenant(
    name: str, *, type: str = "municipality", in_realm_of: str | None = None, title: str | None = None, **baseline: Any
) -> Part:
    """A tenant with a realm of its own (`baseline` are fields of RealmBaseline), or in the realm of another one."""
    return Part(2, lambda catalog: _with_tenant(catalog, name, type, in_realm_of, title, **baseline))


def _with_tenant(
    catalog: Catalog,
    name: str,
    type: str = "municipality",
    in_realm_of: str | None = None,
    title: str | None = None,
    **baseline: Any,
) -> Catalog:
    origin = here(f"tenants/{name}.yaml")
    kind = TenantType.PREFECTURE if name == "tochigi" else TenantType(type)
    old = catalog.tenants.get(name)
    tenant = Tenant(name, title or name, kind, in_realm_of or name, in_realm_of is not None, origin=origin)
    if old is not None:
        tenant = replace(
            tenant,
            groups=old.groups,
            users=old.users,
            services=old.services,
            identity_providers=old.identity_providers,
            directories=old.directories,
        )
    realms = dict(catalog.realms)
    if in_realm_of is None:
        folded = {"mfa": MfaMode.EVERYONE, "origin": here("templates/realms.yaml"), **baseline}
        realms[name] = Realm(name, title or name, name, RealmBaseline("staff", **folded), origin)
    return replace(catalog, tenants={**catalog.tenants, name: tenant}, realms=realms)


def with_group(
    name: str,
    *,
    tenant: str = "nasushiobara",
    roles: Iterable[str] = (),
    title: str | None = None,
    path: str | None = None,
) -> Part:
    group = Group(tenant, name, title or name, tuple(roles), here(f"tenants/{tenant}.yaml", 5), path)
    return Part(4, lambda catalog: _in_tenant(catalog, tenant, groups=group))


def with_user(
    username: str,
    *,
    tenant: str = "nasushiobara",
    groups: Iterable[str] = (),
    roles: Iterable[str] = (),
    period: Period = ALWAYS,
    email: str | None = None,
    **more: Any,
) -> Part:
    user = User(
        tenant,
        username,
        more.pop("family_name", "那須"),
        more.pop("given_name", "職員一"),
        email or f"{username}@example.jp",
        tuple(groups),
        tuple(roles),
        period,
        origin=here(f"tenants/{tenant}.yaml", 9),
        **more,
    )
    return Part(5, lambda catalog: _in_tenant(catalog, tenant, users=user))


SECRET_OF_A_PROVIDER = SecretRef("providers/city", "client_secret")


def with_provider(
    name: str,
    *,
    tenant: str = "nasushiobara",
    at: str = "https://login.example.jp",
    first_login: str = "existing-only",
    secret: SecretRef | None = SECRET_OF_A_PROVIDER,
    protocol: Oidc | Saml | None = None,
    **more: Any,
) -> Part:
    """A login elsewhere as a door into the tenant's realm; `at` is an issuer with the paths of a Keycloak realm."""
    there = f"{at}/protocol/openid-connect"
    spoken = protocol or Oidc(at, f"{there}/auth", f"{there}/token", f"{there}/certs", "hub", secret)
    origin = here(f"tenants/{tenant}.yaml", 30)
    provider = IdentityProvider(tenant, name, name, spoken, FirstLogin(first_login), origin=origin, **more)
    return Part(5, lambda catalog: _in_tenant(catalog, tenant, identity_providers=provider))


SECRET_OF_A_DIRECTORY = SecretRef("directories/staff", "password")


def with_directory(
    name: str, *, tenant: str = "nasushiobara", url: str = "ldaps://staff.example.jp", **more: Any
) -> Part:
    """People of another server come into the tenant's realm, with the passwords that they have there."""
    asked = {"vendor": Vendor.OTHER, "bind": "cn=renkei", "users": "ou=staff,dc=example,dc=jp", **more}
    origin = here(f"tenants/{tenant}.yaml", 40)
    found = Directory(tenant, name, name, url, password=SECRET_OF_A_DIRECTORY, origin=origin, **asked)
    return Part(5, lambda catalog: _in_tenant(catalog, tenant, directories=found))


def _in_tenant(catalog: Catalog, name: str, **added: Any) -> Catalog:
    if name not in catalog.tenants:
        catalog = _with_tenant(catalog, name)
    tenant = catalog.tenants[name]
    longer: dict[str, Any] = {field: (*getattr(tenant, field), one) for field, one in added.items()}
    tenant = replace(tenant, **longer)
    return replace(catalog, tenants={**catalog.tenants, name: tenant})


def with_guest(username: str, *, of: str, tenant: str, groups: Iterable[str], period: Period = ALWAYS) -> Part:
    """A person of the tenant `of` in groups of another one."""
    more = Membership(tenant, tuple(groups), period, here(f"tenants/{tenant}.yaml", 20))

    def change(catalog: Catalog) -> Catalog:
        home = catalog.tenants[of]
        users = tuple(
            replace(one, elsewhere=(*one.elsewhere, more)) if one.username == username else one for one in home.users
        )
        return replace(catalog, tenants={**catalog.tenants, of: replace(home, users=users)})

    return Part(6, change)


def with_administrators(
    *users: str, tenant: str = "nasushiobara", role: str | None = None, groups: Iterable[str] = ()
) -> Part:
    """Who administers the tenant's people, and which groups they fill."""
    found = Delegates(users, role, tuple(groups), here(f"tenants/{tenant}.yaml", 30))
    return Part(7, lambda catalog: _delegating(catalog, tenant, administrators=found))


def with_auditors(*users: str, tenant: str = "nasushiobara", role: str | None = None) -> Part:
    found = Delegates(users, role, (), here(f"tenants/{tenant}.yaml", 31))
    return Part(7, lambda catalog: _delegating(catalog, tenant, auditors=found))


def _delegating(catalog: Catalog, name: str, **named: Delegates) -> Catalog:
    given: dict[str, Any] = {**named}
    return replace(catalog, tenants={**catalog.tenants, name: replace(catalog.tenants[name], **given)})


# ---------------------------------------------------------------- APIs


READ, UPDATE = ("GET", "HEAD"), ("DELETE", "PATCH", "POST", "PUT")


def a_version(name: str = "v2", path: str | None = None, state: str = "published", **more: Any) -> Version:
    """A version; `deprecated` and `sunset` may be given as text."""
    for day in ("deprecated", "sunset"):
        if isinstance(more.get(day), str):
            more[day] = date.fromisoformat(more[day])
    return Version(name, path or f"/ngsi/{name}", State(state), origin=here("apis/ngsi-v2.yaml", 9), **more)


def with_api(
    name: str = "ngsi-v2",
    *versions: Version,
    auth: Iterable[Auth] = (KEY,),
    scoping: str = "fiware-headers",
    levels: Mapping[str, Iterable[str]] | None = None,
    limits: Mapping[str, Mapping[str, int]] | None = None,
    level_paths: Mapping[str, Iterable[str]] | None = None,
    callers: Iterable[CallerKind] = (CallerKind.SERVICE,),
    **more: Any,
) -> Part:
    """An API with the levels read and update, version v2 at /NAME/v2 (ngsi-v2: /ngsi/v2), key only."""
    return Part(
        3,
        lambda catalog: _with_api(
            catalog,
            name,
            *versions,
            auth=auth,
            scoping=scoping,
            levels=levels,
            limits=limits,
            level_paths=level_paths,
            callers=frozenset(callers),
            **more,
        ),
    )


def _with_api(
    catalog: Catalog,
    name: str,
    *versions: Version,
    auth: Iterable[Auth] = (KEY,),
    scoping: str = "fiware-headers",
    levels: Mapping[str, Iterable[str]] | None = None,
    limits: Mapping[str, Mapping[str, int]] | None = None,
    level_paths: Mapping[str, Iterable[str]] | None = None,
    **more: Any,
) -> Catalog:
    file = f"apis/{name}.yaml"
    prefix = "/ngsi" if name == "ngsi-v2" else f"/{name}"
    api = Api(
        name,
        more.pop("title", name),
        more.pop("owner", "tochigi"),
        more.pop("upstream", "orion"),
        frozenset(auth),
        Scoping(scoping),
        None,
        versions or (a_version("v2", f"{prefix}/v2", upstream_path="/v2"),),
        tuple(
            Level(
                level,
                tuple(sorted(methods)),
                dict((limits or {}).get(level, {})),
                here(file, 14),
                tuple((level_paths or {}).get(level, ())),
            )
            for level, methods in (levels or {"read": READ, "update": UPDATE}).items()
        ),
        origin=here(file),
        **more,
    )
    return replace(catalog, apis={**catalog.apis, name: api})


# ---------------------------------------------------------------- services


def a_grant(
    api: str = "ngsi-v2",
    *levels: str,
    scopes: Iterable[str] | None = None,
    versions: Iterable[str] = (),
    period: Period = ALWAYS,
) -> Grant:
    """A grant of `levels` (read), by default on every version at the gateway, on `road` where the API has scopes."""
    given = ("?",) if scopes is None else tuple(scopes)
    return Grant("", "", api, levels or ("read",), given, tuple(versions), period)


def with_service(
    name: str,
    *grants: Grant,
    tenant: str = "nasushiobara",
    reading: str | None = None,
    updating: str | None = None,
    scopes: Iterable[str] | None = None,
    auth: Iterable[Auth] = (KEY,),
    allowed_ips: Iterable[str] = (),
    period: Period = ALWAYS,
    **more: Any,
) -> Part:
    """A connected service; `reading` and `updating` are short for a grant on an API that needs no more words."""
    short = [(reading, "read"), (updating, "update")]
    wanted = [*grants, *(a_grant(api, level, scopes=scopes) for api, level in short if api)]
    service = Service(
        tenant,
        name,
        name,
        frozenset(auth),
        tuple(allowed_ips),
        period=period,
        origin=here(f"tenants/{tenant}.yaml", 20),
        **more,
    )
    return Part(6, lambda catalog: _with_service(catalog, service, wanted))


def _with_service(catalog: Catalog, service: Service, wanted: Iterable[Grant]) -> Catalog:
    catalog, found = _resolved(catalog, wanted, f"tenants/{service.tenant}.yaml")
    held = tuple(replace(grant, tenant=service.tenant, service=service.name) for grant in found)
    return _in_tenant(catalog, service.tenant, services=replace(service, grants=held))


def _resolved(catalog: Catalog, wanted: Iterable[Grant], file: str) -> tuple[Catalog, list[Grant]]:
    """The grants with their scopes and versions, and the catalog with what they need."""
    found = []
    for line, grant in enumerate(wanted, 25):
        if grant.api not in catalog.apis:
            catalog = _with_api(catalog, grant.api)
        api = catalog.apis[grant.api]
        scopes = grant.scopes
        if scopes == ("?",):
            scopes = () if api.scoping is Scoping.NONE else ("road",)
        for scope in scopes:
            if scope not in catalog.scopes:
                catalog = _with_scope(catalog, scope)
        live = tuple(v.name for v in api.versions if v.state in (State.PUBLISHED, State.DEPRECATED))
        found.append(replace(grant, scopes=scopes, versions=grant.versions or live, origin=here(file, line)))
    return catalog, found
