"""Answers as plain data with a `format_version`. The text is made from it too."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias

from control_plane.access import periods
from control_plane.access.holders import Holder
from control_plane.access.requests import Because, Decision, Limit, Request
from control_plane.catalog.model import Api, Catalog, Level, Service
from control_plane.problems import Origin

FORMAT_VERSION = 1

Document: TypeAlias = dict[str, Any]


def can_document(
    catalog: Catalog,
    service: Service,
    api: Api,
    credential: str,
    roles: Iterable[str],
    asked: Iterable[tuple[str, Request, Decision]],
) -> Document:
    """`asked` has the version that was meant, the request, and the answer; without roles it is the service itself."""
    found = list(asked)
    request = found[0][1]
    return {
        "format_version": FORMAT_VERSION,
        "platform": catalog.platform.name,
        "at": _instant(catalog, request.at),
        "service": service.name,
        "api": api.name,
        "credential": credential,
        "roles": list(roles),
        "from": request.address,
        "scope": request.scope,
        "allowed": any(decision.allowed for _, _, decision in found),
        "decisions": [_decision(*one) for one in found],
    }


def _decision(version: str, request: Request, decision: Decision) -> Document:
    fiware = decision.fiware
    return {
        "version": version,
        "method": request.method,
        "path": request.path,
        "allowed": decision.allowed,
        "status": decision.status,
        "reason": decision.reason,
        "leads_to": f"{decision.api}.{decision.version}" if decision.version else None,
        "level": decision.level,
        "scope": decision.scope,
        "because": [_because(line) for line in decision.because],
        "limits": [_limit(limit) for limit in decision.limits],
        "sets": {"Fiware-Service": fiware[0], "Fiware-ServicePath": fiware[1]} if fiware else {},
    }


def who_document(catalog: Catalog, api: Api, level: Level, at: datetime, found: Iterable[Holder]) -> Document:
    return {
        "format_version": FORMAT_VERSION,
        "platform": catalog.platform.name,
        "at": _instant(catalog, at),
        "api": api.name,
        "level": level.name,
        "methods": list(level.methods),
        "paths": list(level.paths),
        "allowed_ips": list(api.allowed_ips),
        "holders": [_holder(catalog, holder) for holder in found],
    }


def _holder(catalog: Catalog, one: Holder) -> Document:
    return {
        "service": one.service,
        "title": one.title,
        "roles": list(one.roles),
        "versions": list(one.versions),
        "scopes": list(one.scopes),
        "until": _instant(catalog, one.until) if one.until else None,
        "until_text": periods.until(one.until, catalog.platform.zone),
        "auth": list(one.auth),
        "allowed_ips": list(one.allowed_ips),
        "limits": [_limit(limit) for limit in one.limits],
        "origins": [_origin(origin) for origin in one.origins],
    }


def _instant(catalog: Catalog, at: datetime) -> str:
    return at.astimezone(catalog.platform.zone).isoformat(timespec="seconds")


def _because(line: Because) -> Document:
    return {"what": line.what, "says": line.says, "origin": _origin(line.origin)}


def _limit(limit: Limit) -> Document:
    return {
        "calls": limit.calls,
        "span": limit.span,
        "of": limit.of,
        "counted": limit.counted,
        "origin": _origin(limit.origin),
    }


def _origin(origin: Origin | None) -> Document | None:
    return {"file": origin.file, "line": origin.line, "column": origin.column} if origin else None
