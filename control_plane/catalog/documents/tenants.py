"""tenants/*.yaml: one organization each, its people and its services."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from control_plane.catalog.documents.base import CallLimit, Entry, one_of
from control_plane.catalog.documents.directories import DirectoryEntry
from control_plane.catalog.documents.grants import GrantEntry
from control_plane.catalog.documents.providers import IdentityProviderEntry
from control_plane.catalog.words import (
    Address,
    AttributeName,
    Audience,
    ClientId,
    EachOnce,
    Email,
    GroupPath,
    Id,
    Issuer,
    KeysUrl,
    Moment,
    RedirectUri,
    SectorUrl,
    ServiceName,
    Text,
    Username,
    WebOrigin,
    wrong,
)


class RealmEntry(Entry):
    """Where the tenant's people live: one of `template` and `shared`."""

    model_config = ConfigDict(json_schema_extra=one_of("template", "shared"))

    template: Id | None = Field(None, description="A realm of its own, made from this template.")
    shared: Id | None = Field(None, description="A top-level group in the realm of this tenant.")

    @model_validator(mode="after")
    def _one_of_them(self) -> RealmEntry:
        if (self.template is None) == (self.shared is None):
            raise wrong("exactly one of 'template' and 'shared' is expected")
        return self


class GroupEntry(Entry):
    """A group of people, and what every member may do."""

    group: Id = Field(description="The id, unique in the tenant.")
    title: Text = Field(description="What people call it.")
    roles: Annotated[list[Id], EachOnce] = Field(default_factory=list, description="Roles of every member.")
    path: GroupPath | None = Field(
        None,
        description="Where it stands in Keycloak, for one that was there before; left out: below the tenant's own.",
    )


class ExemptionEntry(Entry):
    """Why a person shows no second factor, and until when."""

    reason: Text = Field(description="Why; auditors read it.")
    until: Moment = Field(description="The last day on which the person is left out.")


class AuditorsEntry(Entry):
    """Who sees the tenant's people and changes nothing: one of `users` and `role`."""

    model_config = ConfigDict(json_schema_extra=one_of("users", "role"))

    users: Annotated[list[Username], Field(min_length=1), EachOnce] | None = Field(
        None, description="People of the same tenant, by their usernames."
    )
    role: Id | None = Field(None, description="Whoever of the tenant has this role, on whatever way.")

    @model_validator(mode="after")
    def _one_of_them(self) -> AuditorsEntry:
        if (self.users is None) == (self.role is None):
            raise wrong("exactly one of 'users' and 'role' is expected")
        return self


