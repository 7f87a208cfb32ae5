"""Identity providers: the login of a city or of a proofing service as a door into a realm."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.words import EachOnce, Id, OAuthScope, Secret, SecureUrl, Text


class OidcEntry(Entry):
    """A provider that speaks OpenID Connect."""

    issuer: SecureUrl = Field(description="The `iss` of its tokens, to the letter. Another issuer is another provider.")
    authorization_url: SecureUrl = Field(description="Where people are sent to sign in.")
    token_url: SecureUrl = Field(description="Where Keycloak turns the code into tokens.")
    keys_url: SecureUrl = Field(description="Its JWKS: every signature is checked.")
    userinfo_url: SecureUrl | None = Field(None, description="Left out: what the ID token says is all that is read.")
    logout_url: SecureUrl | None = Field(None, description="Where a logout goes on to; left out: it ends here.")
    client_id: Text = Field(description="What the provider calls the realm.")
    client_secret: Secret | None = Field(
        None,
        description="!secret path#field, given by the provider; left out: the realm proves itself with its own key "
        "(private_key_jwt).",
    )
    scopes: Annotated[list[OAuthScope], EachOnce] = Field(
        ["openid", "profile", "email"], min_length=1, description="What is asked for; openid among them."
    )


class IdentityProviderEntry(Entry):
    """A provider through which people may come into the tenant's realm."""

    provider: Id = Field(
        description="The id, unique in the realm; part of the address that the provider sends people back to."
    )
    title: Text = Field(description="What the button on the login page says.")
    oidc: OidcEntry = Field(description="How it is reached.")
    first_login: Literal["existing-only", "create"] = Field(
        description="existing-only: only who has an account and proves it. create: who has none gets one."
    )
    sync: Literal["import", "force"] = Field(
        description="import: name and e-mail are taken at the first login. force: at every login."
    )
    hide_on_login: bool = Field(False, description="No button; the portal sends people there (kc_idp_hint).")
