"""Paths that are no collection: the node itself, schemas, tags, and the special ones of upstreams."""

from __future__ import annotations

import json
import os
import platform
from bisect import bisect_right
from collections.abc import Callable, Mapping

from control_plane.sandbox.kong import checks, errors, schema, writes
from control_plane.sandbox.kong.admin import balancing
from control_plane.sandbox.kong.admin.bodies import body_of
from control_plane.sandbox.kong.admin.call import Answer, Call, Node
from control_plane.sandbox.kong.admin.lists import following, page_of
from control_plane.sandbox.kong.entities import EMPTY, ENTITIES
from control_plane.sandbox.kong.settings import KONG_VERSION

Handler = Callable[[Node, Call], Answer]
_NO_DBLESS = "this endpoint is only available when Kong is configured to not use a database"
_NO_CLUSTER = "this endpoint is only available when Kong is configured to run as Control Plane for the cluster"


def plugin_names() -> list[str]:
    """The plugins whose schema we have."""
    return sorted(name.removeprefix("plugin-") for name in schema.names() if name.startswith("plugin-"))


def root(node: Node, _: Call) -> Answer:
    """GET /: who answers. The tagline says that it stands in."""
    recorded = json.loads(schema.text("root"))
    available = recorded["plugins"]["available_on_server"]
    configuration = {
        **recorded["configuration"],
        "untrusted_lua_sandbox_requires": list(node.settings.sandbox_requires),
        "trusted_ips": list(node.settings.trusted_ips),
        "real_ip_header": node.settings.real_ip_header,
        "real_ip_recursive": "on" if node.settings.real_ip_recursive else "off",
        "headers": list(node.settings.headers),
        "worker_state_update_frequency": node.settings.take_up,
        "db_update_frequency": node.settings.take_up,
    }
    enabled = sorted({row["name"] for row in node.world.store.rows("plugins")})
    return Answer(
        200,
        {
            "version": KONG_VERSION,
            "edition": recorded["edition"],
            "tagline": f"This is renkei's stand-in for Kong {KONG_VERSION}, not Kong",
            "hostname": platform.node(),
            "node_id": node.node_id,
            "lua_version": "LuaJIT 2.1",
            "pids": {"master": os.getpid(), "workers": [os.getpid()]},
            "timers": {"running": 0, "pending": 0},
            "plugins": {
                "available_on_server": {name: available[name] for name in plugin_names()},
                "enabled_in_cluster": enabled,
            },
            "configuration": configuration,
        },
    )


def status(_: Node, __: Call) -> Answer:
    """GET /status: there is no database that could be away."""
    counted = ("accepted", "active", "handled", "reading", "waiting", "writing")
    server = {**{f"connections_{name}": 0 for name in counted}, "total_requests": 0}
    memory: dict[str, object] = {"lua_shared_dicts": {}, "workers_lua_vms": []}
    return Answer(200, {"database": {"reachable": True}, "memory": memory, "server": server})


def refusing(message: str) -> Handler:
    """A path of Kong that answers only in another mode."""
    return lambda _, __: Answer(400, {"message": message})


def nothing(_: Node, __: Call) -> Answer:
    """A path where there is never anything."""
    raise errors.not_found()


def done(_: Node, __: Call) -> Answer:
    """A path whose effect cannot be seen from outside."""
    return Answer(204)


def none_of(_: Node, __: Call) -> Answer:
    """A collection that is always empty."""
    return Answer(200, {"data": [], "next": None})


def timers(_: Node, __: Call) -> Answer:
    """GET /timers"""
    return Answer(200, {"stats": {"sys": {"total": 0, "running": 0, "pending": 0, "waiting": 0}}, "worker": {"id": 0}})


def endpoints(_: Node, __: Call) -> Answer:
    """GET /endpoints: those of Kong."""
    return Answer(200, json.loads(schema.text("endpoints")))


def metrics(node: Node, _: Call) -> Answer:
    """GET /metrics: what the prometheus plugin counted."""
    return Answer(200, node.metrics(), "text/plain; charset=UTF-8")


def enabled_plugins(_: Node, __: Call) -> Answer:
    """GET /plugins/enabled"""
    return Answer(200, {"enabled_plugins": plugin_names()})


def entity_schema(_: Node, call: Call) -> Answer:
    """GET /schemas/{collection}"""
    name = call.segments[-1]
    if name not in ENTITIES:
        raise errors.KongError(404, {"message": f"No entity named '{name}'"})
    return Answer(200, json.loads(schema.text(name)))


