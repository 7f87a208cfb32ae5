"""pre-function and post-function: Lua of the operator's, in the phases that it names.

A chunk that gives a function is run once; from then on that function runs, with its upvalues. One that fails the first
time, or leaves by `kong.response.exit`, stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from control_plane.sandbox.kong.proxy import pdk
from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.lua import Cage, is_function, to_python
from control_plane.sandbox.kong.proxy.pdk import Session
from control_plane.sandbox.kong.proxy.plugin import Instance
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.wire import wire


@dataclass
class Chunk:
    """A text of the configuration; `function` becomes what it gives."""

    function: Any
    run_before: bool = False


class Functions:
    """The Lua state of one plugin instance with its chunks by phase."""

    def __init__(self, requires: tuple[str, ...]) -> None:
        self._session: Session | None = None
        self.cage = Cage(self._call, requires)
        self._phases: dict[str, list[Chunk]] = {}

    def chunks(self, instance: Instance, phase: str) -> list[Chunk]:
        """The chunks of a phase, compiled at its first request."""
        if phase not in self._phases:
            texts = instance.config.get(phase) or []
            self._phases[phase] = [Chunk(self.cage.load(wire(text), f"{phase}:{n}")) for n, text in enumerate(texts)]
        return self._phases[phase]

    def run(self, session: Session, chunk: Chunk, plugin: str) -> Any:
        """Run a chunk, or the function that it gave; the Lua value that it gives."""
        exchange = session.exchange
        self._session = session
        shared = self.cage.to_lua(exchange.shared)
        own = exchange.notes.setdefault(f"lua:{plugin}", self.cage.to_lua({}))
        self.cage.context(shared, own)
        try:
            first, chunk.run_before = not chunk.run_before, True
            given = self.cage.run(chunk.function)
            if first and session.exited is None and is_function(given):
                chunk.function = given
                given = self.cage.run(chunk.function)
            return given
        finally:
            exchange.shared = dict(_plain(shared))
            self._session = None

    def _call(self, name: str, *given: Any) -> Any:
        if self._session is None:
            raise LookupError("outside a request")
        return pdk.call(self._session, name, *given)


def functions(exchange: Exchange, instance: Instance) -> Functions:
    """The instance's Lua state; it lives until the plugin changes."""
    made: Functions = instance.once("lua", lambda: Functions(exchange.node.settings.sandbox_requires))
    return made


def run_phase(exchange: Exchange, instance: Instance, phase: str) -> Reply | None:
    """Run the chunks of a phase one after the other; the answer of the one that exits.

    Raises:
        LuaFailed: one of them failed.
    """
    if not instance.config.get(phase):
        return None
    lua = functions(exchange, instance)
    for chunk in lua.chunks(instance, phase):
        session = Session(exchange, phase)
        lua.run(session, chunk, instance.id)
        if session.exited is not None:
            return session.exited
    return None


def rewrite(exchange: Exchange, instance: Instance) -> Reply | None:
    return run_phase(exchange, instance, "rewrite")


def access(exchange: Exchange, instance: Instance) -> Reply | None:
    return run_phase(exchange, instance, "access")


def header_filter(exchange: Exchange, instance: Instance, reply: Reply) -> None:
    run_phase(exchange, instance, "header_filter")


def body_filter(exchange: Exchange, instance: Instance, reply: Reply) -> Callable[[bytes], bytes] | None:
    """Kong runs the functions for each part of a body; here once for the first part, and once for the whole of it.

    A body that none of them asks for or replaces goes on as it comes.
    """
    if not instance.config.get("body_filter"):
        return None
    if reply.stream is not None and not _wants_body(exchange, instance):
        return None

    def change(body: bytes) -> bytes:
        reply.body = body
        run_phase(exchange, instance, "body_filter")
        return reply.body

    return change


def _wants_body(exchange: Exchange, instance: Instance) -> bool:
    lua = functions(exchange, instance)
    sessions = [(chunk, Session(exchange, "body_filter", whole=False)) for chunk in lua.chunks(instance, "body_filter")]
    for chunk, session in sessions:
        lua.run(session, chunk, instance.id)
    return any(session.wants_body for _, session in sessions)


def log(exchange: Exchange, instance: Instance) -> None:
    run_phase(exchange, instance, "log")


def _plain(shared: Any) -> dict[str, Any]:
    """What other plugins may see; functions stay behind."""
    found = {}
    for name, value in shared.items():
        try:
            found[str(name)] = to_python(value)
        except ValueError:
            continue
    return found
