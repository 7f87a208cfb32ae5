"""Seconds, processor seconds, requests and memory of one piece of work in this process."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

TOKEN = "/protocol/openid-connect/token"


@dataclass
class Reading:
    """What was measured; filled when the work ends."""

    seconds: float = 0.0
    processor: float = 0.0  # seconds of user and system time of this process, all threads
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)  # (system, method) -> how many
    urls: list[str] = field(default_factory=list)  # of every GET, in the order of sending


@contextmanager
def measured(systems: Mapping[str, str]) -> Iterator[Reading]:
    """Measure what is done inside. `systems` names each server by its host and port.

    Requests are counted where all of them pass, `requests.Session.send`; one that is repeated counts again. What
    urllib3 repeats by itself below that edge is not seen.
    """
    reading, lock = Reading(), threading.Lock()
    send = requests.Session.send

    def counting(self: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        url, method = str(request.url), str(request.method)
        system = systems.get(urlsplit(url).netloc, urlsplit(url).netloc)
        with lock:
            reading.requests[system, "token" if urlsplit(url).path.endswith(TOKEN) else method] += 1
            if method == "GET":
                reading.urls.append(url)
        return send(self, request, **more)

    requests.Session.send = counting  # type: ignore[method-assign]  # the one edge that every request crosses
    began, worked = time.perf_counter(), time.process_time()
    try:
        yield reading
    finally:
        reading.seconds, reading.processor = time.perf_counter() - began, time.process_time() - worked
        requests.Session.send = send  # type: ignore[method-assign]


def peak_memory() -> int:
    """The most memory that this process has had resident, in bytes.

    Linux's ru_maxrss begins with the size of the process that started this one (execve keeps it), so there the
    high-water mark of our own address space is taken instead (proc_pid_status(5), VmHWM).
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
