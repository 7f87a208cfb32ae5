"""Who may do what: from the configuration alone. Rights are the same in every environment, so none has to be named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from control_plane.access import Request, evaluate, holders, names
from control_plane.access.callers import credentials_of, usual
from control_plane.access.document import Document, can_document, who_document
from control_plane.app.run import Ask
from control_plane.catalog.load import read
from control_plane.catalog.model import Catalog


@dataclass(frozen=True)
class Call:
    """What the operator asks about, in his words."""

    service: str
    api: str  # API or API.VERSION
    method: str
    path: str
    address: str | None = None
    scope: str | None = None
    credential: str | None = None  # key, token, none; None: the one that the service would use
    roles: tuple[str, ...] = ()  # of a person who calls through the service; then it is a token


def can(ask: Ask, call: Call) -> Document:
    """What the gateway answers to this call, for each version that is asked about.

    Raises ConfigurationError where a name is unknown.
    """
    catalog = _catalog(ask)
    at = _instant(ask, catalog)
    service = names.service_of(catalog, call.service)
    api, versions = names.api_of(catalog, call.api)
    roles = names.roles_of(catalog, service, call.roles)
    kind = "token" if roles else call.credential or usual(api, service)
    template = Request(
        credentials=credentials_of(catalog, service, kind, at, roles or None),
        method=call.method.upper(),
        path="",
        at=at,
        address=names.address_of(call.address) if call.address else None,
        scope=names.scope_of(catalog, call.scope) if call.scope else None,
    )
    asked = [
        (version.name, request, evaluate(catalog, request))
        for version, request in names.requests(template, api, versions, call.path)
    ]
    return can_document(catalog, service, api, kind, roles, asked)


def who(ask: Ask, api_and_version: str, level: str) -> Document:
    """Everybody who may use the level at that moment. Raises ConfigurationError where a name is unknown."""
    catalog = _catalog(ask)
    at = _instant(ask, catalog)
    api, versions = names.api_of(catalog, api_and_version)
    found = names.level_of(api, level)
    return who_document(catalog, api, found, at, holders(catalog, api, found, versions, at))


def _catalog(ask: Ask) -> Catalog:
    loaded = read(ask.directory)
    return loaded.catalog(ask.environment or loaded.environments[0])


def _instant(ask: Ask, catalog: Catalog) -> datetime:
    if ask.at is None:
        return datetime.now(UTC)
    return ask.at if ask.at.tzinfo else ask.at.replace(tzinfo=catalog.platform.zone)
