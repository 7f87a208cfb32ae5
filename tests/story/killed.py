"""A run of renkei that kills itself at its Nth write: `python -m tests.story.killed N before|after WORD …`.

It ends by SIGKILL, as if the machine had failed: just before the request leaves, or just after the server has answered.
Prints nothing and ends with the command's own exit code when there are fewer writes.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import requests

from control_plane.cli.main import run

WRITES = ("POST", "PUT", "PATCH", "DELETE")


def kill_at(number: int, when: str) -> None:
    send, count = requests.Session.send, 0

    def counting(self: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        nonlocal count
        if request.method in WRITES and "/openid-connect/token" not in str(request.url):
            count += 1
            if count == number and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
        answer = send(self, request, **more)
        if count == number and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    requests.Session.send = counting  # type: ignore[method-assign]  # the one edge that every write crosses


if __name__ == "__main__":
    kill_at(int(sys.argv[1]), sys.argv[2])
    sys.exit(run(sys.argv[3:]))
