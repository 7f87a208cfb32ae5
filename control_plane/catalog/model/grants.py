"""Grants: what a service may call, or a person with a role through one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from control_plane.catalog.model.periods import ALWAYS, Period
from control_plane.problems import Origin


@dataclass(frozen=True)
class Approval:
    application: str
    by: str  # tenant
    on: date


@dataclass(frozen=True)
class Grant:
    """Of a service, or of a role: then both names are None, and it holds together with a grant of a service."""

    tenant: str | None
    service: str | None  # full name, tenant.service
    api: str
    levels: tuple[str, ...]
    scopes: tuple[str, ...]  # data scopes; empty where the API has none
    versions: tuple[str, ...]  # resolved: every version that is at the gateway when YAML names none
    period: Period = ALWAYS
    approval: Approval | None = None
    origin: Origin | None = None
