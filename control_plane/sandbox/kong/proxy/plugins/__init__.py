"""The plugins, one file each, and their order: the highest priority first, as in Kong 3.9."""

from __future__ import annotations

from control_plane.sandbox.kong.proxy.plugin import Plugin
from control_plane.sandbox.kong.proxy.plugins import (
    acl,
    bot_detection,
    correlation_id,
    cors,
    functions,
    ip_restriction,
    jwt,
    key_auth,
    logs,
    prometheus,
    rate_limiting,
    request_size_limiting,
    request_termination,
    request_transformer,
    response_transformer,
)


def _functions(name: str, priority: int) -> Plugin:
    return Plugin(
        name,
        priority,
        rewrite=functions.rewrite,
        access=functions.access,
        header_filter=functions.header_filter,
        body_filter=functions.body_filter,
        log=functions.log,
    )


PLUGINS: tuple[Plugin, ...] = tuple(
    sorted(
        (
            _functions("pre-function", 1000000),
            _functions("post-function", -1000),
            Plugin("correlation-id", 100001, access=correlation_id.access, header_filter=correlation_id.header_filter),
            Plugin("bot-detection", 2500, access=bot_detection.access),
            Plugin("cors", 2000, access=cors.access, header_filter=cors.header_filter),
            Plugin("jwt", 1450, access=jwt.access),
            Plugin("key-auth", 1250, access=key_auth.access),
            Plugin("ip-restriction", 990, access=ip_restriction.access),
            Plugin("request-size-limiting", 951, access=request_size_limiting.access),
            Plugin("acl", 950, access=acl.access),
            Plugin("rate-limiting", 910, access=rate_limiting.access),
            Plugin(
                "response-transformer",
                800,
                header_filter=response_transformer.header_filter,
                body_filter=response_transformer.body_filter,
            ),
            Plugin("request-transformer", 801, access=request_transformer.access),
            Plugin("prometheus", 13, log=prometheus.log),
            Plugin("http-log", 12, log=logs.http_log),
            Plugin("file-log", 9, log=logs.file_log),
            Plugin("request-termination", 2, access=request_termination.access),
        ),
        key=lambda plugin: -plugin.priority,
    )
)
