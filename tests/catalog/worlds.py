"""Small configurations for tests: files by name, written into a directory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from control_plane.catalog.load import load
from control_plane.catalog.model import Catalog
from control_plane.problems import ConfigurationError, Problem

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)

RENKEI = "platform: example\nenvironments:\n  sandbox: {}\n"
TEMPLATES = "realm_templates:\n  - template: staff\n    mfa: {required: everyone}\n"
CITY = "tenant: city\ntitle: 見本市\ntype: municipality\nrealm: {template: staff}\n"
ROLES = "roles:\n  - {role: editor, title: 作成者, mfa: required}\n  - {role: viewer, title: 閲覧者}\n"
SCOPES = """\
data_scopes:
  - {scope: facility, title: 公共施設データ, owner: city, disclosure: open, fiware: {service: example}}
"""
API = """\
api: ngsi-v2
title: FIWARE NGSIv2
owner: city
upstream: orion
auth: [api-key]
scoping: fiware-headers
versions:
  - {version: v1, path: /ngsi/v1, state: deprecated, sunset: 2027-03-31, successor: v2}
  - {version: v2, path: /ngsi/v2, state: published}
  - {version: v3, path: /ngsi/v3, state: draft}
levels:
  read: {methods: [HEAD, GET]}
  update: {methods: [POST], limit: {minute: 60}}
"""
WORLD = {
    "renkei.yaml": RENKEI,
    "templates/realms.yaml": TEMPLATES,
    "tenants/city.yaml": CITY,
    "roles/roles.yaml": ROLES,
    "roles/scopes.yaml": SCOPES,
    "apis/ngsi-v2.yaml": API,
}


def write(directory: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


def world(directory: Path, environment: str | None = None, **files: str | bytes) -> Catalog:
    """The small world with other files in it, loaded: `city="…"` is tenants/city.yaml, and so on."""
    places = {
        "renkei": "renkei.yaml",
        "templates": "templates/realms.yaml",
        "city": "tenants/city.yaml",
        "town": "tenants/town.yaml",
        "roles": "roles/roles.yaml",
        "scopes": "roles/scopes.yaml",
        "api": "apis/ngsi-v2.yaml",
        "roster": "rosters/city.csv",
    }
    write(directory, {**WORLD, **{places[name]: content for name, content in files.items()}})
    return load(directory, environment, AS_OF)


def problems(directory: Path, environment: str | None = None, **files: str | bytes) -> list[Problem]:
    """The problems of such a world; none when it is valid."""
    try:
        world(directory, environment, **files)
    except ConfigurationError as error:
        return list(error.problems)
    return []


def messages(directory: Path, **files: str | bytes) -> list[str]:
    return [problem.message for problem in problems(directory, **files)]