def plugin_schema(_: Node, call: Call) -> Answer:
    """GET /schemas/plugins/{plugin}"""
    name = call.segments[-1]
    if name not in plugin_names():
        raise errors.KongError(404, {"message": f"No plugin named '{name}'"})
    return Answer(200, json.loads(schema.text(f"plugin-{name}")))


def validate(_: Node, call: Call) -> Answer:
    """POST /schemas/{collection}/validate: neither uniqueness nor foreign keys are looked at."""
    entity = ENTITIES.get(call.segments[1])
    if entity is None:
        raise errors.KongError(404, {"message": f"No entity named '{call.segments[1]}'"})
    writes.validated(entity, body_of(call, entity))
    return Answer(200, {"message": "schema validation successful"})


def tags(node: Node, call: Call) -> Answer:
    """GET /tags and /tags/{tag}: which entities have it."""
    wanted = call.segments[1] if len(call.segments) > 1 else None
    if wanted is not None and (error := checks.tag(wanted)):
        raise errors.coded(400, 10, "invalid unique tag", error)
    size, after = page_of(call)
    store = node.world.store
    found = []
    for collection in ENTITIES:
        ids = store.ids(collection) if wanted is None else store.tagged(collection, wanted)
        for row in (store.get(collection, row_id) for row_id in ids):
            for number, tag in enumerate((row or {}).get("tags") or ()):
                if row and wanted in (None, tag):
                    found.append((f"{row['id']} {collection} {number:06}", tag, collection, row["id"]))
    found.sort()
    start = bisect_right(found, after, key=lambda one: one[0])
    page = found[start : start + size]
    more = following(call, page[-1][0] if start + size < len(found) else None, keep=True)
    data = [{"tag": tag, "entity_name": collection, "entity_id": row_id} for _, tag, collection, row_id in page]
    return Answer(200, {"data": data, **more})


_ANY = None
_MARK = {"PUT": balancing.mark, "POST": balancing.mark}
_CLUSTER = {"GET": refusing(_NO_CLUSTER)}
_PATHS: tuple[tuple[tuple[str | None, ...], Mapping[str, Handler]], ...] = (
    ((), {"GET": root}),
    (("status",), {"GET": status}),
    (("config",), {"GET": refusing(_NO_DBLESS), "POST": refusing(_NO_DBLESS)}),
    (("timers",), {"GET": timers}),
    (("endpoints",), {"GET": endpoints}),
    (("metrics",), {"GET": metrics}),
    (("cache",), {"DELETE": done}),
    (("cache", _ANY), {"GET": nothing, "DELETE": done}),
    (("clustering", "status"), _CLUSTER),
    (("clustering", "data-planes"), _CLUSTER),
    (("tags",), {"GET": tags}),
    (("tags", _ANY), {"GET": tags}),
    (("plugins", "enabled"), {"GET": enabled_plugins}),
    (("plugins", "schema", _ANY), {"GET": plugin_schema}),
    (("schemas", "plugins", "validate"), {"POST": validate}),
    (("schemas", "plugins", _ANY), {"GET": plugin_schema}),
    (("schemas", _ANY, "validate"), {"POST": validate}),
    (("schemas", _ANY), {"GET": entity_schema}),
    (("upstreams", _ANY, "health"), {"GET": balancing.health}),
    (("upstreams", _ANY, "targets", "all"), {"GET": balancing.targets}),
    (("upstreams", _ANY, "targets", _ANY, "healthy"), _MARK),
    (("upstreams", _ANY, "targets", _ANY, "unhealthy"), _MARK),
    (("upstreams", _ANY, "targets", _ANY, _ANY, "healthy"), _MARK),
    (("upstreams", _ANY, "targets", _ANY, _ANY, "unhealthy"), _MARK),
    *(((path,), {"GET": none_of}) for path in EMPTY),
    *(((path, _ANY), {"GET": nothing}) for path in EMPTY),
)


def handlers(segments: tuple[str, ...]) -> Mapping[str, Handler] | None:
    """The methods of a path that is no collection."""
    for pattern, methods in _PATHS:
        if len(pattern) == len(segments) and all(
            want in (None, got) for want, got in zip(pattern, segments, strict=True)
        ):
            return methods
    return None
