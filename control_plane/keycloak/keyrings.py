"""The keys that a realm signs and verifies with: what somebody has made of them by hand.

A key that was brought along is known to whoever brought it, and signs tokens of the realm. Of two keys of one priority
nobody knows which signs, and the gateway knows one of them. A key that Keycloak had to make because there was none
stands below all others, so that whatever is added signs in its place.

Nothing of this is mended by an apply: it would turn the realm's key over, which `rotate realm-key` does in the order
with the shortest gap. A rotation keeps priorities apart, and is not told of here. Two requests for each realm.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping

from control_plane.catalog.model import Catalog
from control_plane.engine.kind import Kind
from control_plane.engine.resource import Key, Resource
from control_plane.keycloak.answers import Json, a_list, text
from control_plane.keycloak.rotation import PROVIDERS
from control_plane.keycloak.server import Keycloak
from control_plane.keycloak.session import path
from control_plane.problems import bug

NAME = "keycloak.realm-key"
MADE_BY_KEYCLOAK = frozenset(  # it alone knows the private half, or the secret
    {
        "aes-generated",
        "ecdh-generated",
        "ecdsa-generated",
        "eddsa-generated",
        "hmac-generated",
        "rsa-enc-generated",
        "rsa-generated",
    }
)
FALLBACK = "fallback-"  # what Keycloak calls a key that it makes because there is none
KEPT = ("name", "providerId", "providerType", "parentId")
BROUGHT = "whoever has brought this key along can make tokens of the realm"
FORCED = "Keycloak made it because the realm had no key of its sort left: renkei rotate realm-key puts one in its place"


def desired(catalog: Catalog) -> Iterator[Resource]:
    """None: the language has no word for single keys."""
    return iter(())


def read(server: Keycloak) -> Iterator[Resource]:
    return server.each_realm(_read)


def _read(server: Keycloak, realm: str) -> Iterator[Resource]:
    where = path(realm, "keys")
    said = server.said_of_keys(realm)
    keys = [one for one in a_list(said.get("keys"), where) if one.get("status") != "DISABLED"]
    components = {
        text(one, "id", path(realm, "components")): one
        for one in server.components(realm)
        if one.get("providerType") == PROVIDERS
    }
    rivals = dict(_rivals(said.get("active") or {}, keys))
    for id in sorted({str(key.get("providerId")) for key in keys} & components.keys()):
        one, reasons = components[id], []
        remove = f"DELETE /{path(realm, 'components', id)}"
        if one.get("providerId") not in MADE_BY_KEYCLOAK:
            reasons.append(BROUGHT)
        elif str(one.get("name")).startswith(FALLBACK):
            reasons.append(FORCED)
        if id in rivals:
            algorithm, below = rivals[id]
            reasons.append(f"another key of the same priority signs {algorithm}: nobody knows which of them does")
            if one.get("providerId") in MADE_BY_KEYCLOAK:
                remove = _lower(realm, one, below)
        if reasons:
            name = f"{one.get('name')} {id.partition('-')[0]}"  # several may have one name
            yield Resource(Key(NAME, realm, name), owned=False, danger="; ".join(reasons), remove=remove)


def _rivals(active: Mapping[str, object], keys: list[Json]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Components whose key could sign as well as the one that does: for which algorithm, and a priority below all."""
    by_algorithm: dict[str, list[Json]] = defaultdict(list)
    for key in keys:
        by_algorithm[str(key.get("algorithm"))].append(key)
    for algorithm, found in by_algorithm.items():
        signing = next((key for key in found if key.get("kid") == active.get(algorithm)), None)
        below = min(_priority(key) for key in found) - 1
        for key in found:
            rival = signing and key is not signing and key.get("status") == "ACTIVE"
            if rival and _priority(key) == _priority(signing or {}):
                yield str(key.get("providerId")), (algorithm, below)


def _priority(key: Json) -> int:
    value = key.get("providerPriority")
    return value if isinstance(value, int) else 0


def _lower(realm: str, one: Json, priority: int) -> str:
    """The request that leaves the key to verify and lets the other one sign."""
    body = {name: one[name] for name in KEPT if name in one}
    config = {**(one.get("config") or {}), "priority": [str(priority)]}
    return f"PUT /{path(realm, 'components', str(one['id']))} {json.dumps({**body, 'config': config})}"


def _never(server: Keycloak, want: Resource) -> None:
    raise bug(f"{want.key} is told and never written")


REALM_KEY = Kind(NAME, desired, read, _never)
