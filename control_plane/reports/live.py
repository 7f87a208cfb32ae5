"""What of the servers' state the lists need, by names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class LiveUser:
    """An account as its realm has it. Of one that carries our mark, the configuration says who it is."""

    enabled: bool
    mfa_registered: bool | None = None  # None: not known
    created: datetime | None = None  # aware
    owned: bool = True
    family_name: str = ""
    given_name: str = ""
    email: str | None = None


@dataclass(frozen=True)
class LiveService:
    """A service's credentials as Keycloak and Kong have them: how many there are, never what they are."""

    client: bool = False
    client_enabled: bool | None = None
    consumer: bool = False
    keys: int = 0
    tokens: int = 0  # jwt credentials: the realms whose tokens are taken
    owned: bool = True


@dataclass(frozen=True)
class Live:
    read_at: datetime  # aware
    users: Mapping[tuple[str, str], LiveUser] = field(default_factory=dict)  # (realm, username)
    user_counts: Mapping[str, int] = field(default_factory=dict)  # realm -> its own count of accounts
    services: Mapping[str, LiveService] = field(default_factory=dict)  # tenant.service
