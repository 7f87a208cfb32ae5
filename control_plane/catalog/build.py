"""The catalog of what was declared and checked, for one environment. Every mapping sorted by its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from control_plane.catalog.clientkeys import client_keys
from control_plane.catalog.declared import Declared, DeclaredTenant, full_name, grants, role_grants, stands
from control_plane.catalog.directories import directory
from control_plane.catalog.documents import ApiDocument
from control_plane.catalog.documents.apis import VersionEntry
from control_plane.catalog.documents.base import CallLimit
from control_plane.catalog.documents.grants import GrantEntry
from control_plane.catalog.documents.platform import (
    AccessLogEntry,
    EnvironmentEntry,
    KeycloakEntry,
    KongEntry,
    MailEntry,
    SecretsEntry,
)
from control_plane.catalog.documents.roles import RoleEntry, ScopeEntry
from control_plane.catalog.documents.templates import CorsEntry, PlanEntry
from control_plane.catalog.documents.tenants import (
    AdministratorsEntry,
    AuditorsEntry,
    ClientAuthEntry,
    GroupEntry,
    ServiceEntry,
    TenantDocument,
    TokenIssuerEntry,
    UserEntry,
)
from control_plane.catalog.issuers import token_issuer
from control_plane.catalog.located import Located
from control_plane.catalog.model import (
    AccessLog,
    Api,
    Approval,
    Asked,
    Auth,
    Behind,
    CallerKind,
    Catalog,
    ClientAuth,
    Cors,
    DataScope,
    Default,
    Delegates,
    Disclosure,
    Environment,
    Exemption,
    FileSecretsSettings,
    Fiware,
    Grant,
    Group,
    KeycloakSettings,
    KongSettings,
    Level,
    Limits,
    MailServer,
    Membership,
    Platform,
    Realm,
    Redis,
    Role,
    Scoping,
    Service,
    State,
    Tenant,
    TenantType,
    TokenIssuer,
    User,
    VaultSettings,
    Version,
)
from control_plane.catalog.periods import period
from control_plane.catalog.providers import identity_provider
from control_plane.catalog.templates import baseline, environment, given_by, plan_limits
from control_plane.catalog.upstreams import upstreams
from control_plane.problems import Origin, bug

T = TypeVar("T")
AT_THE_GATEWAY = ("published", "deprecated")


def build(declared: Declared, name: str) -> Catalog:
    """Only for what the checks found no fault with."""
    builder = _Builder(declared)
    tenants = _sorted((one.name, builder.tenant(one)) for one in declared.tenants)
    return Catalog(
        platform=builder.platform(),
        environment=builder.environment(name),
        as_of=declared.as_of,
        tenants=tenants,
        realms=builder.realms(),
        roles=_sorted((one.value.role, builder.role(one)) for one in declared.roles),
        scopes=_sorted((one.value.scope, builder.scope(one)) for one in declared.scopes),
        apis=_sorted((one.value.api, builder.api(one)) for one in declared.apis),
    )


def _sorted(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    return dict(sorted(pairs, key=lambda pair: pair[0]))


class _Builder:
    """Holds what several parts look up."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.zone = declared.zone
        self.environments = declared.environments()
        self.templates = {one.value.template: one for one in declared.templates}
        self.plans: Mapping[str, Located[PlanEntry]] = {one.value.plan: one for one in declared.plans}
        self.scoping = {one.value.api: one.value.scoping for one in declared.apis}
        self.realm_name = {one.name: one.tenant.value.realm.shared or one.name for one in declared.tenants}
        self.guests = self._guests()
        self.versions = {
            one.value.api: tuple(v.version for v in one.value.versions if v.state in AT_THE_GATEWAY)
            for one in declared.apis
        }

    def _guests(self) -> Mapping[tuple[str, str], tuple[Membership, ...]]:
        """By realm and username, in which other tenants' groups somebody is."""
        found: dict[tuple[str, str], tuple[Membership, ...]] = {}
        for tenant in sorted(self.declared.tenants, key=lambda one: one.name):
            for guest in tenant.guests():
                one, key = guest.value, (self.realm_name[tenant.name], guest.value.username)
                during = period(one.start, one.until, self.zone)
                found[key] = (*found.get(key, ()), Membership(tenant.name, tuple(one.groups), during, guest.origin()))
        return found

    def platform(self) -> Platform:
        where = self.declared.platform
        if where is None:
            raise bug("a catalog is built without its platform")
        one = where.value
        limits = Limits(one.limits.deletes, one.limits.parallel, one.limits.calls_per_month)
        return Platform(one.platform, one.title or "", one.locale, self.zone, limits, where.origin("platform"))

    def environment(self, name: str) -> Environment:
        where = self.environments[name]
        found = environment(name, self.environments)
        keycloak, kong, secrets = found.get("keycloak"), found.get("kong"), found.get("secrets")
        gateway = given_by("kong", name, self.environments)
        mails = given_by("mail", name, self.environments)
        logged = given_by("access_log", name, self.environments)
        return Environment(
            name=name,
            embedded=keycloak is None and kong is None,
            keycloak=_keycloak(keycloak) if keycloak else None,
            kong=_kong(kong, gateway) if kong and gateway else None,
            secrets=_secrets(secrets) if secrets else None,
            upstreams=upstreams(self.declared, given_by("upstreams", name, self.environments)),
            mail=_mail(found["mail"], mails.key("mail")) if mails else None,
            access_log=_access_log(found["access_log"], logged.key("access_log")) if logged else None,
            metrics=_asked("metrics", given_by("metrics", name, self.environments)),
            title=where.value.title or "",
            origin=where.key(),
        )

    def realms(self) -> dict[str, Realm]:
        own = [one for one in self.declared.tenants if one.tenant.value.realm.template]
        return _sorted((one.name, self.realm(one)) for one in own)

    def realm(self, one: DeclaredTenant) -> Realm:
        document = one.tenant.value
        if document.realm.template is None:
            raise bug(f"{one.name} has no realm of its own")
        found = baseline(document.realm.template, self.templates)
        return Realm(one.name, document.title, one.name, found, one.tenant.origin("realm"))

    def scope(self, where: Located[ScopeEntry]) -> DataScope:
        one = where.value
        return DataScope(
            name=one.scope,
            title=one.title,
            owner=one.owner,
            disclosure=Disclosure(one.disclosure),
            period=period(one.start, one.until, self.zone),
            fiware=Fiware(one.fiware.service, tuple(one.fiware.paths)) if one.fiware else None,
            paths=tuple(one.paths),
            values=tuple(one.values),
            consent=(one.consent_text or one.title) if one.consent == "required" else None,
            description=one.description,
            origin=where.origin(),
        )

    def role(self, where: Located[RoleEntry]) -> Role:
        one = where.value
        return Role(
            name=one.role,
            title=one.title,
            mfa=one.mfa == "required",
            includes=tuple(one.includes),
            max_holders=one.max_holders,
            description=one.description,
            grants=tuple(self.grant(grant) for grant in role_grants(where)),
            origin=where.origin(),
        )

    def api(self, where: Located[ApiDocument]) -> Api:
        one = where.value
        plan = plan_limits(one.plan, self.plans) if one.plan else {}
        cors = given_by("cors", one.plan, self.plans)
        levels = (
            Level(
                name,
                tuple(sorted(entry.methods)),
                plan.get(name, {}) | entry.limit.spans(),
                where.key("levels", name),
                tuple(entry.paths),
            )
            for name, entry in sorted(one.levels.items())
        )
        return Api(
            name=one.api,
            title=one.title,
            owner=one.owner,
            upstream=one.upstream,
            auth=frozenset(map(Auth, one.auth)),
            callers=frozenset(map(CallerKind, one.callers)),
            scoping=Scoping(one.scoping),
            plan=one.plan,
            versions=tuple(
                _version(where.part(v, "versions", index), self.zone) for index, v in enumerate(one.versions)
            ),
            levels=tuple(levels),
            allowed_ips=tuple(one.allowed_ips),
            max_body_mb=one.max_body_mb,
            cors=_cors(cors.value.cors, cors.key("cors")) if cors and cors.value.cors else None,
            bot_detection=_asked("bot_detection", given_by("bot_detection", one.plan, self.plans)),
            security_headers=_asked("security_headers", given_by("security_headers", one.plan, self.plans)),
            description=one.description,
            origin=where.origin("api"),
            query_field=one.query_field or "",
            default=Default(one.default.version, one.default.path, where.key("default")) if one.default else None,
        )

    def tenant(self, one: DeclaredTenant) -> Tenant:
        where, document = one.tenant, one.tenant.value
        return Tenant(
            name=one.name,
            title=document.title,
            type=TenantType(document.type),
            realm=document.realm.shared or one.name,
            shared=document.realm.shared is not None,
            groups=tuple(_group(group, one.name) for group in one.groups()),
            users=tuple(self.user(user, one.name) for user in one.users),
            services=tuple(self.service(service, one.name) for service in one.services()),
            identity_providers=tuple(
                identity_provider(self.declared, found, one.name) for found in one.identity_providers()
            ),
            directories=tuple(directory(found, one.name) for found in one.directories()),
            administrators=_delegates(where, "administrators"),
            auditors=_delegates(where, "auditors"),
            limits=_limits(document.limits),
            limits_origin=where.key("limits") if document.limits else None,
            origin=where.origin("tenant"),
        )

    def user(self, where: Located[UserEntry], tenant: str) -> User:
        one = where.value
        exempt = one.mfa_exempt
        return User(
            tenant=tenant,
            username=one.username,
            family_name=one.family_name,
            given_name=one.given_name,
            email=one.email,
            groups=tuple(one.groups),
            roles=tuple(one.roles),
            period=period(one.start, one.until, self.zone),
            attributes=_sorted(one.attributes.items()),
            exempt=Exemption(exempt.reason, period(None, exempt.until, self.zone)) if exempt else None,
            elsewhere=self.guests.get((self.realm_name[tenant], one.username), ()),
            previously=one.previously,
            origin=where.origin(),
        )

    def service(self, where: Located[ServiceEntry], tenant: str) -> Service:
        one = where.value
        return Service(
            tenant=tenant,
            id=one.service,
            title=one.title,
            auth=frozenset(map(Auth, one.auth)),
            allowed_ips=tuple(one.allowed_ips),
            redirect_uris=tuple(one.redirect_uris),
            post_logout_redirect_uris=tuple(one.post_logout_redirect_uris),
            web_origins=tuple(one.web_origins),
            public=one.client == "public",
            client_auth=self.client_auth(one.client_auth) if one.client_auth else None,
            grants=(
                *(self.grant(grant, tenant, f"{tenant}.{one.service}") for grant in grants(where)),
                *self.own_data(where, tenant),
            ),
            limits=_limits(one.limits),
            period=period(one.start, one.until, self.zone),
            contact=one.contact,
            token_issuer=self.token_issuer(one.token_issuer) if one.token_issuer else None,
            pairwise=one.subject == "pairwise",
            sector_url=one.sector_url,
            assurance=one.assurance,
            previously=full_name(one.previously, tenant) if one.previously else None,
            origin=where.origin(),
        )

    def client_auth(self, one: ClientAuthEntry) -> ClientAuth:
        keys = client_keys(self.declared, one.keys, one.algorithm) if one.keys is not None else ()
        return ClientAuth(one.algorithm, keys, one.keys_url)

    def token_issuer(self, one: TokenIssuerEntry) -> TokenIssuer:
        return token_issuer(self.declared, one, self.platform().name)

    def own_data(self, where: Located[ServiceEntry], tenant: str) -> Iterator[Grant]:
        """A grant for each API, on all data of the tenant that stand in it; none while there are none."""
        for api, levels in sorted(where.value.own_data.items()):
            scopes = (one.value for one in self.declared.scopes if one.value.owner == tenant)
            names = sorted(scope.scope for scope in scopes if stands(scope, self.scoping[api]))
            if names:
                yield Grant(
                    tenant=tenant,
                    service=f"{tenant}.{where.value.service}",
                    api=api,
                    levels=tuple(levels),
                    scopes=tuple(names),
                    versions=self.versions[api],
                    origin=where.key("own_data", api),
                )

    def grant(self, where: Located[GrantEntry], tenant: str | None = None, service: str | None = None) -> Grant:
        one = where.value
        approval = one.approval
        return Grant(
            tenant=tenant,
            service=service,
            api=one.api,
            levels=tuple(one.levels),
            scopes=tuple(one.scopes),
            versions=tuple(one.versions) if one.versions is not None else self.versions[one.api],
            period=period(one.start, one.until, self.zone),
            approval=Approval(approval.application, approval.by, approval.on) if approval else None,
            origin=where.origin(),
        )


