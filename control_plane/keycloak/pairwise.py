"""Ids of people that differ from service to service, so that two services cannot join what they know of somebody.

OpenID Connect Core, 8.1: the id of a person (`sub`) is made of the host that the client returns to (its sector), of the
account and of a salt. Two clients with the same host and the same salt would have the same ids, so every service has a
salt of its own. Whoever knows it and the accounts can tell who is who: it stands in the store of secrets, and Keycloak
shows it in clear, so it is sealed where it is read.

Another salt or host gives everybody another id, at once and without an error. Keycloak makes up a new salt when a
mapper is written without one (204): it is written with its salt, always.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping

from control_plane.catalog.model import Service
from control_plane.catalog.model.clients import host_of
from control_plane.engine.plan import Change, FieldChange, Update
from control_plane.engine.resource import State
from control_plane.engine.values import Fields, Secret, Value
from control_plane.keycloak.answers import Json
from control_plane.keycloak.server import Keycloak

NAME = "pairwise subject"  # of the mapper on the client
TYPE = "oidc-sha256-pairwise-sub-mapper"
SALT, SECTOR = "pairwiseSubAlgorithmSalt", "sectorIdentifierUri"
FIELD = "pairwise"
SECRET = "subject_salt"  # noqa: S105  its name in the store


def salt(service: Service) -> Secret:
    return Secret.of(service.name, SECRET, service.previously)


def wanted(service: Service) -> Fields:
    """None where the service knows people by the id that every service knows."""
    if not service.pairwise:
        return {FIELD: None}
    return {FIELD: {"type": TYPE, "host": service.sector, SECTOR: service.sector_url, SALT: salt(service)}}


def sealed(server: Keycloak, mapper: Json) -> Json:
    """The mapper with the digest of the salt instead of the salt."""
    config = mapper.get("config") or {}
    if not isinstance(config.get(SALT), str):
        return mapper
    return {**mapper, "config": {**config, SALT: server.seal(config[SALT])}}


def found(client: Json) -> dict[str, Value]:
    """Of a client whose mappers are sealed. `host` is what an id is made of, besides account and salt."""
    mapper = next((one for one in client.get("protocolMappers") or () if one.get("name") == NAME), None)
    if mapper is None:
        return {FIELD: None}
    config = mapper.get("config") or {}
    url = config.get(SECTOR) or None
    hosts = {host_of(one) for one in ([url] if url else client.get("redirectUris") or ())}
    return {
        FIELD: {
            "type": mapper.get("protocolMapper"),
            "host": (min(hosts) or None) if len(hosts) == 1 else None,
            SECTOR: url,
            SALT: config.get(SALT),
        }
    }


def mappers(server: Keycloak, fields: Fields) -> list[Json]:
    """All mappers that the client is to have, as Keycloak takes them."""
    one = fields[FIELD]
    if not isinstance(one, Mapping):
        return []
    reference = one[SALT]
    assert isinstance(reference, Secret)
    config = {SALT: server.reveal(reference), SECTOR: one[SECTOR] or ""}
    return [{"name": NAME, "protocol": "openid-connect", "protocolMapper": TYPE, "config": config}]


def danger(one: FieldChange) -> str | None:
    if one.path == (FIELD,):
        return "its tokens name people by the id that every service knows" if one.after is not None else None
    return "it knows people by other ids than Git says"


def costs(change: Change, have: State) -> str | None:
    if isinstance(change, Update) and FIELD in change.changed:
        return "everybody gets another id at this service: what it keeps of people it no longer finds"
    return None


def subjects(service: Service, accounts: Mapping[str, str], salt: str) -> Mapping[str, str]:
    """By user name the id at this service of each of the accounts, which are given by user name and own id."""
    return {name: subject(service.sector, id, salt) for name, id in accounts.items()}


def subject(sector: str, account: str, salt: str) -> str:
    """The id by which a service of this sector knows the account, as Keycloak makes it: a UUID of version 3."""
    digest = hashlib.sha256(f"{sector}{account}{salt}".encode()).digest()
    return str(uuid.UUID(bytes=hashlib.md5(digest, usedforsecurity=False).digest(), version=3))
