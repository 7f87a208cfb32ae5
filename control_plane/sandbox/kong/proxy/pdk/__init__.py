"""Kong's plugin development kit, as far as guards and log fields need it: what `call(name, …)` in cage.lua asks for.

Source: https://docs.konghq.com/gateway/latest/plugin-development/pdk/. Texts are wire text on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control_plane.sandbox.kong.proxy.pdk import ngx, request, response
from control_plane.sandbox.kong.proxy.pdk.session import Functions, Session, text_of
from control_plane.sandbox.kong.proxy.serialize import shown
from control_plane.sandbox.kong.proxy.wire import wired

__all__ = ["Session", "call"]


def call(session: Session, name: str, *given: Any) -> Any:
    """What the function of this name gives. A value, or a tuple for several.

    Raises:
        ValueError: it may not be called so; the text is for the function's author.
        LookupError: there is no such function.
    """
    return _FUNCTIONS[name](session, *given)


def _entity(row: Mapping[str, Any] | None) -> Any:
    return None if row is None else wired({name: value for name, value in row.items() if value is not None})


def _routed(row: Mapping[str, Any] | None) -> Any:
    return None if row is None else wired(shown(row))


def _serialize_value(session: Session, key: Any, value: Any = None, _options: Any = None) -> None:
    session.exchange.notes.setdefault("log", {})[text_of(key)] = value


_FUNCTIONS: Functions = {
    **request.FUNCTIONS,
    **response.FUNCTIONS,
    **ngx.FUNCTIONS,
    "client.get_ip": lambda s: s.exchange.incoming.peer,
    "client.get_forwarded_ip": lambda s: s.exchange.origin.ip,
    "client.get_port": lambda s: s.exchange.incoming.port,
    "client.get_forwarded_port": lambda s: s.exchange.origin.port,
    "client.get_protocol": lambda s, *_: s.exchange.origin.scheme,
    "client.get_consumer": lambda s: _entity(s.exchange.consumer),
    "client.get_credential": lambda s: _entity(s.exchange.credential),
    "router.get_route": lambda s: _routed(s.exchange.route),
    "router.get_service": lambda s: _routed(s.exchange.service),
    "log.set_serialize_value": _serialize_value,
}
