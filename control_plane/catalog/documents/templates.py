"""templates/*.yaml: realm baselines and API plans."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from control_plane.catalog.documents.apis import Method
from control_plane.catalog.documents.base import CallLimit, Entry
from control_plane.catalog.documents.people import PeopleEntry
from control_plane.catalog.documents.realms import (
    Attributes,
    BruteForceEntry,
    ClientsEntry,
    EventsEntry,
    HeadersEntry,
    LoginEntry,
    PasswordEntry,
    SenderEntry,
    ThemesEntry,
    TokensEntry,
)
from control_plane.catalog.words import (
    Domain,
    Duration,
    EachOnce,
    HeaderName,
    Id,
    Locale,
    Text,
    WebOrigin,
    wrong,
)


class MfaEntry(Entry):
    """Who shows a second factor, and which."""

    required: Literal["everyone", "by-role", "unmanaged"] | None = Field(
        None,
        description="everyone, or by-role: only people with a role that has `mfa: required`. "
        "unmanaged: the login flow that the realm had before renkei stays as it is.",
    )
    factors: Annotated[list[Literal["totp", "passkey"]], EachOnce] | None = Field(
        None, min_length=1, description="What counts as a second factor; who has none yet sets up the first of them."
    )
    recovery_codes: bool | None = Field(
        None, description="Codes on paper, each for one login, for who has lost the factor."
    )
    exemptions: bool | None = Field(None, description="People may be left out by name (`mfa_exempt`); else nobody is.")
    step_up: Duration | None = Field(
        None, description="For services with `assurance: 2`: the factor is shown again unless it was so recently."
    )

    @model_validator(mode="after")
    def _of_a_flow_of_ours(self) -> MfaEntry:
        more = sorted(self.model_fields_set - {"required"})
        if self.required == "unmanaged" and more:
            raise wrong(
                f"with 'unmanaged' the realm's own login flow decides, and '{more[0]}' has no effect",
                "required: everyone, or by-role",
            )
        return self


class PasskeyEntry(Entry):
    """Passkeys as a second factor (WebAuthn)."""

    domain: Domain | None = Field(
        None,
        description="The host of the login page, or a domain above it: what passkeys are bound to. "
        "To be given before the first one is set up; another value makes every passkey useless.",
    )
    name: Text | None = Field(None, description="What the device calls the realm; left out: its title.")
    user_verification: Literal["required", "preferred", "discouraged"] | None = Field(
        None, description="Whether the device checks its holder, by PIN or finger; left out: required."
    )
    attachment: Literal["platform", "cross-platform"] | None = Field(
        None, description="Only what is built in (platform), or only what is plugged in; left out: either."
    )
    algorithms: Annotated[list[Literal["ES256", "ES384", "ES512", "RS256", "EdDSA"]], EachOnce] | None = Field(
        None, min_length=1, description="Signatures that are taken; left out: ES256 and RS256."
    )


class OtpEntry(Entry):
    """One-time passwords."""

    type: Literal["totp", "hotp"] | None = Field(None, description="By time (totp) or by counter (hotp).")
    digits: Literal[6, 8] | None = Field(None, description="6 or 8.")
    period: Annotated[Duration, Field(ge=15, le=300)] | None = Field(
        None, description="How long a code of type totp is shown; 15 s to 5 min."
    )
    algorithm: Literal["HmacSHA1", "HmacSHA256", "HmacSHA512"] | None = Field(
        None, description="HmacSHA1 is what the usual phone apps can do."
    )
    look_ahead: Annotated[int, Field(ge=0, le=10)] | None = Field(
        None, description="Codes around the current one that are accepted too."
    )
    reusable: bool | None = Field(None, description="Whether a code may be used twice in its period.")


class RealmTemplateEntry(Entry):
    """What a realm has from its first day."""

    template: Id = Field(description="The id.")
    title: Text | None = Field(None, description="What people call it.")
    extends: Id | None = Field(None, description="Takes each key of each section that is not given from this template.")
    mfa: MfaEntry | None = Field(None, description="Who shows a second factor.")
    password: PasswordEntry | None = Field(None, description="The password policy.")
    brute_force: BruteForceEntry | None = Field(None, description="When wrong passwords lock an account.")
    tokens: TokensEntry | None = Field(None, description="How long tokens and sessions live.")
    login: LoginEntry | None = Field(None, description="What the login page offers.")
    themes: ThemesEntry | None = Field(None, description="How pages and mails look.")
    headers: HeadersEntry | None = Field(None, description="What browsers are told with each page.")
    otp: OtpEntry | None = Field(None, description="One-time passwords.")
    passkey: PasskeyEntry | None = Field(None, description="Passkeys as a second factor.")
    clients: ClientsEntry | None = Field(None, description="What is held to of clients that people make by hand.")
    events: EventsEntry | None = Field(None, description="The record of logins and of changes.")
    people: PeopleEntry | None = Field(None, description="What becomes of accounts.")
    locales: Annotated[list[Locale], EachOnce] | None = Field(
        None, min_length=1, description="Languages of the login page; the first is the default."
    )
    ssl_required: Literal["all", "external", "none"] | None = Field(
        None, description="external: HTTPS except from private addresses."
    )
    attributes: Attributes | None = Field(
        None, description="Attributes of users that the realm knows besides its own: names, or who may see and change."
    )
    mail: SenderEntry | None = Field(None, description="Whom its mails come from; the environment's server takes them.")
    default_roles: Annotated[list[Literal["offline_access", "uma_authorization"]], EachOnce] | None = Field(
        None, description="What everybody has from Keycloak's own roles; none of the platform's can be given so."
    )


class CorsEntry(Entry):
    """Which pages of other origins may call the API from a browser (CORS)."""

    origins: Annotated[list[WebOrigin], EachOnce] = Field(
        min_length=1, description="Origins of these pages, like https://portal.example.jp; '*' is every origin."
    )
    methods: Annotated[list[Method], EachOnce] | None = Field(
        None, min_length=1, description="Of the API's methods only these. Left out: all that its levels have."
    )
    headers: Annotated[list[HeaderName], EachOnce] | None = Field(
        None, min_length=1, description="Headers that a page may send. Left out: those that the API's callers need."
    )
    max_age: Duration | None = Field(None, description="How long a browser may keep the answer to a preflight.")
    credentials: bool = Field(False, description="Whether a page may send cookies and the browser's own credentials.")

    @model_validator(mode="after")
    def _not_for_everybody(self) -> CorsEntry:
        if "*" in self.origins and len(self.origins) > 1:
            raise wrong("'*' is every origin, the others say nothing beside it", 'origins: ["*"]')
        if self.credentials and "*" in self.origins:
            raise wrong(
                "with 'credentials', every page could act in the name of whoever looks at it", "name the origins"
            )
        return self


class PlanEntry(Entry):
    """How often a service may call an API, per level, and how the gateway treats browsers and robots."""

    plan: Id = Field(description="The id.")
    title: Text | None = Field(None, description="What people call it.")
    extends: Id | None = Field(None, description="Takes each limit of each level that is not given from this plan.")
    levels: dict[Id, CallLimit] = Field(default_factory=dict, description="Level and its limit.")
    cors: CorsEntry | None = Field(None, description="Which pages of other origins may call from a browser.")
    bot_detection: bool | None = Field(None, description="Refuse well-known robots by their User-Agent (403).")
    security_headers: bool | None = Field(
        None, description="Headers that tell a browser to be careful; none that tell what the upstream is made of."
    )


class TemplatesDocument(Entry):
    """Realm templates and API plans; either list may be left out."""

    realm_templates: list[RealmTemplateEntry] = Field(default_factory=list, description="Realm baselines.")
    api_plans: list[PlanEntry] = Field(default_factory=list, description="API plans.")
