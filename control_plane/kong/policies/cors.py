"""CORS: which pages of other origins may call an API from a browser, as its plan says.

A browser asks before it calls (a preflight: OPTIONS with Origin and Access-Control-Request-Method, without
credentials). Levels' routes have their own methods, so a preflight would find no route (contract:
proxy-ip-cors-correlation). One route of its own takes OPTIONS, for preflights about methods of the API alone; the cors
plugin answers them before any authentication runs, and what it does not answer ends there: nothing that comes in by
this route reaches the upstream. An OPTIONS that is no preflight finds no route, as without CORS.
"""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.catalog.model import Api, Auth, Cors, Scoping
from control_plane.kong.policies.authentication import KEY_HEADER
from control_plane.kong.policies.correlation import HEADER as CORRELATION
from control_plane.kong.policies.plugin import Plugin
from control_plane.kong.policies.problem import terminated
from control_plane.kong.view import Gateway, Standing

# What a page may read of an answer besides its body: what our own plugins say to callers.
EXPOSED = ("Deprecation", "Link", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "Sunset")


def on_version(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    cors = one.api.cors
    if one.live and cors:
        yield Plugin("cors", _config(one, cors), cors.origin, one.belongs, within=one.name, service=one.name)


def on_levels(gateway: Gateway, one: Standing) -> Iterator[Plugin]:
    """What is no preflight after all ends at the preflights' route."""
    if one.api.cors and one.preflights:
        config = terminated(404, "Not Found", "OPTIONS is answered for preflights (CORS) alone.")
        route = one.preflight_route
        yield Plugin("request-termination", config, one.api.cors.origin, one.belongs, within=one.name, route=route)


def _config(one: Standing, cors: Cors) -> dict[str, object]:
    return {
        "origins": sorted(cors.origins),
        "methods": list(one.cors_methods),
        "headers": sorted(cors.headers or _needed(one.api)),
        "exposed_headers": sorted((CORRELATION, *EXPOSED)),
        "max_age": cors.max_age,
        "credentials": cors.credentials,
        "private_network": False,
        "preflight_continue": False,
    }


def _needed(api: Api) -> Iterator[str]:
    """Headers that callers of this API send. Left out, Kong would allow whatever is asked for."""
    yield from ("Accept", "Content-Type", "If-Match", "If-None-Match", CORRELATION)
    if Auth.API_KEY in api.auth:
        yield KEY_HEADER
    if Auth.TOKEN in api.auth:
        yield "Authorization"
    if api.scoping is Scoping.FIWARE:
        yield from ("Fiware-ServicePath", "X-Data-Scope")
