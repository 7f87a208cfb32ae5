"""A request of the evaluator as the gateway gets it, and what the upstream heard of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from control_plane.access import Request
from control_plane.engine.values import Secret
from tests.access.cases import written
from tests.kong.world import World


def headers(request: Request, world: World, issuer: str) -> dict[str, str]:
    found = {
        "User-Agent": "renkei-tests",
        "X-Data-Scope": request.scope,
        "Fiware-ServicePath": request.service_path,
        "Fiware-Service": "spoofed",
    }
    key, token = request.credentials.key, request.credentials.token
    if key:
        found["apikey"] = world.vault.value(Secret(f"services/{key.of}#api_key"))
    if token:
        found["Authorization"] = f"Bearer {written(token, issuer)}"
    return {name: value for name, value in found.items() if value is not None}


def heard(body: bytes) -> Mapping[str, Any] | None:
    found = json.loads(body) if body.startswith(b"{") else {}
    if "upstream" not in found:
        return None
    return {name.lower(): value for name, value in found["headers"].items()}
