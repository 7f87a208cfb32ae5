"""A receiver of access logs for one test: what the gateway sends, byte for byte."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 15.0  # seconds; the gateway gathers entries for one


class Sink:
    """Where entries arrive."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[bytes] = []

    @property
    def text(self) -> str:
        """Everything that came, as it came and as JSON says it, so that no way of writing hides anything."""
        raw = b"\n".join(self.bodies).decode("utf-8", "replace")
        return raw + "\n" + "\n".join(json.dumps(one, ensure_ascii=False) for one in self.entries)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [entry for body in list(self.bodies) for entry in json.loads(body)]

    def of(self, number: int, **wanted: object) -> list[dict[str, Any]]:
        """The entries with these values, once there are so many."""
        end = time.monotonic() + PATIENCE
        while True:
            found = [one for one in self.entries if all(one.get(name) == value for name, value in wanted.items())]
            if len(found) >= number:
                return found
            assert time.monotonic() < end, f"{len(found)} entries with {wanted}, not {number}"
            time.sleep(0.05)


@contextmanager
def a_sink() -> Iterator[Sink]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sink.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sink = Sink(f"http://127.0.0.1:{server.server_port}/in")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
