"""Identity providers: the login of a city or of a proofing service as a door into a realm."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from control_plane.catalog.documents.base import Entry, one_of
from control_plane.catalog.words import AttributeName, EachOnce, Id, OAuthScope, Secret, SecureUrl, Text, wrong


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


class SamlEntry(Entry):
    """A provider that speaks SAML 2.0."""

    entity_id: Text = Field(
        description="What the provider calls itself, to the letter. Another one is another provider."
    )
    sign_on_url: SecureUrl = Field(description="Where people are sent to sign in (HTTP-POST binding).")
    logout_url: SecureUrl | None = Field(None, description="Where a logout goes on to; left out: it ends here.")
    certificate: Text = Field(
        description="A file in the configuration directory with the certificates that it signs with (PEM); "
        "two of them while it changes from one to the other."
    )
    name_id: Literal["persistent", "email"] = Field(
        "persistent", description="How it names people: by an id that stays, or by the e-mail address."
    )


class MapperEntry(Entry):
    """What becomes of something that the provider says of a person: one of `attribute`, `role` and `group`."""

    model_config = ConfigDict(json_schema_extra=one_of("attribute", "role", "group"))

    claim: Text | None = Field(
        None,
        description="Where the provider says it: a claim of the token (a dot leads into it), in SAML an attribute.",
    )
    value: Text | None = Field(None, description="With role and group: what it must say there.")
    attribute: AttributeName | None = Field(
        None, description="email, username, family_name, given_name, or an attribute of the realm's template."
    )
    role: Id | None = Field(None, description="Given at each login that says so, and taken at each that does not.")
    group: Id | None = Field(
        None, description="Of the tenant; likewise, or, without a claim, for every account that is made."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> MapperEntry:
        if [self.attribute, self.role, self.group].count(None) != 2:
            raise wrong("exactly one of 'attribute', 'role' and 'group' is expected")
        if self.attribute is not None and (self.claim is None or self.value is not None):
            raise wrong("an attribute is taken from a 'claim' as it is, without a 'value'")
        if self.role is not None and (self.claim is None or self.value is None):
            raise wrong("a role is given by a 'claim' and its 'value'")
        if self.group is not None and (self.claim is None) != (self.value is None):
            raise wrong("a group is given by a 'claim' and its 'value', or to everybody without both")
        return self


class IdentityProviderEntry(Entry):
    """A provider through which people may come into the tenant's realm: one of `oidc` and `saml`."""

    model_config = ConfigDict(json_schema_extra=one_of("oidc", "saml"))

    provider: Id = Field(
        description="The id, unique in the realm; part of the address that the provider sends people back to."
    )
    title: Text = Field(description="What the button on the login page says.")
    oidc: OidcEntry | None = Field(None, description="How it is reached, by OpenID Connect.")
    saml: SamlEntry | None = Field(None, description="How it is reached, by SAML 2.0.")
    first_login: Literal["existing-only", "create"] = Field(
        description="existing-only: only who has an account and proves it. create: who has none gets one."
    )
    sync: Literal["import", "force"] = Field(
        description="import: name and e-mail are taken at the first login. force: at every login."
    )
    mappers: list[MapperEntry] = Field(
        default_factory=list, description="What becomes of what the provider says of people."
    )
    hide_on_login: bool = Field(False, description="No button; the portal sends people there (kc_idp_hint).")

    @model_validator(mode="after")
    def _one_of_them(self) -> IdentityProviderEntry:
        if (self.oidc is None) == (self.saml is None):
            raise wrong("exactly one of 'oidc' and 'saml' is expected")
        return self
