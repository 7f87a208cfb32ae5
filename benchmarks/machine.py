"""What the figures were measured on. Without it they mean nothing."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil


@dataclass(frozen=True)
class Machine:
    cores: int
    memory: int  # bytes
    python: str
    system: str
    load: float  # processes that wanted a core during the last minute: more than `cores` of them and figures are worse
    at: str


def this_machine() -> Machine:
    """This machine now. Cores are those that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        cores=cores,
        memory=psutil.virtual_memory().total,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.machine()}",
        load=round(os.getloadavg()[0], 1),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
