"""An identity provider of the catalog, from what was declared and checked."""

from __future__ import annotations

from control_plane.catalog.documents.providers import IdentityProviderEntry, OidcEntry
from control_plane.catalog.located import Located
from control_plane.catalog.model import FirstLogin, IdentityProvider, Oidc, Sync


def identity_provider(where: Located[IdentityProviderEntry], tenant: str) -> IdentityProvider:
    one = where.value
    return IdentityProvider(
        tenant=tenant,
        name=one.provider,
        title=one.title,
        protocol=_oidc(one.oidc),
        first_login=FirstLogin(one.first_login),
        sync=Sync(one.sync),
        hidden=one.hide_on_login,
        origin=where.origin(),
    )


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
