"""Who administers a tenant's people, and who may look at them."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.problems import Origin


@dataclass(frozen=True)
class Delegates:
    """People of one tenant, by name or by a role that they hold."""

    users: tuple[str, ...] = ()
    role: str | None = None
    groups: tuple[str, ...] = ()  # of administrators: the groups of the tenant that they fill
    origin: Origin | None = None
