"""The access log: one entry for each call, with what usage statistics need and nothing personal.

Kong's own entry holds keys (only Authorization is redacted), addresses, query strings and all headers (contract:
proxy-logs). So every part of it is taken out but its times, and what is wanted is put in by name, each value from a
small alphabet: what a client sends is never copied, but a correlation id that has the form of a UUID.

A field that fails would lose the whole entry, so each runs in a pcall and gives text, a number or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import AccessLog, Catalog
from control_plane.kong import naming
from control_plane.kong.policies.correlation import HEADER
from control_plane.kong.policies.guard import literal
from control_plane.kong.policies.plugin import Plugin

# What Kong 3.9 puts into an entry, without `latencies` and `started_at`; `correlation_id` and `consumer` are set anew.
LEFT_OUT = (
    "authenticated_entity",
    "client_ip",
    "request",
    "response",
    "route",
    "service",
    "source",
    "trace_id",
    "tries",
    "upstream_status",
    "upstream_uri",
    "workspace",
    "workspace_name",
)
METHODS = "DELETE GET HEAD OPTIONS PATCH POST PUT"
UUID = "^" + "%-".join("%x" * digits for digits in (8, 4, 4, 4, 12)) + "$"


def everywhere(catalog: Catalog) -> Iterator[Plugin]:
    log = catalog.environment.access_log
    if log is not None:
        name, config = _http(log.http) if log.http else _file(log)
        config = {**config, "custom_fields_by_lua": fields(naming.mark(catalog.platform.name))}
        yield Plugin(name, config, log.origin, (), within=catalog.platform.name)


def _http(url: str) -> tuple[str, dict[str, object]]:
    """Up to 100 entries at once; 100,000 wait for a receiver that is away, each for at most an hour."""
    queue = {
        "max_batch_size": 100,
        "max_coalescing_delay": 1,
        "max_entries": 100_000,
        "max_bytes": None,
        "max_retry_time": 3600,
        "initial_retry_delay": 0.01,
        "max_retry_delay": 60,
        "concurrency_limit": 1,
    }
    return "http-log", {
        "http_endpoint": url,
        "method": "POST",
        "content_type": "application/json",
        "headers": None,
        "timeout": 10_000,
        "keepalive": 60_000,
        "queue": queue,
    }


def _file(log: AccessLog) -> tuple[str, dict[str, object]]:
    """Opened anew for each entry, so that a log that was rotated away is not written on."""
    return "file-log", {"path": log.file, "reopen": True}


def fields(mark: str) -> dict[str, str]:
    """Name and Lua of every field that is taken out or put in."""
    wanted = {
        "api": _of_route("api"),
        "version": _of_route("version"),
        "level": _of_route("level"),
        "consumer": "local one = ours(kong.client.get_consumer()) "
        'return one and one.username:match("^[a-z0-9-]+%.[a-z0-9-]+$")',
        "method": f'local method = kong.request.get_method() return (" {METHODS} "):find(" " .. method .. '
        '" ", 1, true) and method or "other"',
        "status": "return kong.response.get_status()",
        "request_size": "return tonumber(ngx.var.request_length)",
        "response_size": "return tonumber(ngx.var.bytes_sent)",
        "correlation_id": f'local id = kong.request.get_header("{HEADER}") return id and id:match("{UUID}")',
        "request_id": 'local id = kong.response.get_header("X-Kong-Request-Id") return id and id:match("^%x+$")',
        "decision": "return kong.ctx.shared.renkei_decision",
        "scope": "return kong.ctx.shared.renkei_scope",
    }
    return {
        **dict.fromkeys(LEFT_OUT, "return nil"),
        **{name: guarded(_OURS % literal(mark) + body if "ours(" in body else body) for name, body in wanted.items()},
    }


# Routes and consumers of others on the same Kong may be named after people.
_OURS = (
    "local function ours(found) for _, tag in ipairs(found and found.tags or {}) do "
    "if tag == %s then return found end end end "
)


def _of_route(part: str) -> str:
    return (
        "local route = ours(kong.router.get_route()) if not route then return nil end "
        f'local api, version, level = route.name:match("^([a-z0-9-]+)%.(v[0-9.]+)%.([a-z0-9_-]+)$") return {part}'
    )


def guarded(body: str) -> str:
    """Lua that gives what `body` gives when that is text or a number, and nothing otherwise, also where it fails."""
    return (
        f"local ok, value = pcall(function() {body} end) "
        'if ok and (type(value) == "string" or type(value) == "number") then return value end return nil'
    )
