"""Roles of people, and scopes of data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from control_plane.catalog.model.grants import Grant
from control_plane.catalog.model.periods import ALWAYS, Period
from control_plane.problems import Origin


class Disclosure(StrEnum):
    OPEN = "open"  # anyone who may call the API
    LIMITED = "limited"  # 限定公開: a grant; an approval too when the data belongs to someone else
    CLOSED = "closed"  # the owner's own services only


@dataclass(frozen=True)
class Role:
    name: str
    title: str
    mfa: bool = False
    includes: tuple[str, ...] = ()  # composite: who has this role has these too
    max_holders: int | None = None
    description: str = ""
    grants: tuple[Grant, ...] = ()  # through services that may do the same
    origin: Origin | None = None


@dataclass(frozen=True)
class Fiware:
    service: str  # Fiware-Service
    paths: tuple[str, ...] = ("/#",)  # Fiware-ServicePath; /road/# takes everything below


@dataclass(frozen=True)
class DataScope:
    name: str
    title: str
    owner: str  # tenant
    disclosure: Disclosure
    period: Period = ALWAYS
    fiware: Fiware | None = None
    paths: tuple[str, ...] = ()  # path prefixes, for APIs with `scoping: path`
    description: str = ""
    origin: Origin | None = None
    values: tuple[str, ...] = ()  # of the API's query field, for APIs with `scoping: query`
    consent: str | None = None  # what a person reads who is asked for his consent; None: nobody is asked
