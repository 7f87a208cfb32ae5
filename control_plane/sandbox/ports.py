"""Ports on loopback: the usual one, else the next that is free; one that was asked for by name, or a clear no."""

from __future__ import annotations

import socket

from control_plane.problems import Problem, RenkeiError

LOOPBACK = "127.0.0.1"
TRIED = 100


def choose(title: str, usual: int, asked: int | None, taken: set[int]) -> int:
    """A free port, which is added to `taken`. `asked` 0 means any; a number means that one or RenkeiError."""
    if asked == 0:
        port = any_free(taken)
    elif asked is not None:
        port = asked
        if asked in taken or not is_free(asked):
            raise RenkeiError(
                Problem(f"port {asked} for {title} is in use", help="stop what listens there, or name another port")
            )
    else:
        free = (port for port in range(usual, usual + TRIED) if port not in taken and is_free(port))
        port = next(free, 0) or any_free(taken)
    taken.add(port)
    return port


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
        return True


def any_free(taken: set[int]) -> int:
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
