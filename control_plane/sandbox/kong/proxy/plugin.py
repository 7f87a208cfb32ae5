"""What a plugin is: a name, its place in the order, and a function for each phase that it takes part in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from control_plane.sandbox.kong.proxy.exchange import Exchange
from control_plane.sandbox.kong.proxy.reply import Reply
from control_plane.sandbox.kong.proxy.router import Row


@dataclass(frozen=True)
class Instance:
    """A configured plugin. `kept` lives as long as its row is unchanged: compiled Lua, parsed networks."""

    row: Row
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def config(self) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.row["config"]
        return config

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, made at the first call."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]


@dataclass(frozen=True)
class Plugin:
    """A row of the table in `plugins`.

    `rewrite` runs before the route is known, for global instances alone. `access` may answer in the upstream's place.
    `header_filter` changes the reply before its headers go out, also when another plugin has answered. `body_filter`
    may ask for the whole body by giving a function that changes it. `log` runs when the client has its answer.
    """

    name: str
    priority: int  # Kong's; the highest runs first
    access: Callable[[Exchange, Instance], Reply | None] | None = None
    rewrite: Callable[[Exchange, Instance], Reply | None] | None = None
    header_filter: Callable[[Exchange, Instance, Reply], None] | None = None
    body_filter: Callable[[Exchange, Instance, Reply], Callable[[bytes], bytes] | None] | None = None
    log: Callable[[Exchange, Instance], None] | None = None
