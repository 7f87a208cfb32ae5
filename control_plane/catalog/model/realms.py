"""Realms, and the settings that a template gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from control_plane.problems import Origin


class MfaMode(StrEnum):
    EVERYONE = "everyone"  # no condition in the flow: it cannot fail open
    BY_ROLE = "by-role"  # users who hold a role with `mfa: required`
    UNMANAGED = "unmanaged"  # the login flow is the one that the realm had before us, and stays as it is


@dataclass(frozen=True)
class ProfileAttribute:
    """Who may see and change an attribute of people, and what it may hold."""

    name: str
    title: str = ""
    view: frozenset[str] = frozenset({"admin"})  # admin, user
    edit: frozenset[str] = frozenset({"admin"})
    required: bool = False
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


class FirstPassword(StrEnum):
    """How a person gets into a new account."""

    NONE = "none"  # not by us: an administrator sets a password, or another provider signs him in
    STORE = "store"  # a password for one login stands in the secret store
    MAIL = "mail"  # a link by mail, with which he sets it


class Dormant(StrEnum):
    """What becomes of an account that nobody signs in to."""

    REPORT = "report"
    DISABLE = "disable"


@dataclass(frozen=True)
class People:
    """What becomes of accounts."""

    keep_days: int | None = None  # who has left may be deleted after so many days; None: never
    first_password: FirstPassword = FirstPassword.NONE
    dormant_days: int | None = None  # without a login; None: nobody asks
    dormant: Dormant = Dormant.REPORT


@dataclass(frozen=True)
class RealmBaseline:
    """What a realm template says, with `extends` already folded in. Durations are seconds."""

    template: str
    mfa: MfaMode = MfaMode.EVERYONE
    factors: tuple[str, ...] = ("totp",)  # totp, passkey; who has none sets up the first
    recovery_codes: bool = False
    exemptions: bool = False  # people may be left out by name
    step_up: int | None = None  # seconds for which a factor is good enough for `assurance: 2`; None: no such level
    password_policy: Mapping[str, int | bool | str] = field(
        default_factory=dict
    )  # length, digits, … in the words of the language
    brute_force: Mapping[str, int | bool | str] = field(default_factory=dict)  # failures, wait, …
    tokens: Mapping[str, int | bool] = field(default_factory=dict)  # access, sso_idle, sso_max, …
    login: Mapping[str, bool] = field(default_factory=dict)  # remember_me, with_email, …
    themes: Mapping[str, str] = field(default_factory=dict)  # login, account, admin, email
    headers: Mapping[str, str] = field(default_factory=dict)  # frame_options, …
    otp: Mapping[str, int | str | bool] = field(default_factory=dict)
    passkey: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)  # domain, user_verification, …
    events_days: int = 365
    event_types: tuple[str, ...] = ()  # none: those that Keycloak keeps by itself
    event_listeners: tuple[str, ...] | None = None  # None: as they are
    clients: Mapping[str, bool] = field(default_factory=dict)  # made by hand: pkce, secure_redirects, full_scope, …
    locales: tuple[str, ...] = ("ja", "en")
    ssl_required: str = "external"
    attributes: tuple[str, ...] = ()  # user-profile attributes that the platform declares besides its own
    profile: Mapping[str, ProfileAttribute] = field(default_factory=dict)  # those of `attributes` that say more
    sender: Mapping[str, str] = field(default_factory=dict)  # from, name, reply_to; empty: the realm sends no mail
    people: People = People()
    default_roles: tuple[str, ...] | None = None  # None: those that Keycloak gives everybody
    origin: Origin | None = None


@dataclass(frozen=True)
class Realm:
    name: str
    title: str
    owner: str  # tenant
    baseline: RealmBaseline
    origin: Origin | None = None
