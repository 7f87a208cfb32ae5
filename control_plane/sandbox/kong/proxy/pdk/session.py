"""A function's view of one request, and how its arguments are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong.proxy.exchange import Exchange, Outgoing
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import Headers

Functions = dict[str, Callable[..., Any]]  # the first argument is the session, then what Lua gave
EARLY = ("rewrite", "access")


@dataclass
class Session:
    """A function's view of one request in one phase; `exited` is the answer that it gave itself."""

    exchange: Exchange
    phase: str
    exited: Reply | None = None
    whole: bool = True  # of body_filter: whether the body has come to its end
    wants_body: bool = False

    def only_in(self, *phases: str) -> None:
        if self.phase not in phases:
            raise ValueError(f"function cannot be called in {self.phase} phase (only in: {', '.join(phases)})")

    @property
    def outgoing(self) -> Outgoing:
        self.only_in("access")
        if self.exchange.outgoing is None:
            raise ValueError("no upstream")
        return self.exchange.outgoing

    @property
    def response_headers(self) -> Headers:
        return self.exchange.reply.headers if self.exchange.reply else self.exchange.early_headers


def text_of(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("invalid value: must be a string, number or boolean")
    return value if isinstance(value, str) else f"{value:.14g}"


def texts_of(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [text_of(one) for one in value] if isinstance(value, list) else [text_of(value)]


def header_name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", value):
        raise ValueError("invalid header name")
    return value


def header_of(headers: Headers, name: Any) -> str | None:
    if not isinstance(name, str):
        raise ValueError("header name must be a string")
    return headers.get(name.replace("_", "-"))


def table_of(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("must be a table")
    return value


def reply_of(session: Session) -> Reply:
    if session.exchange.reply is None:
        raise ValueError("there is no response yet")
    return session.exchange.reply
