"""The plugins, one file each, and their order: the highest priority first, as in Kong 3.9."""

from __future__ import annotations

from control_plane.sandbox.kong.proxy.plugin import Plugin
from control_plane.sandbox.kong.proxy.plugins import (
    acl,
    bot_detection,
    correlation_id,
    cors,
    ip_restriction,
    jwt,
    key_auth,
    rate_limiting,
    request_size_limiting,
    request_termination,
    response_transformer,
)

PLUGINS: tuple[Plugin, ...] = tuple(
    sorted(
        (
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
            Plugin("request-termination", 2, access=request_termination.access),
        ),
        key=lambda plugin: -plugin.priority,
    )
)
