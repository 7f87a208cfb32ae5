"""Consumers as services of tenants: who has something to show, and is kept out of nothing that we cannot say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from control_plane.adopt.existing import Existing, name_of
from control_plane.adopt.plugins import HARMLESS, is_on, plugin
from control_plane.adopt.translation import Note, Translation, slug

_SERVICE = re.compile(r"(?P<tenant>[a-z][a-z0-9-]*)\.(?P<service>[a-z][a-z0-9-]*)")


def callers_of(existing: Existing, found: Translation) -> dict[str, str]:
    """Consumer to TENANT.SERVICE, of everybody who has something to show."""
    callers: dict[str, str] = {}
    for consumer in sorted(existing["consumers"], key=name_of):
        name = name_of(consumer)
        keys = [row for row in existing["keyauth_credentials"] if row["consumer"] == name and row.get("key")]
        tokens = [row for row in existing["jwt_secrets"] if row["consumer"] == name]
        auth = [*(["api-key"] if keys else []), *(["token"] if any(row.get("key") == name for row in tokens) else [])]
        for row in tokens:
            if row.get("key") != name:
                why = f"its issuer {row.get('key')} is no client of a realm that renkei manages"
                found.notes.append(Note(f"jwt credential of {name}", why, "give the caller a key, or a client's token"))
        if not auth:
            continue
        match = _SERVICE.fullmatch(name)
        tenant, service = (match["tenant"], match["service"]) if match else ("imported", slug(name))
        if service in found.tenants.get(tenant, {}):
            why = f"another consumer is {tenant}.{service} already"
            found.notes.append(Note(f"consumer {name}", why, "give it a name of its own by hand, and its grants"))
            continue
        entry: dict[str, Any] = {"service": service, "title": name, "auth": auth}
        restriction = plugin(existing, "ip-restriction", consumer=name) or _on_each(existing, name)
        if restriction:
            if restriction.get("deny") or not restriction.get("allow"):
                why = "addresses are denied to it, which the YAML cannot say"
                found.notes.append(Note(f"consumer {name}", why, "name those that may call, and import again"))
                continue
            entry["allowed_ips"] = sorted(restriction["allow"])
        own = [row for row in existing["plugins"] if row["consumer"] == name and is_on(row)]
        keeping = sorted({row["name"] for row in own} - {"ip-restriction", "rate-limiting"} - HARMLESS)
        if restriction is None and any(row["name"] == "ip-restriction" for row in own):
            keeping.append("ip-restriction for one service")
        if keeping:
            why = f"{', '.join(keeping)} stands before its calls, and the YAML cannot say that"
            found.notes.append(Note(f"consumer {name}", why, "it gets nothing until you say by hand what it may"))
            continue
        if any(row["name"] == "rate-limiting" and not row["route"] for row in own):
            why = "its own limit is not for one level, and is not taken over"
            found.notes.append(Note(f"rate-limiting of {name}", why, "write it into the service's `limits`"))
        if len(keys) > 1:
            why = f"it has {len(keys)} keys, and a service has one"
            found.notes.append(Note(f"consumer {name}", why, "the first is taken; the others stay in Kong"))
        callers[name] = f"{tenant}.{service}"
        found.tenants.setdefault(tenant, {})[service] = entry
        if keys:
            found.keys[callers[name]] = str(keys[0]["key"])
    return callers


def _on_each(existing: Existing, consumer: str) -> Mapping[str, Any] | None:
    """The ip-restriction that stands on the consumer together with services, where it is the same one each time."""
    rows = [row for row in existing["plugins"] if row["consumer"] == consumer and row["name"] == "ip-restriction"]
    found = [row["config"] for row in rows if is_on(row) and row["service"]]
    same = {(tuple(sorted(one.get("allow") or ())), tuple(one.get("deny") or ())) for one in found}
    return found[0] if len(same) == 1 else None
