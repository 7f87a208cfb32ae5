"""A mail server that keeps what it gets: as much of SMTP (RFC 5321) as Keycloak speaks to one without encryption."""

from __future__ import annotations

import email
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message


class Postbox(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mails: list[tuple[str, Message]] = []  # to whom, and what
        self.closed = False  # refuses every mail

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def links(self, to: str) -> list[str]:
        """The addresses in the mails to somebody."""
        texts = [_text(mail) for address, mail in self.mails if address == to]
        return [link for text in texts for link in re.findall(r"https?://[^\s\"<>]+/login-actions/[^\s\"<>]+", text)]


def _text(mail: Message) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    return bytes(part.get_payload(decode=True)).decode()


class _Conversation(socketserver.StreamRequestHandler):
    server: Postbox

    def handle(self) -> None:
        self._say("220 postbox")
        to = ""
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self._say("250 postbox")
            elif word == "RCPT":
                to = re.findall(r"<([^>]*)>", line)[0]
                self._say("550 closed" if self.server.closed else "250 ok")
            elif word == "DATA":
                self._say("354 go on")
                self.server.mails.append((to, email.message_from_string(self._data())))
                self._say("250 ok")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _data(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def a_postbox() -> Iterator[Postbox]:
    with Postbox() as box:
        threading.Thread(target=box.serve_forever, daemon=True).start()
        yield box
        box.shutdown()