def _limits(given: Mapping[str, Mapping[str, CallLimit]]) -> dict[tuple[str, str], Mapping[str, int]]:
    """By API and level."""
    found = {(api, level): limit.spans() for api, levels in given.items() for level, limit in levels.items()}
    return dict(sorted(found.items()))


def _group(where: Located[GroupEntry], tenant: str) -> Group:
    one = where.value
    return Group(tenant, one.group, one.title, tuple(one.roles), where.origin(), one.path)


def _delegates(where: Located[TenantDocument], word: str) -> Delegates | None:
    one: AdministratorsEntry | AuditorsEntry | None = getattr(where.value, word)
    if one is None:
        return None
    groups = tuple(one.groups) if isinstance(one, AdministratorsEntry) else ()
    return Delegates(tuple(one.users or ()), one.role, groups, where.key(word))


def _version(where: Located[VersionEntry], zone: ZoneInfo) -> Version:
    one = where.value
    return Version(
        name=one.version,
        path=one.path,
        state=State(one.state),
        upstream_path=one.upstream_path,
        deprecated=one.deprecated,
        sunset=one.sunset,
        successor=one.successor,
        guide=one.guide,
        start=period(one.start, None, zone).start,
        origin=where.origin(),
    )


def _keycloak(one: KeycloakEntry) -> KeycloakSettings:
    return KeycloakSettings(one.url, one.client_id, one.client_secret, one.realm, one.public_url, one.verify)


