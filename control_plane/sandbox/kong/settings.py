"""How one stand-in is set up. The names of kong.conf are kept where Kong has the setting too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import control_plane

KONG_VERSION = "3.9.3"
SERVER = f"renkei-stand-in/{control_plane.__version__} (Kong {KONG_VERSION})"


@dataclass(frozen=True)
class Settings:
    """Ports of 0 mean: a free one."""

    admin_port: int = 0
    proxy_port: int = 0
    data: Path | None = None  # entities survive a restart in this JSON file
    take_up: float = 0.0  # seconds until the proxy works by a change; a real Kong needs up to 5
    take_up_seed: int | None = None  # given: what is taken up apart has delays of its own, drawn up to `take_up`
    sandbox_requires: tuple[str, ...] = ()  # untrusted_lua_sandbox_requires: Lua modules that functions may load
    trusted_ips: tuple[str, ...] = ()  # addresses or CIDR blocks whose X-Forwarded-* and X-Real-IP count
    real_ip_header: str = "X-Real-IP"  # … and which of them names the client
    real_ip_recursive: bool = False  # whether trusted addresses in it are passed over
    headers: tuple[str, ...] = ("server_tokens", "latency_tokens", "x-kong-request-id")  # what answers tell of it
    clock: Callable[[], float] = field(default=time.time, repr=False)  # seconds since 1970: the one source of time