class AdministratorsEntry(Entry):
    """Who administers the tenant's people, but no other administrator: one of `users` and `role`."""

    model_config = ConfigDict(json_schema_extra=one_of("users", "role"))

    users: Annotated[list[Username], Field(min_length=1), EachOnce] | None = Field(
        None, description="People of the same tenant, by their usernames."
    )
    role: Id | None = Field(None, description="Whoever of the tenant has this role, on whatever way.")
    groups: Annotated[list[Id], EachOnce] = Field(
        default_factory=list,
        description="Groups of the tenant that they fill, and so roles that they give; else only people without one.",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> AdministratorsEntry:
        if (self.users is None) == (self.role is None):
            raise wrong("exactly one of 'users' and 'role' is expected")
        return self


class UserEntry(Entry):
    """A person with an account."""

    username: Username = Field(description="Unique in the realm.")
    previously: Username | None = Field(None, description="The username before; it stays the same account.")
    family_name: Text = Field(description="姓")
    given_name: Text = Field(description="名")
    email: Email | None = Field(None, description="Unique in the realm.")
    groups: Annotated[list[Id], EachOnce] = Field(default_factory=list, description="Groups of the same tenant.")
    roles: Annotated[list[Id], EachOnce] = Field(
        default_factory=list, description="Given to this person alone; a group is better."
    )
    start: Moment | None = Field(None, alias="from", description="Before it the account is disabled.")
    until: Moment | None = Field(None, description="After this day the account is disabled.")
    attributes: dict[AttributeName, Text] = Field(
        default_factory=dict, description="Only such as the realm's template declares."
    )
    mfa_exempt: ExemptionEntry | None = Field(
        None, description="No second factor is asked of this person, where the realm's template allows it."
    )


class GuestEntry(Entry):
    """A person of another tenant in the same realm, who is in groups of this one with his one account."""

    username: Username = Field(description="As the other tenant's file has it.")
    groups: Annotated[list[Id], EachOnce] = Field(min_length=1, description="Groups of this tenant.")
    start: Moment | None = Field(None, alias="from", description="Before it the person is not in them.")
    until: Moment | None = Field(None, description="After this day no more.")


class RosterEntry(Entry):
    """People from a CSV file, as a spreadsheet saves it."""

    csv: Text = Field(description="The file, relative to the configuration directory.")
    also: list[UserEntry] = Field(default_factory=list, description="People who are not in the file.")


class ClientAuthEntry(Entry):
    """Proof by a key that only the service has, instead of a secret that both know: one of `keys` and `keys_url`."""

    model_config = ConfigDict(json_schema_extra=one_of("keys", "keys_url"))

    keys: Text | None = Field(
        None, description="A file of public keys in the configuration directory: PEM, a JWK or a JWKS."
    )
    keys_url: KeysUrl | None = Field(None, description="Where Keycloak fetches the service's JWKS.")
    algorithm: Literal["RS256", "PS256", "ES256", "ES384"] = Field(
        "RS256", description="How the service signs; any other way is refused."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> ClientAuthEntry:
        if (self.keys is None) == (self.keys_url is None):
            raise wrong("exactly one of 'keys' and 'keys_url' is expected")
        return self


class TokenIssuerEntry(Entry):
    """Another platform, whose tokens of one client are this service's proof."""

    issuer: Issuer = Field(description="The `iss` of its tokens, to the letter.")
    client: ClientId = Field(description="The client over there: the `azp` of its tokens.")
    key: Text = Field(description="A file with the public key that it signs with (RS256): PEM, a JWK or a JWKS.")
    audience: Audience | None = Field(None, description="The `aud` of its tokens; left out: the name of our platform.")


class ServiceEntry(Entry):
    """A connected service: the one that calls."""

    service: Id = Field(description="The id, unique in the tenant.")
    previously: ServiceName | None = Field(
        None, description="Its id before, or TENANT.SERVICE where it was another tenant's; its key and secret stay."
    )
    title: Text = Field(description="What people call it.")
    auth: Annotated[list[Literal["api-key", "token"]], EachOnce] = Field(
        min_length=1, description="How it proves who it is; a grant needs one that the API takes too."
    )
    allowed_ips: Annotated[list[Address], EachOnce] = Field(
        default_factory=list, description="Only from here; empty: from everywhere."
    )
    redirect_uris: Annotated[list[RedirectUri], EachOnce] = Field(
        default_factory=list, description="Where a login may return to: exact, https."
    )
    post_logout_redirect_uris: Annotated[list[RedirectUri], EachOnce] = Field(
        default_factory=list, description="Where a logout may return to: exact, https. Empty: nowhere."
    )
    web_origins: Annotated[list[WebOrigin], EachOnce] = Field(
        default_factory=list,
        description="Pages that may ask Keycloak from the browser; empty: those of the redirect addresses.",
    )
    client: Literal["confidential", "public"] = Field(
        "confidential", description="public: it runs in the browser or on a phone and can keep no secret."
    )
    client_auth: ClientAuthEntry | None = Field(
        None, description="It proves to Keycloak who it is with a key; left out: with a secret from the store."
    )
    token_issuer: TokenIssuerEntry | None = Field(
        None, description="Its tokens come from another platform, and it has no client at our Keycloak."
    )
    subject: Literal["public", "pairwise"] = Field(
        "public", description="pairwise: it knows people by ids of its own, which no other service has."
    )
    sector_url: SectorUrl | None = Field(
        None, description="Whose host these ids are made with, where redirect_uris have several: a JSON list of them."
    )
    assurance: Literal[1, 2] = Field(
        1, description="2: whoever signs in through it has just shown a second factor, whatever the realm asks."
    )
    contact: Email | None = Field(None, description="Who is told before something changes.")
    start: Moment | None = Field(None, alias="from", description="The service's own period: its beginning.")
    until: Moment | None = Field(None, description="Its last day, or the instant at which it ends.")
    limits: dict[Id, dict[Id, CallLimit]] = Field(
        default_factory=dict, description="Its own limit instead of the API's: API, level, limit."
    )
    grants: list[GrantEntry] = Field(default_factory=list, description="What it may call. Nothing else.")
    own_data: dict[Id, Annotated[list[Id], Field(min_length=1), EachOnce]] = Field(
        default_factory=dict,
        description="But its tenant's own data: API and levels, for every data scope that its tenant owns.",
    )


def _list_or_roster(value: Any) -> str:
    return "roster" if isinstance(value, dict | RosterEntry) else "list"


class TenantDocument(Entry):
    """An organization."""

    tenant: Id = Field(description="The id; names its realm and its services. Cannot change later.")
    title: Text = Field(description="What people call it.")
    type: Literal["prefecture", "municipality", "university", "company"] = Field(description="What it is.")
    realm: RealmEntry = Field(description="Where its people live: a realm of its own, or another's.")
    groups: list[GroupEntry] = Field(default_factory=list, description="Groups of people.")
    users: Annotated[
        Annotated[list[UserEntry], Tag("list")] | Annotated[RosterEntry, Tag("roster")],
        Discriminator(_list_or_roster),
    ] = Field(default_factory=list, description="People: a list, or a roster from a CSV file.")
    guests: list[GuestEntry] = Field(
        default_factory=list, description="People of other tenants in the same realm who are in groups of this one."
    )
    administrators: AdministratorsEntry | None = Field(
        None, description="Who administers its people in Keycloak, within the groups that are named."
    )
    auditors: AuditorsEntry | None = Field(None, description="Who sees its people in Keycloak and changes nothing.")
    limits: dict[Id, dict[Id, CallLimit]] = Field(
        default_factory=dict, description="For each of its services instead of the API's limit: API, level, limit."
    )
    services: list[ServiceEntry] = Field(default_factory=list, description="Connected services.")
    identity_providers: list[IdentityProviderEntry] = Field(
        default_factory=list, description="Logins elsewhere through which people come into the realm."
    )
    directories: list[DirectoryEntry] = Field(
        default_factory=list, description="Directories (LDAP) whose people sign in to the realm."
    )
