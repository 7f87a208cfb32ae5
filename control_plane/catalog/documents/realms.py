"""The sections of a realm template: passwords, lock-out, sessions, the login page, headers, the record."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from control_plane.catalog.documents.base import Entry
from control_plane.catalog.events import EVENT_TYPES
from control_plane.catalog.words import (
    AttributeName,
    Duration,
    EachOnce,
    Email,
    FileName,
    Header,
    Text,
    TransportSecurity,
    nearest,
    wrong,
)

Few = Annotated[int, Field(ge=0, le=64)]


def _event(value: str) -> str:
    if value not in EVENT_TYPES:
        raise wrong("Keycloak records no event of this name", nearest(value, EVENT_TYPES))
    return value


def _expression(value: str) -> str:
    if " and " in value:
        raise wrong("Keycloak keeps its policies as one text and would cut this one at ' and '", "write \\x20and\\x20")
    try:
        re.compile(value)
    except re.error as error:
        raise wrong(f"this is no regular expression: {error}") from None
    return value


LOGINS = ("LOGIN", "LOGIN_ERROR")
EventType = Annotated[str, AfterValidator(_event)]
Expression = Annotated[Text, AfterValidator(_expression)]
Theme = FileName


class PasswordEntry(Entry):
    """The password policy."""

    length: Annotated[int, Field(ge=8, le=128)] | None = Field(None, description="At least so many characters.")
    max_length: Annotated[int, Field(ge=8, le=256)] | None = Field(None, description="At most so many characters.")
    upper: Few | None = Field(None, description="At least so many upper-case letters.")
    lower: Few | None = Field(None, description="At least so many lower-case letters.")
    digits: Few | None = Field(None, description="At least so many digits.")
    special: Few | None = Field(None, description="At least so many special characters.")
    pattern: Expression | None = Field(None, description="A regular expression that the whole password matches.")
    deny_list: FileName | None = Field(
        None, description="Not in this list of known passwords: a file in data/password-blacklists of each Keycloak."
    )
    history: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None, description="Not one of the last so many passwords."
    )
    history_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        None, description="Not a password of the last so many days."
    )
    not_username: bool | None = Field(None, description="Not the username.")
    not_email: bool | None = Field(None, description="Not the e-mail address.")
    without_username: bool | None = Field(None, description="Not with the username inside it.")
    max_age_days: Annotated[int, Field(ge=1, le=3650)] | None = Field(
        None, description="To be changed after so many days."
    )
    fresh_login: Duration | None = Field(
        None, description="Who changes the password must have logged in no longer ago than this."
    )
    hash: Literal["argon2", "pbkdf2-sha256", "pbkdf2-sha512"] | None = Field(
        None, description="How passwords are kept; argon2 is Keycloak's own choice."
    )
    hash_iterations: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description="Rounds of the hash; left out: what Keycloak takes for it."
    )


class BruteForceEntry(Entry):
    """When wrong passwords lock an account, and for how long."""

    failures: Annotated[int, Field(ge=1, le=1000)] | None = Field(None, description="Wrong passwords until locked.")
    wait: Duration | None = Field(None, description="How long it is locked; grows with each further failure.")
    max_wait: Duration | None = Field(None, description="The longest that it is locked.")
    reset_after: Duration | None = Field(None, description="Failures are forgotten after this.")
    strategy: Literal["multiple", "linear"] | None = Field(
        None, description="The wait grows with each so many failures (multiple) or with each further one (linear)."
    )
    quick: Annotated[int, Field(ge=1, le=60_000)] | None = Field(
        None, description="Two failures within so many milliseconds are a machine's."
    )
    quick_wait: Duration | None = Field(None, description="How long it is locked after these.")
    permanent: bool | None = Field(None, description="Locked until an administrator unlocks it.")
    lockouts: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="With permanent: so many temporary ones before it."
    )


class TokensEntry(Entry):
    """How long tokens and sessions live."""

    access: Duration | None = Field(None, description="An access token.")
    sso_idle: Duration | None = Field(None, description="A session in which nothing happens.")
    sso_max: Duration | None = Field(None, description="A session at all.")
    remember_idle: Duration | None = Field(None, description="A remembered session in which nothing happens.")
    remember_max: Duration | None = Field(None, description="A remembered session at all.")
    client_idle: Duration | None = Field(None, description="A client's session in which nothing happens.")
    client_max: Duration | None = Field(None, description="A client's session at all.")
    offline_idle: Duration | None = Field(None, description="An offline session in which nothing happens.")
    offline_max: Duration | None = Field(None, description="An offline session at all; left out: without end.")
    login: Duration | None = Field(None, description="The time to log in.")
    action: Duration | None = Field(None, description="The time for one action of a user, as a new password.")
    code: Duration | None = Field(None, description="The time in which a client turns a login's code into tokens.")
    link: Duration | None = Field(None, description="A link by mail that a person asked for.")
    admin_link: Duration | None = Field(None, description="A link by mail that an administrator sent.")
    refresh_once: bool | None = Field(
        None, description="A refresh token is good for one use: a stolen one is noticed and ends the session."
    )
    refresh_reuse: Few | None = Field(None, description="With refresh_once: so many further uses.")


class LoginEntry(Entry):
    """What the login page offers."""

    remember_me: bool | None = Field(None, description="A session may outlive the browser.")
    with_email: bool | None = Field(None, description="The e-mail address does instead of the username.")
    verify_email: bool | None = Field(None, description="An address is proven before the first login. Needs mail.")
    reset_password: bool | None = Field(None, description="'Forgot password?' sends a link. Needs mail.")
    edit_username: bool | None = Field(None, description="People may change their username.")


class ThemesEntry(Entry):
    """How pages and mails look; themes are installed at Keycloak."""

    login: Theme | None = Field(None, description="The login pages.")
    account: Theme | None = Field(None, description="The pages on which people look after their account.")
    admin: Theme | None = Field(None, description="The administrators' console.")
    email: Theme | None = Field(None, description="Mails.")


class HeadersEntry(Entry):
    """What browsers are told with each page of the realm."""

    frame_options: Literal["DENY", "SAMEORIGIN"] | None = Field(None, description="X-Frame-Options.")
    content_security_policy: Header | None = Field(None, description="Content-Security-Policy; names frame-ancestors.")
    report_only: Header | None = Field(None, description="Content-Security-Policy-Report-Only.")
    strict_transport_security: TransportSecurity | None = Field(
        None, description="Strict-Transport-Security: how long a browser speaks TLS only."
    )
    referrer_policy: (
        Literal["no-referrer", "same-origin", "strict-origin", "origin", "strict-origin-when-cross-origin"] | None
    ) = Field(None, description="Referrer-Policy.")
    content_type_options: Literal["nosniff"] | None = Field(None, description="X-Content-Type-Options.")
    robots: Header | None = Field(None, description="X-Robots-Tag.")

    @model_validator(mode="after")
    def _in_no_frame(self) -> HeadersEntry:
        policy = self.content_security_policy
        if policy is not None and "frame-ancestors" not in policy:
            raise wrong(
                "without 'frame-ancestors' any page may show the login page in a frame and take its clicks",
                f"content_security_policy: \"{policy.rstrip('; ')}; frame-ancestors 'self'\"",
            )
        return self


class EventsEntry(Entry):
    """The record of logins and of changes."""

    days: Annotated[int, Field(ge=1, le=3650)] | None = Field(None, description="How long it is kept.")
    types: Annotated[list[EventType], EachOnce] | None = Field(
        None, min_length=1, description="Events that are kept; left out: those that Keycloak keeps by itself."
    )
    listeners: Annotated[list[FileName], EachOnce] | None = Field(
        None, description="Who is told of each event: jboss-logging, email, or one that is installed at Keycloak."
    )

    @model_validator(mode="after")
    def _logins_among_them(self) -> EventsEntry:
        missing = [name for name in LOGINS if self.types is not None and name not in self.types]
        if missing:
            raise wrong(
                f"without {' and '.join(missing)} nobody can tell who has logged in, and who has tried",
                f"add {', '.join(missing)} to 'types'",
            )
        return self


class ClientsEntry(Entry):
    """What is held to of clients that people make by hand, in the console or by registration."""

    pkce: bool | None = Field(
        None, description="A login's code is of no use to who catches it (PKCE, S256): set on every client."
    )
    secure_redirects: bool | None = Field(
        None, description="Addresses of clients are https, or http on the loopback, without wildcards; else refused."
    )
    full_scope: bool | None = Field(
        None,
        description="false: a client's tokens do not carry every role of their user; set on every client.",
    )
    password_login: bool | None = Field(
        None, description="false: a client takes no passwords (direct grant); set on every client."
    )


class SenderEntry(Entry):
    """Whom the realm's mails come from; the server that takes them is the environment's."""

    address: Email = Field(alias="from", description="The sender's address.")
    name: Text | None = Field(None, description="The sender's name.")
    reply_to: Email | None = Field(None, description="Where answers go.")


Side = Literal["admin", "user"]


class AttributeEntry(Entry):
    """An attribute of people, and who may see and change it."""

    name: AttributeName = Field(description="Its name.")
    title: Text | None = Field(None, description="What people call it.")
    view: Annotated[list[Side], EachOnce] = Field(["admin"], description="Who sees it: administrators, and the person.")
    edit: Annotated[list[Side], EachOnce] = Field(
        ["admin"], description="Who changes it. Nobody changes what he does not see."
    )
    required: bool = Field(False, description="The person is asked for it at the next login.")
    min_length: Annotated[int, Field(ge=1, le=2048)] | None = Field(None, description="At least so many characters.")
    max_length: Annotated[int, Field(ge=1, le=2048)] | None = Field(None, description="At most so many characters.")
    pattern: Expression | None = Field(None, description="A regular expression that the whole value matches.")

    @model_validator(mode="after")
    def _can_be_meant(self) -> AttributeEntry:
        if blind := [side for side in self.edit if side not in self.view]:
            raise wrong(
                f"'{blind[0]}' may change it and not see it", f"view: [{', '.join(sorted({*self.view, *blind}))}]"
            )
        if "admin" not in self.edit:
            raise wrong("administrators, and so renkei, could not write it", "edit: [admin, user]")
        if self.required and "user" not in self.edit:
            raise wrong("people would be asked at the login for what they may not change", "edit: [admin, user]")
        if self.min_length and self.max_length and self.min_length > self.max_length:
            raise wrong(f"'min_length' ({self.min_length}) is more than 'max_length' ({self.max_length})")
        return self


def _form(value: Any) -> str:
    return "mapping" if isinstance(value, dict | AttributeEntry) else "name"


NameOrAttribute = Annotated[
    Annotated[AttributeName, Tag("name")] | Annotated[AttributeEntry, Tag("mapping")], Discriminator(_form)
]


def attribute_name(one: str | AttributeEntry) -> str:
    return one if isinstance(one, str) else one.name


def _each_named_once(values: list[str | AttributeEntry]) -> list[str | AttributeEntry]:
    names = [attribute_name(one) for one in values]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise wrong(f"'{name}' stands twice in this list", index=index)
    return values


Attributes = Annotated[list[NameOrAttribute], AfterValidator(_each_named_once)]
