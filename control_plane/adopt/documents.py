"""The files of a configuration that was imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from control_plane.adopt.translation import Translation

TEMPLATE = {"required": "everyone", "factors": ["totp"]}


def files(found: Translation, platform: str) -> Iterator[tuple[str, str]]:
    """Path and content of each file. No key is in any of them."""
    yield "renkei.yaml", _yaml({"platform": platform, "environments": {"sandbox": {"upstreams": found.upstreams}}})
    yield "templates/realms.yaml", _yaml({"realm_templates": [{"template": "staff", "mfa": TEMPLATE}]})
    if found.scopes:
        yield "roles/scopes.yaml", _yaml({"data_scopes": [found.scopes[name] for name in sorted(found.scopes)]})
    for name, api in sorted(found.apis.items()):
        yield f"apis/{name}.yaml", _yaml(api)
    for name in sorted({platform, *found.tenants, *found.shared.values()}):
        services = found.tenants.get(name, {})
        yield f"tenants/{name}.yaml", _yaml(_tenant(found, name, platform, [services[one] for one in sorted(services)]))
    yield ".gitignore", ".renkei/\n"


def _tenant(found: Translation, name: str, platform: str, services: list[dict[str, Any]]) -> dict[str, Any]:
    tokens = any("token" in service["auth"] for service in services)
    shared = found.shared.get(name) or (None if name == platform or tokens or found.scopes else platform)
    return {
        "tenant": name,
        "title": name,
        "type": "municipality",
        "realm": {"shared": shared} if shared else {"template": "staff"},
        **({"services": services} if services else {}),
    }


def _yaml(document: dict[str, Any]) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120))
