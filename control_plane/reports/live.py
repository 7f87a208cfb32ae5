"""What of the servers' state the lists need, by names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from control_plane.engine.resource import Resource, State
from control_plane.kong.naming import anonymous_name

LATEST = 253_402_300_800_000  # the year 10000 in milliseconds


@dataclass(frozen=True)
class Factor:
    """A second factor that somebody has set up: totp, passkey or recovery-codes."""

    kind: str
    since: datetime | None = None  # aware


@dataclass(frozen=True, slots=True)
class LiveUser:
    """An account as its realm has it. Of one that carries our mark, the configuration says who it is."""

    enabled: bool
    otp_registered: bool | None = None  # a one-time password; None: not known
    created: datetime | None = None  # aware
    owned: bool = True
    family_name: str = ""
    given_name: str = ""
    email: str | None = None
    factors: tuple[Factor, ...] | None = None  # None: nobody asked
    last_login: datetime | None = None  # aware; None: none in the realm's record, or nobody asked
    dormant: bool = False  # for longer than the realm's template says
    directory: str | None = None  # what people call the directory that Keycloak has read him from
    left: date | None = None  # the day on which an apply found it gone from the YAML


@dataclass(frozen=True)
class Consent:
    """A person's word that a service may have his data of one scope."""

    service: str  # tenant.service
    scope: str
    since: datetime | None = None  # aware


@dataclass(frozen=True)
class LiveService:
    """A service's credentials as Keycloak and Kong have them: how many there are, never what they are."""

    client: bool = False
    client_enabled: bool | None = None
    consumer: bool = False
    keys: int = 0
    tokens: int = 0  # jwt credentials: the realms whose tokens are taken
    foreign: int = 0  # credentials of a service of ours that lack our mark
    owned: bool = True


@dataclass(frozen=True)
class Live:
    read_at: datetime  # aware
    users: Mapping[tuple[str, str], LiveUser] = field(default_factory=dict)  # (realm, username)
    user_counts: Mapping[str, int] = field(default_factory=dict)  # realm -> its own count of accounts
    services: Mapping[str, LiveService] = field(default_factory=dict)  # tenant.service
    consents: Mapping[tuple[str, str], tuple[Consent, ...]] = field(default_factory=dict)  # of those who were looked up
    subjects: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # tenant.service -> account -> id there


def from_state(have: State, platform: str, user_counts: Mapping[str, int], read_at: datetime) -> Live:
    """What the lists need of everything that was read; `user_counts` is what each realm counts itself."""
    users = {}
    services: dict[str, LiveService] = {}
    for key, found in have.items():
        if key.kind == "keycloak.user":
            users[key.within, key.name] = _user(found)
        elif name := _service(found, platform):
            services[name] = _with(services.get(name), found)
    return Live(read_at, users, dict(user_counts), services)


def with_factors(live: Live, factors: Mapping[tuple[str, str], tuple[tuple[str, object], ...]]) -> Live:
    """The accounts with what each can show besides a password: the kind, and milliseconds since 1970."""
    known = {
        address: replace(live.users[address], factors=tuple(Factor(kind, _instant(since)) for kind, since in found))
        for address, found in factors.items()
        if address in live.users
    }
    return replace(live, users={**live.users, **known})


def with_logins(live: Live, logins: Mapping[tuple[str, str], datetime], dormant: Collection[tuple[str, str]]) -> Live:
    """The accounts with their last login, and who has not signed in for long."""
    users = dict(live.users)
    for account in {*logins, *dormant} & users.keys():
        users[account] = replace(users[account], last_login=logins.get(account), dormant=account in dormant)
    return replace(live, users=users)


def with_consents(
    live: Live, records: Mapping[tuple[str, str], tuple[tuple[str, tuple[str, ...], object], ...]]
) -> Live:
    """With what each of these accounts has consented to: service, scopes, and milliseconds since 1970."""
    found = {
        account: tuple(Consent(service, scope, _instant(since)) for service, scopes, since in given for scope in scopes)
        for account, given in records.items()
    }
    return replace(live, consents=found)


def _user(found: Resource) -> LiveUser:
    fields = found.fields
    totp, created = fields.get("totp"), fields.get("created")
    return LiveUser(
        enabled=fields.get("enabled") is not False,  # an account that does not say so may open
        otp_registered=totp if isinstance(totp, bool) else None,
        created=_instant(created),
        owned=found.owned,
        family_name=str(fields.get("lastName") or ""),
        given_name=str(fields.get("firstName") or ""),
        email=str(fields["email"]) if fields.get("email") else None,
        directory=str(fields["directory"]) if fields.get("directory") else None,
        left=date.fromisoformat(str(fields["left_on"])) if fields.get("left_on") else None,
    )


def _instant(value: object) -> datetime | None:
    """Of milliseconds since 1970, within what a calendar holds: the server might say anything."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LATEST:
        return datetime.fromtimestamp(value / 1000, UTC)
    return None


def _service(found: Resource, platform: str) -> str | None:
    """The name of the service that the object is a part of."""
    match found.key.kind:
        case "keycloak.client":
            return None if found.protected else found.key.name
        case "kong.consumer":
            return None if found.key.name == anonymous_name(platform) else found.key.name
        case "kong.key" | "kong.jwt":
            return found.key.within or None
        case _:
            return None


def _with(service: LiveService | None, found: Resource) -> LiveService:
    """The service with one more part of it; it is ours when any part is."""
    ours = found.owned or (service is not None and service.owned)
    known = replace(service, owned=ours) if service else LiveService(owned=ours)
    if found.attached:
        return replace(known, foreign=known.foreign + 1)
    match found.key.kind:
        case "keycloak.client":
            enabled = found.fields.get("enabled")
            return replace(known, client=True, client_enabled=enabled if isinstance(enabled, bool) else None)
        case "kong.consumer":
            return replace(known, consumer=True)
        case "kong.key":
            return replace(known, keys=known.keys + 1)
        case _:
            return replace(known, tokens=known.tokens + 1)