def _kong(one: KongEntry, where: Located[EnvironmentEntry]) -> KongSettings:
    redis, behind = one.redis, one.behind
    return KongSettings(
        one.admin_url,
        one.proxy_url,
        one.admin_token,
        one.verify,
        Redis(**redis.model_dump(), origin=where.key("kong", "redis")) if redis else None,
        Behind(tuple(behind.proxies), behind.header, behind.several, where.key("kong", "behind")) if behind else None,
    )


def _access_log(one: AccessLogEntry, origin: Origin) -> AccessLog:
    return AccessLog(one.http, one.file, origin)


def _cors(one: CorsEntry, origin: Origin) -> Cors:
    methods, allowed = tuple(one.methods or ()), tuple(one.headers or ())
    return Cors(tuple(one.origins), methods, allowed, one.max_age, one.credentials, origin)


def _asked(field: str, where: Located[Any] | None) -> Asked | None:
    """Asked for where the field is true; false is said to take back what the entry extends."""
    return Asked(where.key(field)) if where and getattr(where.value, field) else None


def _mail(one: MailEntry, origin: Origin | None) -> MailServer:
    return MailServer(one.host, one.port, one.encryption, one.user, one.password, origin)


def _secrets(one: SecretsEntry) -> VaultSettings | FileSecretsSettings:
    if one.vault:
        return VaultSettings(one.vault.url, one.vault.mount, one.vault.path, one.vault.auth, one.vault.verify)
    return FileSecretsSettings(one.files or "")
