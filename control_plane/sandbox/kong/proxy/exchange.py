"""One request on its way through the proxy: what came, what goes on, who asks, and what the plugins left."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from control_plane.sandbox.kong.proxy import reply
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.router import Match, Row
from control_plane.sandbox.kong.proxy.wire import Headers, Query, parse_query, wire

if TYPE_CHECKING:
    from control_plane.sandbox.kong.proxy.node import Node
    from control_plane.sandbox.kong.proxy.snapshot import Snapshot

# What authentication says to the upstream. The two group headers are not among them: Kong passes a client's own on.
IDENTITY = (
    "X-Consumer-ID",
    "X-Consumer-Custom-ID",
    "X-Consumer-Username",
    "X-Credential-Identifier",
    "X-Anonymous-Consumer",
)


@dataclass(frozen=True)
class Incoming:
    """A request as it came; all texts are wire text."""

    method: str
    target: str  # as in the request line
    headers: Headers
    body: bytes
    peer: str  # address of whoever connected
    port: int  # the proxy's own
    chunked: bool = False
    http_version: str = "1.1"

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str | None:
        """The raw query; None without a question mark."""
        _, mark, query = self.target.partition("?")
        return query if mark else None


@dataclass(frozen=True)
class Origin:
    """Where the client is and how it came, after `trusted_ips` has been looked at."""

    ip: str
    scheme: str
    host: str
    port: int
    trusted: bool


@dataclass
class Outgoing:
    """Where the request goes; the headers are those of the exchange."""

    method: str
    scheme: str
    path: str
    query: str | None
    host: str | None = None  # a Host that a plugin demanded
    body: bytes | None = None  # a body that a plugin wrote


@dataclass(frozen=True)
class Try:
    """One attempt to reach a target."""

    ip: str
    port: int
    started: float
    failure: int | None = None  # the status that the failure would give


@dataclass
class Exchange:
    """The state of one request; plugins read and change it."""

    node: Node
    snapshot: Snapshot  # what was in force when the request came
    incoming: Incoming
    origin: Origin
    started: float
    headers: Headers  # of the request, as plugins changed them: what the upstream gets
    match: Match | None = None
    service: Row | None = None
    outgoing: Outgoing | None = None
    consumer: Row | None = None
    credential: Mapping[str, Any] | None = None
    groups: tuple[str, ...] | None = None  # the ACL groups of the consumer, when acl has looked
    shared: dict[str, Any] = field(default_factory=dict)  # kong.ctx.shared
    notes: dict[str, Any] = field(default_factory=dict)  # what a plugin's access leaves for its other phases
    early_headers: Headers = field(default_factory=Headers)  # set before there was an answer
    tries: list[Try] = field(default_factory=list)
    upstream_statuses: list[int] = field(default_factory=list)
    reply: Reply | None = None
    request_id: str = field(default_factory=lambda: secrets.token_hex(16))
    upstream_begun: float | None = None
    upstream_answered: float | None = None
    sent: int = 0  # bytes of the answer's body

    @property
    def route(self) -> Row | None:
        return self.match.route if self.match else None

    @property
    def query_args(self) -> Query:
        """The arguments as they would go to the upstream."""
        raw = self.outgoing.query if self.outgoing else self.incoming.query
        return parse_query(raw or "")

    def error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
        """An error of Kong's own, in the format that the client prefers."""
        return reply.error(self.incoming.headers.get("accept"), self.request_id, status, message, headers)

    def authenticate(self, consumer: Row, credential: Mapping[str, Any] | None) -> None:
        """From here on the request is this consumer's; without a credential it is the anonymous consumer."""
        self.consumer, self.credential, self.groups = consumer, credential, None
        identifier = credential and (credential.get("identifier") or credential["id"])
        said = {
            "X-Consumer-ID": consumer["id"],
            "X-Consumer-Custom-ID": consumer.get("custom_id"),
            "X-Consumer-Username": consumer.get("username"),
            "X-Credential-Identifier": identifier,
            "X-Anonymous-Consumer": None if credential else "true",
        }
        for name in IDENTITY:
            if said[name] is None:
                self.headers.remove(name)
            else:
                self.headers.set(name, wire(said[name]))
