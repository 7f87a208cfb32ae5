"""All of it: one platform in one environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from control_plane.catalog.model.apis import Api, CallerKind, State
from control_plane.catalog.model.delegation import Delegates
from control_plane.catalog.model.directories import Directory
from control_plane.catalog.model.environments import Environment, Platform, Upstream
from control_plane.catalog.model.grants import Grant
from control_plane.catalog.model.providers import IdentityProvider, Saml
from control_plane.catalog.model.realms import Realm
from control_plane.catalog.model.roles import DataScope, Role
from control_plane.catalog.model.tenants import Group, Service, Tenant, User

LIVE = (State.PUBLISHED, State.DEPRECATED)


@dataclass(frozen=True)
class Catalog:
    """One platform in one environment. Every mapping is sorted by its key, whatever the order of files."""

    platform: Platform
    environment: Environment
    as_of: datetime  # the instant at which periods are judged; aware
    tenants: Mapping[str, Tenant] = field(default_factory=dict)
    realms: Mapping[str, Realm] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    scopes: Mapping[str, DataScope] = field(default_factory=dict)
    apis: Mapping[str, Api] = field(default_factory=dict)

    def services(self) -> Iterator[Service]:
        for tenant in self.tenants.values():
            yield from tenant.services

    def users(self) -> Iterator[User]:
        for tenant in self.tenants.values():
            yield from tenant.users

    def groups(self) -> Iterator[Group]:
        for tenant in self.tenants.values():
            yield from tenant.groups

    def identity_providers(self, realm: str) -> Iterator[IdentityProvider]:
        """Those through which people come into the realm, whichever tenant has declared them."""
        for tenant in self.tenants.values():
            if tenant.realm == realm:
                yield from tenant.identity_providers

    def directories(self, realm: str) -> Iterator[Directory]:
        """Those whose people sign in to the realm, whichever tenant has declared them."""
        for tenant in self.tenants.values():
            if tenant.realm == realm:
                yield from tenant.directories

    def saml(self) -> Iterator[tuple[IdentityProvider, Saml]]:
        """The providers of all realms that speak SAML."""
        for tenant in self.tenants.values():
            for one in tenant.identity_providers:
                if isinstance(one.protocol, Saml):
                    yield one, one.protocol

    def grants(self) -> Iterator[Grant]:
        """Those of services."""
        for service in self.services():
            yield from service.grants

    def role_grants(self) -> Iterator[tuple[Role, Grant]]:
        for role in self.roles.values():
            for grant in role.grants:
                yield role, grant

    def for_users(self, service: Service) -> frozenset[str]:
        """The APIs that people may call through the service: for users, granted to it, and somebody can sign in."""
        if not service.redirect_uris:
            return frozenset()
        granted = {grant.api for grant in service.grants}
        return frozenset(name for name in granted if CallerKind.USER in self.apis[name].callers)

    def realm_of(self, tenant: str) -> Realm:
        return self.realms[self.tenants[tenant].realm]

    def roles_with(self, role: str) -> frozenset[str]:
        """The role and all that it includes, directly or through others."""
        found: set[str] = set()
        todo = [role]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo.extend(self.roles[name].includes)
        return frozenset(found)

    def groups_of(self, user: User) -> Iterator[Group]:
        """Those of his own tenant, then those in which he is a guest now."""
        yield from (group for group in self.tenants[user.tenant].groups if group.name in user.groups)
        for one in user.elsewhere:
            if one.period.holds(self.as_of):
                yield from (group for group in self.tenants[one.tenant].groups if group.name in one.groups)

    def roles_of(self, user: User) -> frozenset[str]:
        """Every role that the person has: directly, by a group, or by a role that includes it."""
        given = {*user.roles, *(role for group in self.groups_of(user) for role in group.roles)}
        return frozenset(name for role in given for name in self.roles_with(role))

    def delegating(self) -> Iterator[Tenant]:
        """Tenants whose people somebody administers or looks at."""
        return (tenant for tenant in self.tenants.values() if tenant.administrators or tenant.auditors)

    def delegates(self, tenant: Tenant, who: Delegates | None) -> tuple[User, ...]:
        """The people of the tenant that are meant, whether or not their period holds."""
        return tuple(user for user in tenant.users if self._means(who, user))

    def administers(self, user: User) -> bool:
        """Whether the person administers the people of the own tenant now."""
        return user.period.holds(self.as_of) and self._means(self.tenants[user.tenant].administrators, user)

    def audits(self, user: User) -> bool:
        """Whether the person may look at the people of the own tenant now."""
        return user.period.holds(self.as_of) and self._means(self.tenants[user.tenant].auditors, user)

    def _means(self, who: Delegates | None, user: User) -> bool:
        if who is None:
            return False
        return user.username in who.users or (who.role is not None and who.role in self.roles_of(user))

    def demands_mfa(self, role: str) -> bool:
        return any(self.roles[name].mfa for name in self.roles_with(role))

    def next_change(self) -> datetime | None:
        """The next instant after `as_of` at which a period begins or ends or a certificate expires, so that a plan can
        say when to run again."""
        versions = (one for api in self.apis.values() for one in api.versions if one.state in LIVE)
        periods = [
            *(user.period for user in self.users()),
            *(user.exempt.period for user in self.users() if user.exempt),
            *(one.period for user in self.users() for one in user.elsewhere),
            *(service.period for service in self.services()),
            *(grant.period for grant in self.grants()),
            *(grant.period for _, grant in self.role_grants()),
            *(scope.period for scope in self.scopes.values()),
            *(one.period(self.platform.zone) for one in versions),
        ]
        upstreams = (one for one in self.environment.upstreams.values() if isinstance(one, Upstream))
        instants = [instant for period in periods for instant in (period.start, period.end) if instant]
        instants += [certificate.until for upstream in upstreams for certificate in upstream.certificates()]
        instants += [certificate.until for _, saml in self.saml() for certificate in saml.certificates]
        return min((instant for instant in instants if instant > self.as_of), default=None)
