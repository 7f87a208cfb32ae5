"""The files of a configuration that was imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from control_plane.adopt.realms import Drafts
from control_plane.adopt.translation import Translation
from control_plane.catalog.model import SecretRef

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


def of_realms(drafts: Drafts) -> Iterator[tuple[str, str]]:
    """Path and content of each file of realms that were imported. No secret is in any of them."""
    sandbox = {"mail": drafts.mail} if drafts.mail else {}
    yield "renkei.yaml", _yaml({"platform": drafts.platform, "environments": {"sandbox": sandbox}})
    templates = [drafts.realms[name].template for name in sorted(drafts.realms)]
    yield "templates/realms.yaml", _yaml({"realm_templates": templates})
    if drafts.roles:
        yield "roles/roles.yaml", _yaml({"roles": [drafts.roles[name] for name in sorted(drafts.roles)]})
    for name, draft in sorted(drafts.realms.items()):
        parts = {
            "groups": draft.groups,
            "users": draft.users,
            "services": draft.services,
            "identity_providers": draft.providers,
        }
        document = {
            "tenant": name,
            "title": draft.title,
            "type": "municipality",
            "realm": {"template": draft.template["template"]},
            **{part: [found[one] for one in sorted(found)] for part, found in parts.items() if found},
        }
        yield f"tenants/{name}.yaml", _yaml(document)
        used = {str(one["saml"]["certificate"]) for one in draft.providers.values() if "saml" in one}
        yield from ((file, drafts.certificates[file]) for file in sorted(used))
    yield ".gitignore", ".renkei/\n"


def _yaml(document: dict[str, Any]) -> str:
    """With libyaml where it is there: a realm may have ten thousand people."""
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120))


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes a reference to a secret as the language has it."""


_Dumper.add_representer(SecretRef, lambda dumper, ref: dumper.represent_scalar("!secret", str(ref)))
