"""An identity provider of the catalog, from what was declared and checked."""

from __future__ import annotations

from control_plane.catalog import certificates
from control_plane.catalog.declared import Declared
from control_plane.catalog.documents.providers import IdentityProviderEntry, OidcEntry, SamlEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import FirstLogin, IdentityProvider, Oidc, ProviderMapper, Saml, Sync
from control_plane.problems import bug


def identity_provider(declared: Declared, where: Located[IdentityProviderEntry], tenant: str) -> IdentityProvider:
    one = where.value
    own = next((found for found in declared.tenants if found.name == tenant), None)
    paths = {group.value.group: group.value.path for group in own.groups()} if own else {}
    return IdentityProvider(
        tenant=tenant,
        name=one.provider,
        title=one.title,
        protocol=_protocol(declared, one),
        first_login=FirstLogin(one.first_login),
        sync=Sync(one.sync),
        mappers=tuple(
            ProviderMapper(m.claim, m.value, m.attribute, m.role, m.group, paths.get(m.group or ""))
            for m in one.mappers
        ),
        hidden=one.hide_on_login,
        origin=where.origin(),
    )


def _protocol(declared: Declared, one: IdentityProviderEntry) -> Oidc | Saml:
    if one.oidc is not None:
        return _oidc(one.oidc)
    if one.saml is not None:
        return _saml(declared, one.saml)
    raise bug(f"identity provider {one.provider} speaks no protocol")


def _saml(declared: Declared, one: SamlEntry) -> Saml:
    found = certificates.authorities(declared, one.certificate)
    return Saml(one.entity_id, one.sign_on_url, found, one.logout_url, one.name_id)


def _oidc(one: OidcEntry) -> Oidc:
    return Oidc(
        issuer=one.issuer,
        authorization_url=one.authorization_url,
        token_url=one.token_url,
        keys_url=one.keys_url,
        client_id=one.client_id,
        client_secret=one.client_secret,
        userinfo_url=one.userinfo_url,
        logout_url=one.logout_url,
        scopes=tuple(one.scopes),
    )
